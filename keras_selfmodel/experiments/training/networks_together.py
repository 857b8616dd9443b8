"""Many networks of one shape trained by one compiled program, each as `fit` would train it alone."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._internals.keras import count_loss
from keras_selfmodel.models import ObjectiveModel, PenalizedModel
from keras_selfmodel.transforms.tensors import Tensor


class NetworksTogether:
    """Trains networks that differ in their weights, their auxiliary weight and the order of their data.

    Each step computes the loss, the metrics and the optimizer of Keras for all of them, side by side where that is
    faster (`transforms.map_chains`), and agrees with `fit` but for the order of additions.

    Args:
        models: Compiled models of one shape, all plain classifiers or all `ObjectiveModel`s of one kind. Their
            optimizers hold their own state. Weights go back into them by `synchronize`.
        x: Training inputs, `(samples, ...)`.
        y: Training labels, `(samples,)`.
        orders: Order of the samples of each network, int `(networks, samples)`.
        batch_size: Samples of one step; the last batch of an epoch may be smaller.

    Raises:
        ValueError: If an optimizer does more than its update rule, such as clipping gradients, or if the backend is
            TensorFlow, where Keras's optimizers are no functions of their state.

    Example:

    >>> from keras_selfmodel.models import mlp
    >>> def model(seed):
    ...     classifier = mlp(4, inputs=3, classes=2, seed=seed)
    ...     classifier.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    ...     return classifier
    >>> x, y = np.ones((6, 3), "float32"), np.zeros(6, "int32")
    >>> orders = np.tile(np.arange(6), (2, 1))
    >>> together = NetworksTogether([model(1), model(2)], x, y, orders, batch_size=4)  # doctest: +SKIP
    >>> [sorted(logs) for logs in together.epoch()]  # doctest: +SKIP
    [['loss'], ['loss']]
    """

    def __init__(
        self, models: Sequence[keras.Model], x: np.ndarray, y: np.ndarray, orders: np.ndarray, *, batch_size: int
    ) -> None:
        self._models = list(models)
        self._data = (ops.convert_to_tensor(x), ops.convert_to_tensor(y))
        self._orders = np.asarray(orders, np.int32)
        self._batch_size = batch_size
        if not transforms.FUNCTIONAL_OPTIMIZERS:
            raise ValueError(
                f"Networks cannot be trained together on {keras.config.backend()}: its optimizers work in place."
            )
        for model in self._models:
            _check_optimizer(model.optimizer)
            model.optimizer.build(model.trainable_variables)
            # Metrics create their variables when they first see values.
            model.reset_metrics()
            call = model.joint_outputs if isinstance(model, ObjectiveModel) else model
            # Not in training mode, which would draw the first mask of a dropout.
            model.compute_metrics(*(a[:1] for a in self._data), call(self._data[0][:1], training=False))
            model.reset_metrics()
        self._state = tuple(
            [
                ops.convert_to_tensor(np.stack([ops.convert_to_numpy(v) for v in same]))
                for same in zip(*map(part, self._models), strict=True)
            ]
            for part in (_trainable, _non_trainable, _optimizer, _metrics)
        )
        first = self._models[0]
        separately = any("seed_generator" in v.path for v in first.non_trainable_variables)
        self._train = transforms.jit(_program(first, training=True, separately=separately))
        self._test = transforms.jit(_program(first, training=False, separately=separately))
        self._names: list[str] = []
        self._results = transforms.jit(transforms.map_chains(self._results_of_one))

    def epoch(self) -> list[dict[str, float]]:
        """Trains every network for an epoch, and returns the logs of each, as `fit` names them."""
        return self._pass(self._train, self._data, self._orders)

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> list[dict[str, float]]:
        """The logs of each network on other data, as `fit` names those of validation data."""
        data = (ops.convert_to_tensor(x), ops.convert_to_tensor(y))
        order = np.tile(np.arange(len(y), dtype=np.int32), (len(self._models), 1))
        first = self._models[0]
        in_training = set(getattr(first, "training_logs", ())) - set(getattr(first, "validation_logs", ()))
        logs = self._pass(self._test, data, order)
        return [{name: value for name, value in log.items() if name not in in_training} for log in logs]

    def synchronize(self) -> None:
        """Writes weights and optimizer states back into the models."""
        for part, stacked in zip((_trainable, _non_trainable, _optimizer), self._state[:3], strict=True):
            for place, values in enumerate(map(ops.convert_to_numpy, stacked)):
                for model, value in zip(self._models, values, strict=True):
                    part(model)[place].assign(value)

    def _pass(self, program: Callable, data: tuple, orders: np.ndarray) -> list[dict[str, float]]:
        self._state = (*self._state[:3], [ops.zeros_like(m) for m in self._state[3]])
        full = orders.shape[1] // self._batch_size * self._batch_size
        # Full batches and the smaller last one have different shapes.
        for part, size in ((orders[:, :full], self._batch_size), (orders[:, full:], orders.shape[1] - full)):
            if part.size:
                indices = part.reshape(len(orders), -1, size).swapaxes(0, 1)
                self._state, _ = program(self._state, ops.convert_to_tensor(np.ascontiguousarray(indices)), *data)
        metrics, results = self._results(self._state[3])
        self._state = (*self._state[:3], metrics)
        return [
            {name: float(value) for name, value in zip(self._names, row, strict=True)}
            for row in ops.convert_to_numpy(results)
        ]

    def _results_of_one(self, metrics: list) -> tuple[list, object]:
        """The metrics as they are, and their results in the order that `_names` notes: one array for all networks."""
        model = self._models[0]
        with keras.StatelessScope(state_mapping=list(zip(_metrics(model), metrics, strict=True))):
            results = model.get_metrics_result()
        self._names = list(results)
        return metrics, ops.stack([ops.cast(value, keras.config.floatx()) for value in results.values()])


def _program(model: keras.Model, *, training: bool, separately: bool) -> Callable:
    """`(state, indices (steps, networks, batch), x, y) -> (state, losses (steps, networks))`."""

    def loss(trainable, non_trainable, metrics, x, y):
        variables = (*_trainable(model), *_non_trainable(model), *_metrics(model))
        mapping = zip(variables, (*trainable, *non_trainable, *metrics), strict=True)
        with keras.StatelessScope(state_mapping=list(mapping), collect_losses=True) as scope:
            outputs = _outputs(model, x, training=training)
            value = model.compute_loss(x, y, outputs, training=training)
            count_loss(model, value, x.shape[0])
            model.compute_metrics(x, y, outputs)
        updated = [[scope.get_current_value(v) for v in part(model)] for part in (_non_trainable, _metrics)]
        return value, updated

    differentiate = transforms.value_and_grad(loss)

    def one(trainable, non_trainable, optimizer, metrics, index, x, y):
        batch = (ops.take(x, index, axis=0), ops.take(y, index, axis=0))
        if training:
            (value, updated), gradients = differentiate(trainable, non_trainable, metrics, *batch)
            trainable, optimizer = _updated(model, optimizer, gradients, trainable)
            non_trainable, metrics = updated
        else:
            value, (_, metrics) = loss(trainable, non_trainable, metrics, *batch)
        return (trainable, non_trainable, optimizer, metrics), value

    together = transforms.map_chains(one, separately=separately)

    def run(state, indices, x, y):
        return transforms.scan(lambda state, index: together(*state, index, shared=(x, y)), state, indices)

    return run


def _updated(model: keras.Model, state: list, gradients: list, trainable: list) -> tuple[list, list]:
    """One step of the optimizer. Not `stateless_apply`, which changes variables in place on PyTorch."""
    variables = (*_trainable(model), *_optimizer(model))
    with keras.StatelessScope(state_mapping=list(zip(variables, (*trainable, *state), strict=True))) as scope:
        rate = model.optimizer.learning_rate
        for gradient, variable in zip(gradients, _trainable(model), strict=True):
            model.optimizer.update_step(gradient, variable, rate)
        model.optimizer.iterations.assign_add(1)
    moved = [scope.get_current_value(v) for v in variables]
    return moved[: len(trainable)], moved[len(trainable) :]


def _outputs(model: keras.Model, x: Tensor, *, training: bool) -> Tensor:
    # A dropout before the final layer is no part of the network that is tested.
    if isinstance(model, PenalizedModel) or (training and isinstance(model, ObjectiveModel)):
        return model.joint_outputs(x, training=training)
    return model(x, training=training)


def _check_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    beyond = ("clipnorm", "clipvalue", "global_clipnorm", "gradient_accumulation_steps", "use_ema", "weight_decay")
    used = [name for name in beyond if getattr(optimizer, name, None)]
    if used:
        raise ValueError(f"Networks cannot be trained together with {', '.join(used)} of {type(optimizer).__name__}.")


def _trainable(model: keras.Model) -> list:
    return model.trainable_variables


def _non_trainable(model: keras.Model) -> list:
    return model.non_trainable_variables


def _optimizer(model: keras.Model) -> list:
    return model.optimizer.variables


def _metrics(model: keras.Model) -> list:
    return model.metrics_variables
