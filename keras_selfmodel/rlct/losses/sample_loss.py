"""One Keras loss, taken apart into what each sample adds to it.

Keras computes the loss of a batch as Σ aᵢ / Σ dᵢ. Sample i adds to the numerator the losses of its entries (one, or one
for each token or pixel) times their weights and masks, and to the denominator the number of its entries that are
neither masked nor of an ignored class; with `reduction="mean_with_sample_weight"` the sum of their weights; with
`reduction="sum"`, whose Σ aᵢ Keras does not divide, 1: the loss of a sample is then the sum over its entries.
"""

from collections.abc import Callable

import keras
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._callables import takes
from keras_selfmodel._internals.keras import mask_of_losses, settings_of
from keras_selfmodel._internals.wrappers import library
from keras_selfmodel.rlct.losses.failures import described, failure_of, is_of_the_loss
from keras_selfmodel.transforms import LibraryLoss
from keras_selfmodel.transforms.tensors import Tensor, Tree


class SampleLoss:
    """The two sums of a Keras loss, sample by sample.

    Args:
        loss: A Keras loss, its name, or a function `(y, scores)`. It returns the loss of each sample or entry; the
            loss of one sample after another is asked for where it returns a single number.

    Raises:
        ValueError: If it is a class, a metric, a loss without `call`, or a function that does not take two arguments.

    Attributes:
        loss: The loss as Keras calls it.
    """

    def __init__(self, loss: keras.losses.Loss | Callable | str) -> None:
        if isinstance(loss, type):
            raise ValueError(f"loss must be a loss, not its class: pass {loss.__name__}(). Received: loss={loss!r}")
        if isinstance(loss, keras.metrics.Metric):
            raise ValueError(
                f"loss must be a loss, not a metric, which is a mean over all that it has seen. Received: loss={loss!r}"
            )
        found = keras.losses.get(loss)
        if not isinstance(found, keras.losses.Loss) and not takes(found, 2):
            raise ValueError(f"loss must be a function of two arguments, labels and outputs. Received: loss={loss!r}")
        self.loss = found if isinstance(found, keras.losses.Loss) else _Function(found)
        if type(self.loss).call is keras.losses.Loss.call:
            raise ValueError(
                "The loss has no `call(y_true, y_pred)`, which must return the loss of each sample before weights and "
                f"the reduction are applied. Received: {type(self.loss).__name__}, which defines `__call__` instead"
            )
        self._each, self._count = _Each(self.loss), _Entries(self.loss)

    @property
    def is_of_another_library(self) -> bool:
        """Whether a library other than Keras defines the loss, with a reduction of its own."""
        return _library_loss(self.loss) is not None

    def reduced_by_its_library(self, y: Tree, scores: Tree) -> Tensor | None:
        """The loss of a batch as that library reduces it; `None` if Keras does or the user turned it off."""
        of_library = _library_loss(self.loss)
        try:
            return None if of_library is None else of_library.reduced(y, scores)
        except (RuntimeError, IndexError) as error:
            raise ValueError(
                f"The loss does not take labels of shape {tuple(y.shape)} with outputs of shape {tuple(scores.shape)}: "
                f"{error}"
            ) from error

    @property
    def reduction(self) -> str:
        """What Keras, or the library that the loss is of, makes of the losses of a batch: "sum", "mean" …"""
        of_library = _library_loss(self.loss)
        return self.loss.reduction if of_library is None else of_library.reduction

    @property
    def sums(self) -> bool:
        """Whether the loss of a sample is the sum of its entries' losses, not their mean."""
        return self.reduction in ("sum", "batchmean")

    @property
    def counts_vary(self) -> bool:
        """Whether the denominators may depend on the labels or the weights of the samples."""
        if self.sums:
            return False
        made_by = getattr(self.loss, "function", type(self.loss))
        # What others wrote may call a loss of Keras that ignores a class.
        ignores = settings_of(self.loss).get("ignore_class") is not None or library(made_by) != "keras"
        return ignores or self.loss.reduction == "mean_with_sample_weight"

    def numerators(self, y: Tree, scores: Tree, weights: Tree = None) -> Tensor:
        """aᵢ of each sample, `(batch,)`.

        Args:
            y: Labels, `(batch, ...)`.
            scores: The model's output, `(batch, ...)`, with the mask that Keras has given it.
            weights: Sample weights, `(batch,)` or `(batch, ...)` as Keras takes them.
        """
        values = self._each(y, scores, sample_weight=weights)
        if values.shape[0] != scores.shape[0]:
            raise ValueError(
                f"The loss must return a number for each sample, an array of shape ({scores.shape[0]}, ...). Received: "
                f"shape {tuple(values.shape)}"
            )
        return _summed(values)

    def counts(self, y: Tree, scores: Tree, weights: Tree = None) -> Tensor:
        """dᵢ of each sample, `(batch,)`; arguments as for `numerators`.

        Raises:
            ValueError: If the weights are none of these losses. (`numerators`, which every step asks for, do not look.)
        """
        if weights is not None:
            _check_weights(tuple(weights.shape)[1:], tuple(self._count(y, scores).shape)[1:])
        weighted = self.loss.reduction == "mean_with_sample_weight"
        found = _summed(self._count(y, scores, sample_weight=weights if weighted else None))
        return ops.ones_like(found) if self.sums else found

    def counted(self, y: Tree, scores: Tree) -> Tensor:
        """Which entries count, `(batch, ...)` as the losses: 0 where they are masked or of an ignored class, else 1."""
        return self._count(y, scores)


