"""An estimate with its chains as a file."""

import dataclasses
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_selfmodel._typed_files import TypedFile
from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.rlct.conventions import SamplingSettings

if TYPE_CHECKING:
    from keras_selfmodel.rlct.draws import Draws

T = TypeVar("T")

# What NumPy and zipfile raise for a file that is no stored estimate.
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error)
# Chains and their steps. All have the same shape.
SAME_SHAPE = ("losses", "reference_losses", "heat", "acceptance", "squares", "virial", "step_sizes")


@dataclass(frozen=True)
class EstimateHeader:
    """What a stored estimate holds beside its numbers, which are arrays of the file.

    Attributes:
        settings: Settings of the sampling.
        loss: What loss was measured.
        doubts: What spoke against loss or data.
    """

    settings: SamplingSettings
    loss: str
    doubts: tuple[str, ...]


ESTIMATE_HEADER = TypedFile(EstimateHeader, format=1)


def write_estimate(estimate: "Draws", path: Path) -> None:
    """Writes an `RLCTEstimate`, complete or not at all.

    Args:
        estimate: The estimate.
        path: The file, a compressed `.npz`: its arrays and numbers by their names, those of what it holds as
            "profile/values", "descent/loss", "observed/NAME".
    """
    header = EstimateHeader(estimate.settings, estimate.loss, estimate.doubts)
    values = {field.name: getattr(estimate, field.name) for field in dataclasses.fields(estimate)}
    numbers: dict[str, Any] = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(value) and name != "settings":
            numbers |= {f"{name}/{part.name}": getattr(value, part.name) for part in dataclasses.fields(value)}
        elif isinstance(value, dict):
            numbers |= {f"{name}/{part}": array for part, array in value.items()}
        elif value is not None and name not in ("settings", "loss", "doubts"):
            numbers[name] = value
    content: dict[str, Any] = {name: np.asarray(value) for name, value in numbers.items()}

    def write(part: Path) -> None:
        with part.open("wb") as stream:
            np.savez_compressed(stream, header=np.frombuffer(ESTIMATE_HEADER.encode(header), np.uint8), **content)

    write_whole(path, write)


def read_estimate(kind: Callable[..., T], path: Path, records: dict[str, type]) -> T:
    """The inverse of `write_estimate`.

    Args:
        kind: `RLCTEstimate`.
        path: The file.
        records: Types of its fields that are records of numbers.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If it holds no estimate.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            numbers: dict[str, Any] = {name: _number(file[name]) for name in file.files if name != "header"}
            header = ESTIMATE_HEADER.decode(file["header"].tobytes(), path)
        given: dict[str, Any] = {"observed": {}, **{name: {} for name in records}}
        for name, value in numbers.items():
            holder, _, part = name.partition("/")
            if part:
                given[holder][part] = value
            else:
                given[name] = value
        given |= {name: record(**given[name]) if given[name] else None for name, record in records.items()}
        shapes = {given[name].shape for name in SAME_SHAPE}
        if len(shapes) > 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"{', '.join(SAME_SHAPE)} must have one shape (chains, steps). Received: {sorted(shapes)}")
        return kind(settings=header.settings, loss=header.loss, doubts=header.doubts, **given)
    except FileNotFoundError:
        raise
    except _UNREADABLE as error:
        raise ValueError(f"{path} holds no RLCT estimate that can be read ({error}).") from error


def _number(array: np.ndarray) -> Any:
    """A number where the array is one; texts and objects have no place in an estimate."""
    if array.dtype.kind not in "fiu":
        raise ValueError(f"numbers are expected, not {array.dtype}")
    return array.item() if array.ndim == 0 else array
