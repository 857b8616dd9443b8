"""Finite values where the loss is a parabola."""

import numpy as np

from truth.case import Finite


def quadratic(curvatures: np.ndarray) -> Finite:
    """Each direction of curvature h contributes ½ nβh/(nβh + γ).

    Args:
        curvatures: Eigenvalues of the Hessian of the mean loss at w*; those of flat directions are 0.
    """
    h = np.clip(np.asarray(curvatures, np.float64), 0.0, None)
    return lambda nbeta, localization: (float(np.sum(0.5 * nbeta * h / (nbeta * h + localization))), 0.0)
