"""The smallest weights are set to 0, and those that are kept are trained on."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.pruning import PruningScope, magnitude_masks
from keras_selfmodel.compression.scored_network import ScoredNetwork

RETRAINED_SHARES = (0.5, 0.3, 0.2, 0.13, 0.08, 0.05, 0.03, 0.02, 0.01)
"""Parts of the weights that are kept; each costs a training."""


def retrained_pruning_curve(
    network: ScoredNetwork,
    model: keras.Model,
    train: Callable[[], object],
    scope: PruningScope = "global",
    shares: tuple[float, ...] = RETRAINED_SHARES,
) -> CompressionCurve:
    """Loss and accuracy against the part of the weights that is kept, once these have been trained on.

    The first point is the network as it is, so that a rise of the loss is one above that of the network before pruning.
    For every other one the trained weights are pruned at once, and `train` changes those that are kept, from the same
    weights and state of the optimizer each time. Weights that were pruned stay 0, by a constraint of Keras.

    Args:
        network: A network and its samples.
        model: What is trained, compiled: the network, or the `SelfModelingModel` around it. It is left as it was, but
            for what it draws at random.
        train: Trains `model` for a while, such as by a call of `fit`.
        scope: As for `magnitude_masks`.
        shares: Parts that are kept, falling, below 1.

    Raises:
        ValueError: If the training does not follow the constraints of Keras's variables, or as for `pruning_curve`.

    Example:

    >>> import keras_selfmodel as ksm
    >>> x, y = np.random.default_rng(0).normal(size=(64, 3)), np.arange(64) % 2
    >>> model = ksm.models.mlp(5, inputs=3, classes=2, seed=1)
    >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> network = ScoredNetwork(model, x, y)
    >>> curve = retrained_pruning_curve(network, model, lambda: model.fit(x, y, verbose=0), shares=(0.4, 0.2))
    >>> [point.amount for point in curve.points]
    [1.0, 0.4, 0.2]
    """
    kernels, points = network.matrices, [CurvePoint.of(1.0, network.intact.score)]
    variables = {variable.path: variable for variable in network.model.weights if variable.path in kernels}
    model.optimizer.build(model.trainable_variables)
    state = [(one, ops.convert_to_numpy(one)) for one in (*model.weights, *model.optimizer.variables)]
    constraints = {name: variable.constraint for name, variable in variables.items()}
    try:
        for share in shares:
            masks = magnitude_masks(kernels, share, scope)
            for name, variable in variables.items():
                variable.assign(kernels[name] * masks[name])
                variable.constraint = _Kept(masks[name], constraints[name])
            model.make_train_function(force=True)  # What was compiled before has the masks before.
            train()
            weights = [ops.convert_to_numpy(variable) for variable in network.model.weights]
            _put(state)
            for name, place in network.kernels.items():
                if weights[place][~masks[name]].any():
                    raise ValueError(
                        f"The training changes weights of {name!r} that were pruned: it does not follow the "
                        "constraints of Keras's variables, as its optimizers do."
                    )
            kept = sum(int(mask.sum()) for mask in masks.values()) / network.size
            points.append(CurvePoint.of(kept, network.score_with(weights)))
    finally:
        _put(state)
        for name, variable in variables.items():
            variable.constraint = constraints[name]
        model.make_train_function(force=True)
    where = "of all kernels" if scope == "global" else "of each kernel"
    return CompressionCurve(f"pruning by magnitude and retraining, {scope}", f"part {where} kept", tuple(points))


class _Kept(keras.constraints.Constraint):
    """Weights that were pruned are 0; others follow the constraint that they had."""

    def __init__(self, mask: np.ndarray, others: Callable | None) -> None:
        self._mask, self._others = mask, others

    def __call__(self, w: object) -> object:
        w = ops.convert_to_tensor(w) if self._others is None else self._others(w)
        return ops.where(ops.convert_to_tensor(self._mask), w, ops.zeros_like(w))


def _put(state: list[tuple[keras.Variable, np.ndarray]]) -> None:
    for variable, value in state:
        variable.assign(value)
