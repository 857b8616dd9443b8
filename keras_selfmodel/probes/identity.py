"""Compares a linear self-model with the identity map."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keras_selfmodel.probes.activations import (
    SAME_ACTIVATION,
    ActivationStatistics,
    activation_statistics,
    live_units,
    principal_variances,
)


@dataclass(frozen=True)
class Identity:
    """A linear self-model â = W·a + b of n units beside the identity, E = W − I.

    Dead units carry no gradient: a column of W that reads one stays as it was drawn. Spectra and the distance that
    the loss sees are therefore of the live units, between which W and E are square too.

    Attributes:
        distance: ‖E‖_F / ‖I‖_F of all units.
        distance_of_live: The same of the live units; `None` if there are none.
        weighted_distance: tr(E·C·Eᵀ) / tr(C) of the live units, C the covariance of the activations: the part of
            their variance that W gets wrong; the bias has no part in it. `None` without live units.
        direction_errors: ‖E·v‖² for each eigenvector v of C in whose direction the activations vary, in the order of
            falling variance. The mean over the variance is `weighted_distance`.
        alignment: `weighted_distance` over the plain mean of `direction_errors`: 1 if E is as large where variance
            is large as elsewhere, 0 if E vanishes wherever there is variance to speak of. `None` if E is zero there.
        eigenvalues: (Real, imaginary) parts of W's eigenvalues, by falling size. E's are these minus 1.
        singular_values: W's, falling.
        error_singular_values: E's, falling.
        r2: R² of the whole self-prediction, bias included, squares pooled over the live units; `None` without any.
        r2_of_units: R² of each unit; `None` for a dead one.
    """

    distance: float
    distance_of_live: float | None
    weighted_distance: float | None
    direction_errors: tuple[float, ...]
    alignment: float | None
    eigenvalues: tuple[tuple[float, float], ...]
    singular_values: tuple[float, ...]
    error_singular_values: tuple[float, ...]
    r2: float | None
    r2_of_units: tuple[float | None, ...]

    @property
    def median_r2(self) -> float | None:
        """R² of the median live unit. Of units that fire for a few samples only it can be any number below 1."""
        values = [value for value in self.r2_of_units if value is not None]
        return float(np.median(values)) if values else None


@dataclass(frozen=True)
class EpochIdentity:
    """The activations and the self-model of a network after an epoch.

    Attributes:
        epoch: Epochs of training behind it.
        activations: The layer that the head reads.
        identity: The self-model; `None` for a network without one.
    """

    epoch: int
    activations: ActivationStatistics
    identity: Identity | None


def identity_of(weights: npt.ArrayLike, bias: npt.ArrayLike, activations: npt.ArrayLike) -> Identity:
    """Compares a linear self-model with the identity map.

    With E = W − I the self-prediction loss is the mean of ‖E·a + b‖²/n: what it sees of E is its size where the
    activations vary. The loss can vanish while W is far from the identity.

    Args:
        weights: W, `(units, units)`; row i predicts unit i. It is the transpose of a Keras kernel.
        bias: b, `(units,)`.
        activations: Those that W reads and predicts, `(samples, units)`; held-out ones, for an honest R².

    Returns:
        An `Identity`.

    Raises:
        ValueError: If the shapes do not fit, or a number is not finite.

    Reference:
        arXiv 2407.10188, where the matrix is E = W_self − I.

    Example:

    >>> activations = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    >>> found = identity_of(np.diag([0.0, 1.0]), np.zeros(2), activations)
    >>> found.weighted_distance, round(found.distance, 3), found.r2_of_units
    (0.2, 0.707, (0.0, 1.0))
    """
    w, b, a = (np.asarray(values, dtype=np.float64) for values in (weights, bias, activations))
    units = w.shape[0]
    if w.shape != (units, units) or b.shape != (units,) or a.ndim != 2 or a.shape[1] != units or not len(a):
        raise ValueError(
            "weights must be (units, units), bias (units,) and activations (samples, units). "
            f"Received: {w.shape}, {b.shape} and {a.shape}"
        )
    if not all(np.isfinite(values).all() for values in (w, b, a)):
        raise ValueError("weights, bias and activations must be finite numbers: the training diverged.")
    error = w - np.eye(units)
    live = live_units(a)
    between = np.ix_(live, live)
    variances, directions = principal_variances(a[:, live])
    # What is left of a direction without variance is rounding.
    varying = variances > SAME_ACTIVATION**2 * variances.max(initial=0.0)
    direction_errors = np.sum((error[between] @ directions[:, varying]) ** 2, axis=0)
    weighted = float(direction_errors @ variances[varying] / variances.sum()) if varying.any() else None
    mean_error = float(direction_errors.mean()) if varying.any() else 0.0
    residual = np.sum((a @ w.T + b - a) ** 2, axis=0)
    total = np.sum((a - a.mean(axis=0)) ** 2, axis=0)
    eigenvalues = np.linalg.eigvals(w[between])
    eigenvalues = eigenvalues[np.argsort(-np.abs(eigenvalues), kind="stable")]
    return Identity(
        distance=float(np.linalg.norm(error) / np.sqrt(units)),
        distance_of_live=float(np.linalg.norm(error[between]) / np.sqrt(live.sum())) if live.any() else None,
        weighted_distance=weighted,
        direction_errors=tuple(direction_errors.tolist()),
        alignment=weighted / mean_error if weighted is not None and mean_error > 0 else None,
        eigenvalues=tuple(zip(eigenvalues.real.tolist(), eigenvalues.imag.tolist(), strict=True)),
        singular_values=tuple(np.linalg.svd(w[between], compute_uv=False).tolist()),
        error_singular_values=tuple(np.linalg.svd(error[between], compute_uv=False).tolist()),
        r2=float(1 - residual[live].sum() / total[live].sum()) if live.any() else None,
        r2_of_units=tuple(
            float(1 - r / t) if alive else None for r, t, alive in zip(residual, total, live, strict=True)
        ),
    )


def epoch_identity(
    epoch: int, activations: npt.ArrayLike, weights: npt.ArrayLike | None, bias: npt.ArrayLike | None
) -> EpochIdentity:
    """The state of a network after an epoch; `weights` and `bias` as for `identity_of`, `None` without a self-model."""
    found = None if weights is None or bias is None else identity_of(weights, bias, activations)
    return EpochIdentity(epoch, activation_statistics(activations), found)
