"""One estimate of one case, as a row of numbers."""

import time

import keras_selfmodel as ksm
from truth.case import Built, Case

# A 95 % interval is this many standard errors on either side.
INTERVAL = 1.96
# n samples suffice for λ where the value at n differs from it by no more than this part.
SUFFICIENT = 0.05


def measure(case: Case, built: Built, seed: int, **settings) -> dict:
    """Estimates the RLCT of a case by the estimator's defaults.

    Args:
        case: The case.
        built: What `case.build` made.
        seed: Of the estimate.
        **settings: Changes of the defaults.

    Returns:
        What the JSON holds: names, the exact and the finite value, the estimate with its bar, verdict and warnings,
        whether the bar holds either value, and the cost.
    """
    start = time.perf_counter()
    estimate = built.problem.estimate(ksm.rlct.SamplingSettings(seed=seed, **settings))
    seconds = time.perf_counter() - start
    known = built.finite(estimate.inverse_temperature, estimate.localization)
    finite, finite_error = (None, None) if known is None else known
    bar = estimate.std_error
    return {
        "family": case.family,
        "case": case.name,
        "seed": seed,
        "suffices": finite is None or abs(finite / case.exact - 1) <= SUFFICIENT,
        "exact": case.exact,
        "finite": finite,
        "finite_error": finite_error,
        "value": estimate.value,
        "std_error": bar,
        "sampling_error": estimate.sampling_error,
        "verdict": estimate.verdict,
        "warnings": list(estimate.warnings),
        "covers_exact": bool(abs(estimate.value - case.exact) <= INTERVAL * bar),
        "covers_finite": None
        if finite is None
        else bool(abs(estimate.value - finite) <= INTERVAL * (bar**2 + finite_error**2) ** 0.5),
        "inverse_temperature": estimate.inverse_temperature,
        "localization": estimate.localization,
        "distance": estimate.distance,
        "localization_error": estimate.localization_error,
        "finite_size_error": estimate.finite_size_error,
        "temperature_error": estimate.temperature_error,
        "trend": None if estimate.trend is None else estimate.trend.difference,
        "departure_error": estimate.departure_error,
        "near": None if estimate.near is None else float(estimate.near.mean()),
        "quadratic_value": estimate.quadratic_value,
        "degeneracy": estimate.degeneracy,
        "unfilled": estimate.unfilled,
        "held": estimate.held_by_localization,
        "evaluations": estimate.gradient_evaluations,
        "seconds": seconds,
    }
