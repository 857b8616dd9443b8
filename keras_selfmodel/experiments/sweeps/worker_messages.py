"""What a sweep and its worker processes say to each other, one message a line."""

import json
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from keras_selfmodel._typed_files import DamagedFileError, plain, typed
from keras_selfmodel.experiments.sweeps.data_origin import DataOrigin
from keras_selfmodel.experiments.sweeps.performing import Outcome

T = TypeVar("T")

WorkerPart = Literal["epochs", "RLCT", "after descent"]


@dataclass(frozen=True)
class Start:
    """The first line that a worker reads; each other one is a `Job`.

    Attributes:
        data: Where it loads the data from.
        cores: The cores that it may use; none for all.
    """

    data: DataOrigin
    cores: tuple[int, ...]


@dataclass(frozen=True)
class WorkerStep:
    """How far a worker is with its job.

    Attributes:
        part: What it does.
        done: How much of that is done.
        total: Of how much.
    """

    part: WorkerPart
    done: int
    total: int


@dataclass(frozen=True)
class WorkerAnswer:
    """A line that a worker writes: exactly one of these.

    Attributes:
        step: On the way.
        outcome: At the end of a job.
        fatal: Why no job can be computed; the worker then ends.
    """

    step: WorkerStep | None = None
    outcome: Outcome | None = None
    fatal: str | None = None

    def __post_init__(self) -> None:
        if [self.step, self.outcome, self.fatal].count(None) != 2:
            raise ValueError(f"exactly one of step, outcome and fatal must be there. Received: {self}")


def line_of(message: object) -> str:
    """A message as a line."""
    return json.dumps(plain(message)) + "\n"


def message_of(kind: type[T], line: str, source: str) -> T:
    """The message that a line holds.

    Args:
        kind: Its type.
        line: The line.
        source: Where it comes from, for the error.

    Raises:
        DamagedFileError: If it holds something else.
    """
    try:
        values = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise DamagedFileError(source, f"it is not valid JSON ({error}).") from error
    return typed(kind, values, source)
