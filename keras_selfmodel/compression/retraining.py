"""The smallest weights are set to 0, and those that are kept are trained on."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel._callables import takes
from keras_selfmodel._internals.keras import moving_averages
from keras_selfmodel.compression.curve import CompressionCurve, CurvePoint
from keras_selfmodel.compression.pruning import PruningScope, checked_shares, magnitude_masks
from keras_selfmodel.compression.scored_network import ScoredNetwork

RETRAINED_SHARES = (0.5, 0.3, 0.2, 0.13, 0.08, 0.05, 0.03, 0.02, 0.01)
"""Parts of the weights that are kept; each costs a training."""


def retrained_pruning_curve(
    network: ScoredNetwork,
    model: keras.Model,
    train: Callable[[], object],
    scope: PruningScope = "global",
    shares: Iterable[float] = RETRAINED_SHARES,
) -> CompressionCurve:
    """Loss and accuracy against the part of the weights that is kept, once these have been trained on.

    The first point is the network as it is, so that a rise of the loss is one above that of the network before pruning.
    For every other one the trained weights are pruned at once, and `train` changes those that are kept, from the same
    weights and state of the optimizer each time. Weights that were pruned stay 0, by a constraint of Keras, and so do
    their moving averages (`use_ema`).

    Args:
        network: A network and its samples.
        model: What is trained, compiled: the network, or the `SelfModelingModel` around it. It is left as it was, but
            for what it draws at random.
        train: Trains `model` for a while, such as by a call of `fit`; called without arguments.
        scope: As for `magnitude_masks`.
        shares: Parts that are kept, in 0 … 1 and falling.

    Raises:
        ValueError: Before anything is trained: if `network` is no `ScoredNetwork`; `model` is not compiled, lacks
            weights of the network, or was trained after the network was scored; `train` cannot be called without
            arguments; there is no such scope; the shares are no numbers in 0 … 1, or rise; the network's loss is not a
            number. After a training: if it does not follow the constraints of Keras's variables.

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
    shares = checked_shares(shares)
    _check(network, model, train)
    where = "of all kernels" if scope == "global" else "of each kernel"
    curve = CompressionCurve(
        f"pruning by magnitude and retraining, {scope}",
        f"part {where} kept",
        (CurvePoint.of(1.0, network.intact.score),),
    )
    for share in shares:
        masks = magnitude_masks(network.matrices, share, scope)
        with _pruned(network, model, masks):
            train()
            weights = [ops.convert_to_numpy(variable) for variable in network.model.weights]
        _check_zeros(network, weights, masks)
        amount = sum(int(mask.sum()) for mask in masks.values()) / network.size
        curve = replace(curve, points=(*curve.points, CurvePoint.of(amount, network.score_with(weights))))
    return curve


@contextmanager
def _pruned(network: ScoredNetwork, model: keras.Model, masks: dict[int, np.ndarray]) -> Iterator[None]:
    """Within it, the weights that the masks leave out are 0, and training keeps them so; then all is as it was."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    before = [(one, ops.convert_to_numpy(one)) for one in (*model.weights, *model.optimizer.variables)]
    kernels = {place: network.model.weights[place] for place in masks}
    constraints = {place: kernel.constraint for place, kernel in kernels.items()}
    averages = {id(variable): average for variable, average in moving_averages(model.optimizer)}
    try:
        # As if it had been loaded: on JAX, `fit` leaves weights and averages in one buffer and cannot go on from there.
        _assign(before)
        for place, kernel in kernels.items():
            kernel.constraint = _StayPruned(masks[place], constraints[place], averages.get(id(kernel)))
            kernel.assign(kernel.constraint.pruned(kernel))
        model.make_train_function(force=True)  # One that is compiled already knows nothing of the constraints.
        yield
    finally:
        _assign(before)
        for place, kernel in kernels.items():
            kernel.constraint = constraints[place]
        model.make_train_function(force=True)


def _assign(values: list[tuple[keras.Variable, np.ndarray]]) -> None:
    for variable, value in values:
        variable.assign(value)


class _StayPruned(keras.constraints.Constraint):
    """Weights that were pruned are 0; the others follow the constraint that they had.

    Args:
        mask: Which weights are kept.
        others: The constraint that they had.
        average: Their moving average. Keras updates it just before it applies the constraint, from weights that do
            not follow it yet, and puts it in their place at the end of `fit`.
    """

    def __init__(self, mask: np.ndarray, others: Callable | None, average: keras.Variable | None) -> None:
        self._mask, self._others, self._average = mask, others, average

    def __call__(self, w: Any) -> Any:
        w = self.pruned(w)
        return w if self._others is None else self._masked(self._others(w))

    def pruned(self, w: Any) -> Any:
        """The weights with 0 for those that were pruned, in whose moving average there is then 0 too."""
        if self._average is not None:
            self._average.assign(self._masked(self._average))
        return self._masked(w)

    def _masked(self, w: Any) -> Any:
        w = ops.convert_to_tensor(w)
        return ops.where(ops.convert_to_tensor(self._mask), w, ops.zeros_like(w))


def _check(network: ScoredNetwork, model: keras.Model, train: Callable[[], object]) -> None:
    if not isinstance(network, ScoredNetwork):
        raise ValueError(
            "network must be a ScoredNetwork, such as ScoredNetwork(model, x, y). Received: an object of type "
            f"{type(network).__name__}"
        )
    if not isinstance(model, keras.Model) or getattr(model, "optimizer", None) is None:
        received = f"{model.name!r}, not compiled" if isinstance(model, keras.Model) else type(model).__name__
        raise ValueError(f"model must be a Keras model that is compiled with an optimizer. Received: {received}")
    held = {id(variable) for variable in model.weights}
    variables = network.model.weights
    lacking = [name for place, name in network.kernels.items() if id(variables[place]) not in held]
    if lacking:
        raise ValueError(
            "model must be the network that was scored, or the SelfModelingModel around it: it lacks weights of the "
            f"network, such as {lacking[0]!r}. Received: {model.name!r}"
        )
    network.check_unchanged()
    if not callable(train) or not takes(train, 0):
        raise ValueError(
            "train must be a function that trains the model and takes no arguments, such as lambda: model.fit(x, y). "
            f"Received: train={train!r}"
        )


def _check_zeros(network: ScoredNetwork, weights: list[np.ndarray], masks: dict[int, np.ndarray]) -> None:
    for place, mask in masks.items():
        if weights[place][~mask].any():
            raise ValueError(
                f"The training changes weights of {network.kernels[place]!r} that were pruned: it does not follow the "
                "constraints of Keras's variables, as its optimizers do."
            )
