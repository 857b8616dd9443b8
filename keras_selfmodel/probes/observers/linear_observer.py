"""The linear observer, exactly."""

import numpy as np

from keras_selfmodel.probes.activations import SAME_ACTIVATION


class LinearObserver:
    """Least squares with an intercept: the solution of smallest norm, by a singular value decomposition.

    The decomposition is of the inputs alone, so it is made once for all networks that are observed from the same
    inputs.

    Args:
        x: What it learns from, `(samples, features)`.

    Reference:
        G. H. Golub and C. F. Van Loan, Matrix Computations, section 5.5.

    Example:

    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> LinearObserver(x).predict(3 * x + 1, np.array([[5.0]])).round(9).tolist()
    [[16.0]]
    """

    def __init__(self, x: np.ndarray) -> None:
        values = np.asarray(x, dtype=np.float64)
        self._mean = values.mean(axis=0)
        self._left, sizes, self._right = np.linalg.svd(values - self._mean, full_matrices=False)
        # Directions that are there by rounding only are left out: networks compute in single precision, in which
        # probabilities do not add up to 1 exactly.
        kept = sizes > SAME_ACTIVATION * sizes.max(initial=0.0)
        self._inverse = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=kept)

    def predict(self, y: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Learns `y` `(samples, units)` and predicts it from `others` `(others, features)`."""
        targets = np.asarray(y, dtype=np.float64)
        mean = targets.mean(axis=0)
        coefficients = self._right.T @ (self._inverse[:, None] * (self._left.T @ (targets - mean)))
        return (np.asarray(others, dtype=np.float64) - self._mean) @ coefficients + mean
