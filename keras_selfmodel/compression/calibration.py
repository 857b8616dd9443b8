"""Whether probabilities are what they say."""

import numpy as np
import numpy.typing as npt

BINS = 15


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = BINS) -> float:
    """ECE = Σ_b (n_b / n)·|accuracy_b − confidence_b|, over bins of equal width of the largest probability.

    Args:
        probabilities: `(samples, classes)`.
        labels: Class numbers 0 … classes − 1, `(samples,)` or `(samples, 1)`.
        bins: How many; bin b holds confidences in (b/bins, (b + 1)/bins].

    Raises:
        ValueError: If shapes do not fit, labels are out of range, or `bins` is below 1.

    Reference:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Example:

    >>> round(expected_calibration_error([[0.9, 0.1], [0.9, 0.1]], [0, 1]), 3)
    0.4
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1. Received: bins={bins}")
    values, truth = _checked(probabilities, labels)
    confidence, right = values.max(axis=1), values.argmax(axis=1) == truth
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(values))


def brier_score(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Mean over the samples of Σ_c (p_c − 1[c is the class])²: 0 is perfect, 2 the worst.

    Args:
        probabilities: `(samples, classes)`.
        labels: Class numbers 0 … classes − 1, `(samples,)` or `(samples, 1)`.

    Raises:
        ValueError: If shapes do not fit, or labels are out of range.

    Example:

    >>> round(brier_score([[0.9, 0.1], [0.4, 0.6]], [0, 0]), 2)
    0.37
    """
    values, truth = _checked(probabilities, labels)
    return float(((values - (truth[:, None] == np.arange(values.shape[1]))) ** 2).sum(axis=1).mean())


def _checked(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities `(samples, classes)` and class numbers `(samples,)`, at least one of each."""
    values, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"probabilities must have the shape (samples, classes). Received: shape {values.shape}")
    if truth.shape not in ((len(values),), (len(values), 1)):
        raise ValueError(
            f"labels must be one class number for each of {len(values)} samples, of shape (samples,) or (samples, 1). "
            f"Received: shape {truth.shape}"
        )
    if not np.isin(truth, np.arange(values.shape[1])).all():
        raise ValueError(
            f"labels must be class numbers 0 … {values.shape[1] - 1}. Received: labels from {truth.min()} to "
            f"{truth.max()}"
        )
    return values, truth.ravel()
