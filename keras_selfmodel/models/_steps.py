"""What is known only inside a training or validation step: which step it is, and the weights of its samples."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras


@dataclass
class AuxiliaryLoss:
    """The auxiliary loss of one forward pass.

    Args:
        value: The loss itself.
        weighted: AW times the loss, as it stands among the model's `losses`.
        outputs: Those of the training graph.
    """

    value: Any
    weighted: Any
    outputs: dict


@dataclass
class RunningStep:
    """A step that runs.

    Args:
        kind: "training" or "validation".
        sample_weight: That of the batch, as `fit` passes it to a step.
        auxiliary: The auxiliary loss of the step's last forward pass; `None` before there was one.
        counted: Whether anybody has asked for the model's losses since.
    """

    kind: str
    sample_weight: Any = None
    auxiliary: AuxiliaryLoss | None = None
    counted: bool = False


class Steps(threading.local):
    """The steps that run, the innermost last. Of each thread its own: replicas of TensorFlow take turns in threads."""

    def __init__(self) -> None:
        self.running: list[RunningStep] = []

    @property
    def current(self) -> RunningStep | None:
        return self.running[-1] if self.running else None

    @contextmanager
    def entered(self, step: RunningStep) -> Iterator[RunningStep]:
        self.running.append(step)
        try:
            yield step
        finally:
            # Nothing of a finished trace stays behind.
            self.running.remove(step)


def in_a_step(function: Callable, kind: str) -> Callable:
    """The method `train_step` or `test_step` of an objective, whoever wrote it, with a `RunningStep` around it.

    Args:
        function: The method. Its last argument is the batch.
        kind: As of `RunningStep`.
    """

    @functools.wraps(function)
    def step_method(model, *args, **kwargs):
        data = kwargs["data"] if "data" in kwargs else args[-1]
        _, _, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with model._steps.entered(RunningStep(kind, sample_weight)) as step:
            result = function(model, *args, **kwargs)
        if kind == "training" and step.auxiliary is not None and not step.counted:
            raise RuntimeError(_left_out(type(model)))
        return result

    return step_method


def _left_out(kind: type) -> str:
    """Says which method of a subclass left the auxiliary loss out, and what to do."""
    by_user = {
        name: not next(one for one in kind.__mro__ if name in vars(one)).__module__.startswith("keras_selfmodel.")
        for name in ("train_step", "compute_loss")
    }
    if by_user["compute_loss"] and not by_user["train_step"]:
        return (
            f"{kind.__name__}.compute_loss leaves the auxiliary loss out. Start from "
            "super().compute_loss(x, y, y_pred, sample_weight, training), or add sum(self.losses) to yours."
        )
    return (
        f"{kind.__name__}.train_step leaves the auxiliary loss out. Compute the loss by "
        "self.compute_loss(x=x, y=y, y_pred=y_pred), or add sum(self.losses) to it. (On JAX, pass "
        "return_losses=True to stateless_call.)"
    )
