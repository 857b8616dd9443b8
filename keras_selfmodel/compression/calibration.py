"""Whether probabilities are what they say."""

import numpy as np
import numpy.typing as npt

BINS = 15


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, bins: int = BINS) -> float:
    """ECE = Σ_b (n_b / n)·|accuracy_b − confidence_b|, over bins of equal width of the largest probability.

    Args:
        probabilities: `(samples, classes)`.
        labels: Class numbers, `(samples,)`.
        bins: How many; bin b holds confidences in (b/bins, (b + 1)/bins].

    Reference:
        C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Example:

    >>> round(expected_calibration_error([[0.9, 0.1], [0.9, 0.1]], [0, 1]), 3)
    0.4
    """
    values, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    confidence, right = values.max(axis=1), values.argmax(axis=1) == truth
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(values))


def brier_score(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Mean over the samples of Σ_c (p_c − 1[c is the class])²: 0 is perfect, 2 the worst.

    Args:
        probabilities: `(samples, classes)`.
        labels: Class numbers, `(samples,)`.

    Example:

    >>> round(brier_score([[0.9, 0.1], [0.4, 0.6]], [0, 0]), 2)
    0.37
    """
    values = np.array(probabilities, dtype=np.float64)
    values[np.arange(len(values)), np.asarray(labels).astype(int)] -= 1
    return float((values**2).sum(axis=1).mean())
