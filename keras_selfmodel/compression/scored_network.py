"""A network whose weights and inputs are changed, and what that does to its loss and accuracy."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import answering_weights, classifier_of
from keras_selfmodel._internals.keras import layers_inside, mode
from keras_selfmodel._layer_kernel import matrices_of
from keras_selfmodel._numbers import whole_number
from keras_selfmodel.compression.class_reading import EntryClasses, class_convention
from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy
from keras_selfmodel.rlct.data.arrays import as_arrays
from keras_selfmodel.rlct.losses import check_class_labels, chosen_loss, disagreement
from keras_selfmodel.rlct.losses.agreement import COMPARED
from keras_selfmodel.transforms.tensors import Tree


@dataclass(frozen=True)
class Answers:
    """What a network says about some samples.

    Attributes:
        loss: Mean loss.
        classes: Of the entries that count in the loss: each sample or, where there are several, each token or pixel
            that is neither masked nor of an ignored class. `None` where there are no classes.
    """

    loss: float
    classes: EntryClasses | None

    @property
    def score(self) -> LossAndAccuracy:
        """The loss, and the fraction of the entries that are classified correctly."""
        if self.classes is None:
            return LossAndAccuracy(self.loss, None)
        return LossAndAccuracy(self.loss, float(np.mean(self.classes.predictions == self.classes.labels)))


class ScoredNetwork:
    """A trained network and the samples it is scored on, with its own weights or others in their place.

    The loss is what `evaluate` gives for all samples in one batch, with its masks and ignored classes, but without the
    terms of regularization. Where Keras computes something else, such as a sum over the batch, a warning says so.

    Args:
        model: A built Keras model, or a `SelfModelingModel`, whose classifier is scored.
        x: Inputs: an array, a tensor or a table, or a list, tuple or dict of these for several inputs.
        y: Labels, likewise.
        loss: As for `compile`; `None` for the one the model was compiled with or, without one, the one that its outputs
            and labels suggest.
        batch_size: Samples at a time, at least 1.

    Raises:
        ValueError: If the loss does not fit, the samples are no arrays, all entries are masked or ignored, the model
            has no weights to compress, or `batch_size` is no whole number above 0. Later, from whatever scores it: if
            the model was trained after this was made.

    Attributes:
        weights: All weights, in the order of `model.get_weights()`.
        kernels: Names of the matrices that are compressed, by their places in `weights`: weights of floating-point
            numbers with two axes or more. Biases, what normalizes, slopes of PReLU and states of recurrent layers stay
            as they are, however many axes they have (of custom layers what is called "bias"), and so do the heads of
            self-modeling models inside. Names are for showing: several weights may have the same path, which then gets
            the place.

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
        self._batch_size = whole_number("batch_size", batch_size, 1)
        self._x, self._y = as_arrays(x, "x"), as_arrays(y, "y")
        some = [_rows(tree, slice(COMPARED)) for tree in (self._x, self._y)]
        scores = self.model(keras.tree.map_structure(ops.convert_to_tensor, some[0]), **mode(self.model.call, False))
        choice = chosen_loss(model, self.model, loss, scores, self._y)
        self._task = choice.task
        check_class_labels(self._task, self._y, scores)
        for doubt in (*choice.doubts, *disagreement(model, choice, scores, *some)):
            warnings.warn(doubt, stacklevel=2)
        self._convention = class_convention(self.model, self._task, scores, self._y)
        self._program = self._programmed(self.model)
        self.weights = self.model.get_weights()
        names = _different_names([weight.path for weight in self.model.weights])
        matrices = {id(weight) for weight in matrices_of([self.model])}
        compressed = {id(weight) for weight in answering_weights(self.model)} & matrices
        self.kernels = {
            place: names[place]
            for place, (weight, values) in enumerate(zip(self.model.weights, self.weights, strict=True))
            if id(weight) in compressed and "float" in values.dtype.name
        }
        if not self.kernels:
            raise ValueError(
                "The model has no floating-point weights of two axes or more, other than biases and what normalizes: "
                f"there is nothing to compress. Measure models before quantizing them. Received: {self.model.name!r}"
            )

    @property
    def size(self) -> int:
        """How many numbers the kernels have."""
        return sum(values.size for values in self.matrices.values())

    @property
    def matrices(self) -> dict[int, np.ndarray]:
        """The kernels by their places in `weights`."""
        return {place: self.weights[place] for place in self.kernels}

    @property
    def samples(self) -> int:
        """How many samples it is scored on."""
        return len(keras.tree.flatten(self._y)[0])

    def score(self, kernels: dict[int, np.ndarray] | None = None, *, x: Tree | None = None) -> LossAndAccuracy:
        """Loss and accuracy.

        Args:
            kernels: Other values for some of the kernels, by their places in `weights`; `None` for its own.
            x: Other inputs for the same labels; `None` for its own.

        Raises:
            ValueError: If there is no kernel at one of the places, or it has another shape.
        """
        return self.answers(kernels, x=x).score

    def score_with(self, weights: Sequence[np.ndarray]) -> LossAndAccuracy:
        """The score with other values for all weights, in the order of `model.get_weights()`.

        Raises:
            ValueError: If they do not have the shapes of the network's.
        """
        with self._weights(weights):
            return self._answers(self._x).score

    @property
    def intact(self) -> Answers:
        """The answers of the network as it is, computed once."""
        self.check_unchanged()
        return self._intact

    @cached_property
    def _intact(self) -> Answers:
        return self._answers(self._x)

    def check_unchanged(self) -> None:
        """Raises ValueError if the model has other weights than when this was made.

        Nothing of these would be measured, and the old ones would be put in their place.
        """
        # Recurrent layers that are stateful change their states whenever they are called.
        states = {id(one) for layer in layers_inside(self.model) for one in _states(layer)}
        now = self.model.weights
        changed = [
            one.path
            for one, values in zip(now, self.weights, strict=False)
            if id(one) not in states and not np.array_equal(ops.convert_to_numpy(one), values, equal_nan=True)
        ]
        if changed or len(now) != len(self.weights):
            where = f"other values in {changed[0]!r}" if changed else f"{len(now)} weights, not {len(self.weights)}"
            raise ValueError(
                "The model must have the weights that were scored: it was trained, or called with training=True, after "
                f"the ScoredNetwork was made. Make another, ScoredNetwork(model, x, y). Received: {self.model.name!r}, "
                f"{where}"
            )

    def answers(self, kernels: dict[int, np.ndarray] | None = None, *, x: Tree | None = None) -> Answers:
        """Loss and classes; arguments as for `score`."""
        inputs = self._x if x is None else as_arrays(x, "x")
        kernels = kernels or {}
        if unknown := [place for place in kernels if place not in self.kernels]:
            places = ", ".join(f"{place} ({name})" for place, name in self.kernels.items())
            raise ValueError(f"There are kernels at the places {places}. Received: {unknown[0]!r}")
        changed = {place: values for place, values in kernels.items() if values is not self.weights[place]}
        if not changed:
            self.check_unchanged()
            return self._intact if x is None or _equal(inputs, self._x) else self._answers(inputs)
        weights = list(self.weights)
        for place, values in changed.items():
            weights[place] = np.asarray(values).astype(weights[place].dtype)
        with self._weights(weights):
            return self._answers(inputs)

    def of(self, model: keras.Model) -> Answers:
        """The answers of another model to the same samples, by the same loss."""
        return self._answers(self._x, model)

    @contextmanager
    def _weights(self, weights: Sequence[np.ndarray]) -> Iterator[None]:
        self.check_unchanged()
        ours, given = ([np.shape(values) for values in one] for one in (self.weights, weights))
        if ours != given:
            raise ValueError(
                f"The weights of {self.model.name!r} have the shapes {', '.join(map(str, ours))}. Received: shapes "
                f"{', '.join(map(str, given))}"
            )
        try:
            self.model.set_weights(weights)
            yield
        finally:
            self.model.set_weights(self.weights)

    def _answers(self, inputs: Tree, model: keras.Model | None = None) -> Answers:
        program = self._program if model is None else self._programmed(model)
        variables = [
            [ops.convert_to_tensor(one) for one in group]
            for group in ((model or self.model).trainable_variables, (model or self.model).non_trainable_variables)
        ]
        found = []
        for start in range(0, self.samples, self._batch_size):
            batch = [_rows(tree, slice(start, start + self._batch_size)) for tree in (inputs, self._y)]
            # No state is carried from batch to batch, but `transforms.jit` donates the first argument: not the weights.
            _, answers = program((), *variables, *keras.tree.map_structure(ops.convert_to_tensor, batch))
            found.append(keras.tree.map_structure(ops.convert_to_numpy, answers))
        numerators, counts = (
            np.sum([part[key].sum(axis=1, dtype=np.float64) for part in found], axis=0) for key in ("losses", "counts")
        )
        if not (counts > 0).all():
            raise ValueError("All samples are masked or ignored: there is no loss to measure.")
        factors = [part.factor for part in self._task.parts]
        loss = float(np.sum(factors * numerators / counts))
        if self._convention is None:
            return Answers(loss, None)
        scores, counted = (np.concatenate([part[key] for part in found]) for key in ("scores", "counted"))
        labels = ops.convert_to_numpy(self._task.parts[0].of(self._y))
        return Answers(loss, self._convention.read(scores, labels, counted))

    def _programmed(self, model: keras.Model) -> Callable:
        """What a model says about a batch, compiled: inside, Keras's masks are still there."""
        task, classes = self._task, self._convention is not None
        training = mode(model.call, False)

        def answer(no_state, trainable, others, x, y):
            scores, _ = model.stateless_call(trainable, others, x, **training)
            found = {
                "losses": ops.stack([part.loss.numerators(part.of(y), part.of(scores)) for part in task.parts]),
                "counts": task.counts(y, scores, None),
            }
            if classes:
                (part,) = task.parts
                outputs = part.of(scores)
                found |= {"scores": outputs, "counted": part.loss.counted(part.of(y), outputs)}
            return no_state, found

        return transforms.jit(answer)


def _different_names(paths: list[str]) -> list[str]:
    """Paths of weights; those that several have get their places, for which a user can look in `model.weights`."""
    counts = Counter(paths)
    return [path if counts[path] == 1 else f"{path} (weights[{place}])" for place, path in enumerate(paths)]


def _states(layer: keras.Layer) -> list:
    return keras.tree.flatten(getattr(layer, "states", None)) if isinstance(layer, keras.layers.RNN) else []


def _rows(tree: Tree, rows: slice) -> Tree:
    return keras.tree.map_structure(lambda array: array[rows], tree)


def _equal(one: Tree, other: Tree) -> bool:
    """Whether two trees hold the same numbers."""
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    return all(a is b or np.array_equal(*map(ops.convert_to_numpy, (a, b))) for a, b in pairs)