class _Function(keras.losses.Loss):
    """A function as a loss, as `compile` makes it one: shapes (batch,) and (batch, 1) go together."""

    def __init__(self, function: Callable) -> None:
        super().__init__(name="loss")  # That of a lambda is no name to TensorFlow.
        self.function = function

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        difference = len(y_true.shape) - len(y_pred.shape)
        if difference == 1 and y_true.shape[-1] == 1:
            y_true, y_pred = (y_true, y_pred[:, None]) if len(y_pred.shape) == 1 else (y_true[..., 0], y_pred)
        elif difference == -1 and y_pred.shape[-1] == 1:
            y_true, y_pred = (y_true[:, None], y_pred) if len(y_true.shape) == 1 else (y_true, y_pred[..., 0])
        return self.function(y_true, y_pred)


def losses_of(loss: keras.losses.Loss, y: Tree, scores: Tree) -> Tensor:
    """What a loss returns before weights and the reduction are applied.

    Raises:
        ValueError: If the user's loss raises an error, or returns no tensor of the backend: `None`, a number or an
            array of NumPy, through which no gradient flows.
    """
    try:
        found = loss.call(y, scores)
    except Exception as error:
        if not is_of_the_loss(error, loss):
            raise
        raise ValueError(failure_of(loss, y, scores, error)) from error
    if not ops.is_tensor(found):
        raise ValueError(
            "The loss must return a number for each sample, a tensor that the backend computes from labels and "
            f"outputs by keras.ops, not by NumPy. Received: {described(found)}"
        )
    return found


class _Each(keras.losses.Loss):
    """A loss without its last step, the reduction: weights and masks are Keras's own work, whatever the loss."""

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(name="loss", reduction="none", dtype=loss.dtype)
        self._loss = loss

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        values = losses_of(self._loss, y_true, y_pred)
        if len(values.shape) > 0:
            return values
        # One number for the batch: that of each sample alone.
        try:
            return ops.vectorized_map(
                lambda pair: losses_of(self._loss, pair[0][None], pair[1][None]), (y_true, y_pred)
            )
        except RuntimeError as error:
            if not transforms.is_of_batching(error):
                raise
            raise ValueError(failure_of(self._loss, y_true, y_pred, error)) from error


class _Entries(keras.losses.Loss):
    """1 for each entry of a loss, 0 where its class is ignored; as any loss it is multiplied by the mask."""

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(name="loss", reduction="none", dtype=loss.dtype)
        self._loss = loss

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        values = losses_of(self._loss, y_true, y_pred)
        if len(values.shape) == 0:
            return ops.ones((y_pred.shape[0],), values.dtype)
        of_library = _library_loss(self._loss)
        counted = mask_of_losses(values) if of_library is None else of_library.entries(y_true, y_pred)
        return ops.ones_like(values) if counted is None else ops.cast(counted, values.dtype)


def _check_weights(given: tuple, entries: tuple) -> None:
    """Raises ValueError for weights that do not fit the losses of a sample; shapes are without the batch.

    Keras compares the last axes with each other, so that weights of fewer axes than the losses would count for others
    than their own, but for a last axis of 1 that one of the two has more.
    """
    wanted = entries
    if len(given) == len(entries) + 1 and given[-1] == 1:
        given = given[:-1]
    elif len(given) == len(entries) - 1 and entries[-1] == 1:
        entries = entries[:-1]
    if len(given) == len(entries) and all(ours in (1, size) for ours, size in zip(given, entries, strict=True)):
        return
    raise ValueError(
        f"Sample weights must have the shape of the losses, {_batch_of(wanted)}, or for each sample "
        f"{_batch_of((1,) * max(1, len(wanted)))}. Received: shape {_batch_of(given)}"
    )


def _batch_of(shape: tuple) -> str:
    return f"({', '.join(['batch', *map(str, shape)])}{'' if shape else ','})"


def _library_loss(loss: keras.losses.Loss) -> LibraryLoss | None:
    function = getattr(loss, "function", None)
    return function if isinstance(function, LibraryLoss) else None


def _summed(values: Tensor) -> Tensor:
    return values if len(values.shape) == 1 else ops.sum(values, axis=tuple(range(1, len(values.shape))))
