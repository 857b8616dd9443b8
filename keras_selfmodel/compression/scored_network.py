"""A network whose weights and inputs are changed, and what that does to its loss and accuracy."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property

import keras
import numpy as np
from keras import ops

from keras_selfmodel._classifier_graph import answering_weights, classifier_of
from keras_selfmodel._internals.keras import mode
from keras_selfmodel._layer_kernel import matrices_of
from keras_selfmodel._numbers import whole_number
from keras_selfmodel.compression.answers import Answers
from keras_selfmodel.compression.class_reading import class_convention
from keras_selfmodel.compression.compiled_answers import answering_program
from keras_selfmodel.compression.fixed_batches import check_batches, fixed_batch_size, named_if_fixed, states_of
from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy
from keras_selfmodel.rlct.data.arrays import as_arrays
from keras_selfmodel.rlct.losses import check_class_labels, chosen_loss, disagreement
from keras_selfmodel.rlct.losses.agreement import COMPARED
from keras_selfmodel.transforms.tensors import Tree


class ScoredNetwork:
    """A trained network and the samples it is scored on, with its own weights or others in their place.

    The loss is what `evaluate` gives for all samples in one batch, with its masks and ignored classes, but without the
    terms of regularization. Where Keras computes something else, such as a sum over the batch, a warning says so.

    Weights that the model changes itself when it is called in inference, such as the states of recurrent layers and
    counters, are no training. Every batch is scored with those that the model had when this was made, and the model's
    own stay as they are.

    Args:
        model: A built Keras model, or a `SelfModelingModel`, whose classifier is scored.
        x: Inputs: an array, a tensor or a table, or a list, tuple or dict of these for several inputs.
        y: Labels, likewise.
        loss: As for `compile`; `None` for the one the model was compiled with or, without one, the one that its outputs
            and labels suggest.
        batch_size: Samples at a time, at least 1; for a model of a fixed batch size, this one.

    Raises:
        ValueError: If the loss does not fit, the samples are no arrays, all entries are masked or ignored, the model
            has no weights to compress, `batch_size` is no whole number above 0, or does not fit stateful layers or what
            else takes batches of one size alone. Later, from whatever scores it: if the model was trained after this
            was made.

    Attributes:
        weights: All weights, in the order of `model.get_weights()`.
        kernels: Names of the matrices that are compressed, by their places in `weights`: weights of floating-point
            numbers with two axes or more; of a layer with LoRA, its kernel and both factors. Biases, what normalizes,
            slopes of PReLU and states of recurrent layers stay as they are, however many axes they have (of custom
            layers what is called "bias"), and so do the heads of self-modeling models inside. Names are for showing:
            several weights may have the same path, which then gets the place.

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
        rows = self._batch_size if fixed_batch_size(self.model) else COMPARED
        some = [_rows(tree, slice(rows)) for tree in (self._x, self._y)]
        check_batches(self.model, self.samples, self._batch_size)
        # Keras counts states of recurrent layers neither among the weights nor among the variables, on most backends.
        states = {id(one): one for states in states_of(self.model).values() for one in states}
        by_id = {id(one): one for one in self.model.weights} | states
        before = [(one, ops.convert_to_numpy(one)) for one in by_id.values()]
        with named_if_fixed(self.model, min(rows, self.samples)):
            inputs = keras.tree.map_structure(ops.convert_to_tensor, some[0])
            scores = self.model(inputs, **mode(self.model.call, False))
        self._changed_by_calls = [
            (one, values) for one, values in before if id(one) in states or not _same(one, values)
        ]
        try:
            choice = chosen_loss(model, self.model, loss, scores, self._y)
            self._task = choice.task
            check_class_labels(self._task, self._y, scores)
            for doubt in (*choice.doubts, *disagreement(model, choice, scores, *some)):
                warnings.warn(doubt, stacklevel=2)
            self._convention = class_convention(self.model, self._task, scores, self._y)
            self._program = answering_program(self.model, self._task, self._convention is not None)
        finally:
            _assign(self._changed_by_calls)
        self.weights = self.model.get_weights()
        names = _different_names([weight.path for weight in self.model.weights])
        matrices = {id(weight) for weight in matrices_of([self.model])}
        compressed = {id(weight) for weight in answering_weights(self.model)} & matrices
        found = {place: names[place] for place, one in enumerate(self.model.weights) if id(one) in compressed}
        self.kernels = {place: name for place, name in found.items() if "float" in self.weights[place].dtype.name}
        if not self.kernels:
            raise ValueError(
                "The model has no floating-point weights of two axes or more, other than biases and what normalizes: "
                f"there is nothing to compress. Measure models before quantizing them. Received: {self.model.name!r}"
            )
        if codes := [name for place, name in found.items() if place not in self.kernels]:
            warnings.warn(
                "Kernels of whole numbers, which layers have that are quantized already, stay as they are and do not "
                f"count in the size: {', '.join(codes)}",
                stacklevel=2,
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
        with self.as_made():
            return self._answers(self._x)

    def check_unchanged(self) -> None:
        """Raises ValueError if the model has other weights than when this was made.

        Nothing of these would be measured, and the old ones would be put in their place.
        """
        now, by_calls = self.model.weights, {id(one) for one, _ in self._changed_by_calls}
        pairs = zip(now, self.weights, strict=False)
        changed = [one.path for one, values in pairs if id(one) not in by_calls and not _same(one, values)]
        if changed or len(now) != len(self.weights):
            where = f"other values in {changed[0]!r}" if changed else f"{len(now)} weights, not {len(self.weights)}"
            raise ValueError(
                "The model must have the weights that were scored. It has others, as after training, a call with "
                "training=True or set_weights, after the ScoredNetwork was made. Make another, "
                f"ScoredNetwork(model, x, y). Received: {self.model.name!r}, {where}"
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
            if x is None or _equal(inputs, self._x):
                return self.intact
            with self.as_made():
                return self._answers(inputs)
        weights = list(self.weights)
        for place, values in changed.items():
            weights[place] = np.asarray(values).astype(weights[place].dtype)
        with self._weights(weights):
            return self._answers(inputs)

    def scorer(self, model: keras.Model) -> Callable[[], Answers]:
        """What another model, such as one that shares weights with this one, says about the samples.

        Args:
            model: The model.

        Returns:
            A function that finds it, by the same loss, for the weights that the model has at the time. It is compiled
            once.
        """
        program = answering_program(model, self._task, self._convention is not None)

        def answers() -> Answers:
            with self.as_made():
                return self._answers(self._x, model, program)

        return answers

    def as_made(self) -> AbstractContextManager[None]:
        """Within it, the model has the weights and states that it had when this was made."""
        return self._weights(self.weights)

    @contextmanager
    def _weights(self, weights: Sequence[np.ndarray]) -> Iterator[None]:
        self.check_unchanged()
        ours, given = ([np.shape(values) for values in one] for one in (self.weights, weights))
        if ours != given:
            raise ValueError(
                f"The weights of {self.model.name!r} have the shapes {', '.join(map(str, ours))}. Received: shapes "
                f"{', '.join(map(str, given))}"
            )
        now = [(one, ops.convert_to_numpy(one)) for one, _ in self._changed_by_calls]
        try:
            _assign(self._changed_by_calls)
            self.model.set_weights(weights)
            yield
        finally:
            self.model.set_weights(self.weights)
            _assign(now)

    def _answers(self, inputs: Tree, model: keras.Model | None = None, program: Callable | None = None) -> Answers:
        model, program = model or self.model, program or self._program
        variables = [
            [ops.convert_to_tensor(one) for one in group]
            for group in (model.trainable_variables, model.non_trainable_variables)
        ]
        found = []
        for start in range(0, self.samples, self._batch_size):
            batch = [_rows(tree, slice(start, start + self._batch_size)) for tree in (inputs, self._y)]
            with named_if_fixed(model, min(self._batch_size, self.samples - start)):
                tensors = keras.tree.map_structure(ops.convert_to_tensor, batch)
                # No state is carried on, but `transforms.jit` donates the first argument: not the weights.
                _, answers = program((), *variables, *tensors)
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


def _different_names(paths: list[str]) -> list[str]:
    """Paths of weights; those that several have get their places, for which a user can look in `model.weights`."""
    counts = Counter(paths)
    return [path if counts[path] == 1 else f"{path} (weights[{place}])" for place, path in enumerate(paths)]


def _rows(tree: Tree, rows: slice) -> Tree:
    return keras.tree.map_structure(lambda array: array[rows], tree)


def _assign(values: list[tuple[keras.Variable, np.ndarray]]) -> None:
    for variable, value in values:
        variable.assign(value)


def _same(weight: keras.Variable, values: np.ndarray) -> bool:
    return np.array_equal(ops.convert_to_numpy(weight), values, equal_nan=True)


def _equal(one: Tree, other: Tree) -> bool:
    """Whether two trees hold the same numbers."""
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    return all(a is b or np.array_equal(*map(ops.convert_to_numpy, (a, b))) for a, b in pairs)
