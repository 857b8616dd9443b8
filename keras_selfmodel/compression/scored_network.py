"""A network whose weights and inputs are changed, and what that does to its loss and accuracy."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel._internals.keras import settings_of
from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy
from keras_selfmodel.rlct.data.arrays import as_arrays
from keras_selfmodel.rlct.losses import check_class_labels, chosen_loss
from keras_selfmodel.transforms.tensors import Tree


@dataclass(frozen=True)
class Answers:
    """What a network says about some samples.

    Attributes:
        loss: Mean loss.
        probabilities: Of each class, `(samples, classes)`; `None` where there are no classes.
        labels: Class numbers, `(samples,)`; `None` where there are no classes.
    """

    loss: float
    probabilities: np.ndarray | None
    labels: np.ndarray | None

    @property
    def score(self) -> LossAndAccuracy:
        if self.probabilities is None or self.labels is None:
            return LossAndAccuracy(self.loss, None)
        return LossAndAccuracy(self.loss, float(np.mean(self.probabilities.argmax(axis=1) == self.labels)))


class ScoredNetwork:
    """A trained network and the samples it is scored on, with its own weights or others in their place.

    Args:
        model: A built Keras model, or a `SelfModelingModel`, whose classifier is scored.
        x: Inputs, as `model.predict` takes them.
        y: Labels.
        loss: As for `compile`; `None` for the one the model was compiled with or, without one, the one that its outputs
            and labels suggest.
        batch_size: Samples at a time.

    Raises:
        ValueError: If the loss does not fit, or the model has no weights of two axes or more.

    Attributes:
        kernels: Places in `weights` of the matrices that are compressed: weights of floating-point numbers with two
            axes or more. Biases and what normalizes stay as they are.

    Example:

    >>> from keras_selfmodel.models import mlp
    >>> network = ScoredNetwork(mlp(5, inputs=3, classes=2, seed=1), np.zeros((4, 3)), np.array([0, 1, 0, 1]))
    >>> network.score().accuracy, network.size
    (0.5, 25)
    """

    def __init__(
        self,
        model: keras.Model,
        x: Tree,
        y: Tree,
        *,
        loss: keras.losses.Loss | str | None = None,
        batch_size: int = 2000,
    ) -> None:
        self.model = classifier_of(model)
        self._batch_size = batch_size
        x, self._y = as_arrays(x, "x"), as_arrays(y, "y")
        self._x = list(self._batches(x))
        scores = self._scores(self._x)
        self._task = chosen_loss(model, self.model, loss, scores, self._y).task
        check_class_labels(self._task, self._y, scores)
        self._counts = ops.mean(self._task.counts(self._y, scores, None), axis=1)
        self.weights = self.model.get_weights()
        names = [weight.path for weight in self.model.weights]
        self.kernels = {
            name: place
            for place, (name, values) in enumerate(zip(names, self.weights, strict=True))
            if values.ndim >= 2 and "float" in values.dtype.name
        }
        if not self.kernels:
            raise ValueError(
                "The model has no floating-point weights of two axes or more: there is nothing to compress. Measure "
                f"models before quantizing them. Received: {self.model.name!r}"
            )

    @property
    def size(self) -> int:
        """How many numbers the kernels have."""
        return sum(self.weights[place].size for place in self.kernels.values())

    @property
    def matrices(self) -> dict[str, np.ndarray]:
        """The kernels by name."""
        return {name: self.weights[place] for name, place in self.kernels.items()}

    @property
    def samples(self) -> int:
        return len(keras.tree.flatten(self._y)[0])

    def score(self, kernels: dict[str, np.ndarray] | None = None, *, x: Tree | None = None) -> LossAndAccuracy:
        """Loss and accuracy.

        Args:
            kernels: Other values for some of the kernels, by name; `None` for its own.
            x: Other inputs for the same labels; `None` for its own.
        """
        return self.answers(kernels, x=x).score

    def score_with(self, weights: Sequence[np.ndarray]) -> LossAndAccuracy:
        """The score with other values for all weights, in the order of `model.get_weights()`."""
        with self._weights(weights):
            return self._answers(self._x).score

    def answers(self, kernels: dict[str, np.ndarray] | None = None, *, x: Tree | None = None) -> Answers:
        """Loss and probabilities; arguments as for `score`."""
        inputs = self._x if x is None else list(self._batches(as_arrays(x, "x")))
        if not kernels:
            return self._answers(inputs)
        changed = list(self.weights)
        for name, values in kernels.items():
            changed[self.kernels[name]] = values.astype(changed[self.kernels[name]].dtype)
        with self._weights(changed):
            return self._answers(inputs)

    def of(self, model: keras.Model) -> Answers:
        """The answers of another model to the same samples, by the same loss."""
        return self._answers(self._x, model)

    @contextmanager
    def _weights(self, weights: Sequence[np.ndarray]) -> Iterator[None]:
        self.model.set_weights(weights)
        try:
            yield
        finally:
            self.model.set_weights(self.weights)

    def _answers(self, inputs: list, model: keras.Model | None = None) -> Answers:
        scores = self._scores(inputs, model)
        losses = self._task.losses(self._y, scores, None, self._counts)
        loss = float(np.mean(ops.convert_to_numpy(losses), dtype=np.float64))
        return Answers(loss, *self._classes(scores))

    def _scores(self, inputs: list, model: keras.Model | None = None) -> Tree:
        found = [(model or self.model).predict_on_batch(batch) for batch in inputs]
        joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *found)
        return keras.tree.map_structure(ops.convert_to_tensor, joined)

    def _batches(self, x: Tree) -> Iterator[Tree]:
        samples = len(keras.tree.flatten(x)[0])
        for start in range(0, samples, self._batch_size):
            rows = slice(start, start + self._batch_size)
            yield keras.tree.map_structure(lambda array, rows=rows: array[rows], x)

    def _classes(self, scores: Tree) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Probabilities and class numbers; nothing where there is no single output of classes."""
        if keras.tree.is_nested(scores) or len(self._task.parts) != 1 or len(scores.shape) > 2:
            return None, None
        loss = self._task.parts[0].loss.loss
        name = f"{type(loss).__name__} {getattr(getattr(loss, 'function', loss), '__name__', '')}".lower()
        if "crossentropy" not in name:
            return None, None
        values = ops.convert_to_numpy(scores).astype(np.float64).reshape(self.samples, -1)
        labels = np.asarray(ops.convert_to_numpy(keras.tree.flatten(self._y)[0])).reshape(self.samples, -1)
        logits = settings_of(loss).get("from_logits", False)
        if values.shape[1] == 1:
            yes = 1 / (1 + np.exp(-np.clip(values, -700, 700))) if logits else values
            return np.concatenate([1 - yes, yes], axis=1), labels[:, 0].astype(int)
        if "binary" in name:  # Several questions of yes or no, no classes.
            return None, None
        if logits:
            values = np.exp(values - values.max(axis=1, keepdims=True))
        numbers = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
        return values / values.sum(axis=1, keepdims=True), numbers.astype(int)
