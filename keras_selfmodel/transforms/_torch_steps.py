"""Training steps of Keras on PyTorch, which are played back once they have been recorded."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch

from keras_selfmodel._internals.torch import random_numbers_left_alone
from keras_selfmodel._internals.torch_steps import StepProgram, recorded_step, same_numbers

# Steps of an epoch that Keras takes itself before one is recorded: what is built with the first is not among the
# operations, and batches of a shape that comes once in an epoch, as the last one's, are not worth it.
STEPS_BEFORE_RECORDING = 2
# The most weights with which anything is saved: the time that Python takes does not grow with them.
MOST_WEIGHTS = 10**7
# The most shapes of batches that are recorded, each of them in every epoch.
MOST_SHAPES = 8


class StepPlayer:
    """A training step of Keras without its Python, to the same bits.

    What a step calls is recorded for each shape of batches. The next step is played back and then taken by Keras from
    where it started: only if both come to the same bits are those that follow played back alone. After `record_again`,
    as callbacks may change what Python holds, a step of each shape is recorded anew, and compared if it calls anything
    else.

    Args:
        step: `step(data)` that returns the logs of the batch.
        variables: `variables()` that returns all that a step may change.
        refused: Called with the reason, the end of a sentence, if steps cannot be played back.
    """

    def __init__(self, step: Callable, variables: Callable[[], list], refused: Callable[[str], None]) -> None:
        self._step, self._variables, self._refused = step, variables, refused
        self._recordings: dict[tuple, _Recording] = {}
        self._gives_up = sum(v.value.numel() for v in variables() if v.trainable) > MOST_WEIGHTS

    def record_again(self) -> None:
        """Begins an epoch: of each shape, the step after the first `STEPS_BEFORE_RECORDING` is recorded again."""
        for recording in self._recordings.values():
            recording.calls, recording.is_current = 0, False

    def __call__(self, data: Any) -> Any:
        if self._gives_up:
            return self._step(data)
        leaves = keras.tree.flatten(data)
        inputs = [leaf for leaf in leaves if leaf is not None]
        if not all(isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided for leaf in inputs):
            if not self._recordings:  # Others may come now and then, as from a callback.
                self._give_up("their batches are not dense tensors")
            return self._step(data)
        kind = _kind(data, leaves)
        if kind not in self._recordings and len(self._recordings) == MOST_SHAPES:
            return self._step(data)
        recording = self._recordings.setdefault(kind, _Recording())
        recording.calls += 1
        if recording.calls <= STEPS_BEFORE_RECORDING:
            return self._step(data)
        if recording.program is None or not recording.is_current:
            return self._record(recording, data, inputs)
        if not recording.is_checked:
            return self._check(recording, recording.program, data, inputs)
        return recording.play(recording.program, inputs)

    def _record(self, recording: "_Recording", data: Any, inputs: list) -> Any:
        logs, found = recorded_step(
            lambda: self._step(data), inputs, lambda logs: recording.results(logs, self._variables())
        )
        if isinstance(found, str):
            self._give_up(found)
        else:
            same = recording.program is not None and found.does_as(recording.program)
            recording.is_checked, recording.is_current = same and recording.is_checked, True
            recording.program = found
        return logs

    def _check(self, recording: "_Recording", program: StepProgram, data: Any, inputs: list) -> Any:
        """Plays a step back, takes it again as Keras does, and compares."""
        # Not only what operations say that they change: batch norm's statistics are none of that.
        used = [*inputs, *program.constants]
        before, after, reason = _copies(used), [], "their results depend on more than the batch and the variables"
        with random_numbers_left_alone():
            try:
                played = keras.tree.flatten(recording.play(program, inputs))
                after = _copies([*played, *self._state(recording, program)])
            except Exception as error:  # Training goes on.
                reason = f"playing them back failed with {type(error).__name__}: {error}"
        with torch.no_grad():
            for tensor, value in zip(used, before, strict=True):
                if not same_numbers(tensor, value):  # What is only read may not be writable.
                    tensor.copy_(value)
        logs = self._step(data)
        expected = [*keras.tree.flatten(logs), *self._state(recording, program)]
        recording.is_checked = len(after) == len(expected) and all(map(_same, after, expected))
        if not recording.is_checked:
            self._give_up(reason)
        return logs

    def _state(self, recording: "_Recording", program: StepProgram) -> list:
        gradients = [variable.value.grad for variable in recording.with_gradient]
        return [*(variable.value for variable in self._variables()), *program.constants, *gradients]

    def _give_up(self, reason: str) -> None:
        self._gives_up = True
        self._recordings.clear()
        self._refused(reason)


class _Recording:
    """What is known of the steps with batches of one shape.

    Attributes:
        calls: How many there were in this epoch.
        program: The operations; `None` if they are not recorded.
        is_checked: Whether they were compared with Keras's.
        is_current: Whether nothing may have changed since they were recorded.
        with_gradient: Variables of which a step leaves a gradient behind.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.program: StepProgram | None = None
        self.is_checked = self.is_current = False
        self.with_gradient: list = []
        self._logs: Any = None
        self._tensors: list[int] = []

    def results(self, logs: Any, variables: list) -> list[torch.Tensor]:
        """The tensors among the logs of a step, and the gradients that it leaves behind."""
        leaves = keras.tree.flatten(logs)
        self._logs, self._tensors = logs, [n for n, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor)]
        self.with_gradient = [variable for variable in variables if variable.value.grad is not None]
        return [*(leaves[n] for n in self._tensors), *(variable.value.grad for variable in self.with_gradient)]

    def play(self, program: StepProgram, inputs: list[torch.Tensor]) -> Any:
        """The logs of a step that is played back."""
        found = program(inputs)
        for variable, gradient in zip(self.with_gradient, found[len(self._tensors) :], strict=True):
            variable.value.grad = gradient
        leaves = keras.tree.flatten(self._logs)
        for n, tensor in zip(self._tensors, found, strict=False):
            leaves[n] = tensor
        return keras.tree.pack_sequence_as(self._logs, leaves)


def _kind(data: Any, leaves: list) -> tuple:
    """What the operations of a step depend on: shapes, types and names, and which tensors are the same."""
    same = [next(n for n, other in enumerate(leaves) if other is leaf) for leaf in leaves]
    return repr(keras.tree.map_structure(lambda leaf: None if leaf is None else 0, data)), *(
        (first, None if leaf is None else (leaf.shape, leaf.stride(), leaf.dtype, leaf.device))
        for first, leaf in zip(same, leaves, strict=True)
    )


def _copies(values: list) -> list:
    return [value.detach().clone() if isinstance(value, torch.Tensor) else value for value in values]


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, torch.Tensor) and isinstance(theirs, torch.Tensor):
        return same_numbers(ours, theirs)
    if ours is theirs:  # A variable, whose value is compared as such.
        return True
    return type(ours) is type(theirs) and np.array_equal(ours, theirs)
