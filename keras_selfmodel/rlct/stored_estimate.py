"""An estimate with its chains as a file."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_selfmodel._typed_files import DamagedFileError, TypedFile
from keras_selfmodel._whole_files import UNREADABLE_ARRAYS, size_of, write_whole
from keras_selfmodel._wrong_values import quoted
from keras_selfmodel.rlct.conventions import SamplingSettings

if TYPE_CHECKING:
    from keras_selfmodel.rlct.draws import Draws

T = TypeVar("T")

# Chains and their steps. All have the same shape.
SAME_SHAPE = ("losses", "reference_losses", "heat", "acceptance", "squares", "virial", "step_sizes")


@dataclass(frozen=True)
class EstimateHeader:
    """What a stored estimate holds beside its numbers, which are arrays of the file.

    Attributes:
        settings: Settings of the sampling.
        loss: What loss was measured.
        doubts: Objections to the loss or the data.
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
        DamagedFileError: If a field is missing, unknown, or of another type.
        ValueError: If it holds no estimate.
    """
    try:
        size_of(path)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except UNREADABLE_ARRAYS as error:
        raise ValueError(f"{path} holds no RLCT estimate that can be read ({error}).") from error
    if "header" not in arrays:
        raise DamagedFileError(path, "header is missing.")
    header = ESTIMATE_HEADER.decode(arrays.pop("header").tobytes(), path)
    given: dict[str, Any] = {"observed": {}, **{name: {} for name in records}}
    for name, array in arrays.items():
        holder, _, part = name.partition("/")
        if part and holder not in given:
            raise DamagedFileError(path, f"{name} is unknown.")
        (given[holder] if part else given)[part or name] = array.item() if array.ndim == 0 else array
    _check(kind, {**given, **header.__dict__}, path)
    for name, array in given["observed"].items():
        _check_is(f"observed/{name}", np.ndarray, array, path)
    for name, record in records.items():
        if given[name]:
            _check(record, given[name], path, f"{name}/")
        given[name] = record(**given[name]) if given[name] else None
    shapes = {given[name].shape for name in SAME_SHAPE}
    if len(shapes) > 1 or len(next(iter(shapes))) != 2:
        reason = f"{', '.join(SAME_SHAPE)} must have one shape (chains, steps). Received: {sorted(shapes)}"
        raise DamagedFileError(path, reason)
    return kind(settings=header.settings, loss=header.loss, doubts=header.doubts, **given)


def _check(kind: Any, given: dict[str, Any], path: Path, prefix: str = "") -> None:
    """Makes sure that a record can be made of values: none missing or unknown, numbers and arrays where they belong."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in given:
        if name not in fields:
            raise DamagedFileError(path, f"{prefix}{name} is unknown.")
    for name, field in fields.items():
        if name in given:
            _check_is(prefix + name, field.type, given[name], path)
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise DamagedFileError(path, f"{prefix}{name} is missing.")


# What a field's value must be an instance of, and what that is called.
_NUMBERS: dict[Any, tuple[Any, str]] = {
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    float | None: ((int, float), "a number"),
    np.ndarray: (np.ndarray, "an array of numbers"),
    np.ndarray | None: (np.ndarray, "an array of numbers"),
}


def _check_is(name: str, kind: Any, value: Any, path: Path) -> None:
    if kind not in _NUMBERS:
        return
    types, words = _NUMBERS[kind]
    is_array = isinstance(value, np.ndarray)
    if isinstance(value, bool) or not isinstance(value, types) or (is_array and value.dtype.kind not in "fiu"):
        received = f"an array of shape {value.shape}" if is_array else quoted(value)
        raise DamagedFileError(path, f"{name} must be {words}. Received: {received}")
