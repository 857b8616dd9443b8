"""What the measures of a network can be, wherever they are stored."""

import math

# Networks compute in float32: a larger number is none of theirs, and its square overflows.
LARGEST = 3.5e38

MEASURE_RANGES = {
    "accuracy": (0.0, 1.0),
    "weight_spread": (0.0, LARGEST),
    "weight_interquartile_range": (0.0, LARGEST),
    "weight_excess_kurtosis": (-2.000001, LARGEST),  # at least −2, but for rounding
    "self_prediction_loss": (0.0, LARGEST),
    "self_prediction_r2": (-math.inf, 1.0),
}
"""Least and largest value of measures by name, on the test data ("val_…") as on the training data."""


def check_measure(name: str, value: float) -> None:
    """Makes sure that a measure can have a value. NaN and infinity, which a diverged training has, always pass.

    Raises:
        ValueError: If it cannot.
    """
    if not math.isfinite(value):
        return
    least, most = MEASURE_RANGES.get(name.removeprefix("val_"), (-LARGEST, LARGEST))
    if least <= value <= most:
        return
    if (least, most) == (0.0, 1.0):
        allowed = "lie between 0 and 1"
    elif value < least:
        allowed = "not be negative" if least == 0 else f"be at least {least:g}"
    else:
        allowed = f"be at most {most:g}"
    raise ValueError(f"{name} must {allowed}. Received: {value}")
