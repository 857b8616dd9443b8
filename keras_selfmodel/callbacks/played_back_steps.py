"""Training steps without the Python that calls them."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from keras_selfmodel import transforms
from keras_selfmodel._internals.wrappers import library

# Fewer steps an epoch are not worth it: recording one takes as long as ten to twenty.
FEWEST_STEPS = 30
_LIBRARIES = ("keras", "keras_selfmodel")


class PlayedBackSteps(keras.callbacks.Callback):
    """Plays training steps back on PyTorch, to the same bits, in four fifths to a half of the time.

    Keras runs operation by operation there, called from Python, which takes as long as the arithmetic of small
    networks. What a step calls is recorded in each epoch and then called without Keras; if it calls anything else than
    before, the next step is first taken both ways, and the results are compared. As in the compiled steps of JAX and
    TensorFlow, which need none of this, variables count as they are, such as the learning rate, and Python is not run
    again: numbers of Python in layers and losses are those of the epoch's first steps; hooks and prints are silent.

    Steps that cannot be played back are taken as ever: those of a `train_step` or an optimizer that is not Keras's,
    those that ask for values (dropout with a seed of its own, mixed_float16, gradient accumulation), those compiled by
    `jit_compile=True`, those of networks of more than ten million weights, where nothing is won, those of epochs of
    fewer than thirty steps, and those of batches of more than eight shapes.

    Args:
        warn: Whether a warning says why steps cannot be played back.

    Attributes:
        reason: Why steps of the last training that began cannot be played back; "" if they can, or need not.

    Example:

    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(x, x[:, :1], batch_size=5, verbose=0, callbacks=[PlayedBackSteps()])
    """

    def __init__(self, warn: bool = True) -> None:
        super().__init__()
        self.warn = warn
        self.reason = ""
        # Of trainings inside each other, the innermost last.
        self._trainings: list[_Training] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        model, steps = self.model, self.params.get("steps")
        self.reason = ""
        left_to_keras = model.jit_compile or model.run_eagerly or keras.distribution.distribution() is not None
        few = steps is not None and steps < FEWEST_STEPS
        plays = transforms.StepPlayer is not None and not (few or left_to_keras) and model.train_function is not None
        if plays and (reason := _not_of_keras(model)):
            plays = False
            self._refused(model, reason)
        self._trainings.append(_Training(model, partial(self._refused, model) if plays else None))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._trainings[-1].begin_epoch()

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._trainings[-1].is_in_fit = True

    def on_train_end(self, logs: dict | None = None) -> None:
        self._trainings.pop().end()

    def _refused(self, model: keras.Model, reason: str) -> None:
        self.reason = reason
        if self.warn:
            warnings.warn(f"The training steps of {model.name!r} are not played back: {reason}.", stacklevel=2)


class _Training:
    """One `fit`: called in the place of Keras's `train_function`.

    Args:
        model: The model.
        refused: As of `StepPlayer`; `None` to leave all steps to Keras.
    """

    def __init__(self, model: keras.Model, refused: Callable[[str], None] | None) -> None:
        self._model = model
        # What an interrupted training has left behind has Keras's inside.
        left = model.train_function
        self.keras_steps: Any = left.keras_steps if isinstance(left, _Training) else left
        self.is_in_fit = False
        self._player = None
        if refused is not None:
            self._player = transforms.StepPlayer(self.keras_steps, self._variables, refused)
            model.train_function = self

    def begin_epoch(self) -> None:
        self.is_in_fit = False
        if self._player is not None:
            self._player.record_again()

    def end(self) -> None:
        if self._model.train_function is self:
            self._model.train_function = self.keras_steps

    def __call__(self, data: Any) -> Any:
        # Outside of the `fit` that has the callback, as after one that was interrupted, steps are Keras's.
        in_fit, self.is_in_fit = self.is_in_fit, False
        return self._player(data) if in_fit and self._player is not None else self.keras_steps(data)

    def _variables(self) -> list:
        optimizer = self._model.optimizer
        found = [*self._model.variables, *self._model.metrics_variables, *(optimizer.variables if optimizer else ())]
        return list({id(variable): variable for variable in found}.values())


def _not_of_keras(model: keras.Model) -> str:
    """What of the steps is the user's own, and may do anything in Python: the end of a sentence about them."""
    if library(type(model).train_step) not in _LIBRARIES or "train_step" in vars(model):
        return "their train_step is the model's own"
    optimizer = model.optimizer
    parts = {"optimizer": optimizer, "learning rate": getattr(optimizer, "_learning_rate", None)}
    own = [name for name, part in parts.items() if part is not None and library(type(part)) not in _LIBRARIES]
    return f"their {own[0]} is not one of Keras's" if own else ""
