"""The one reader and writer of the JSON that the package leaves behind, and of what is read as such, like TOML.

Types are those of dataclasses, and msgspec checks values against them: it takes dataclasses as they are, names the
field that is wrong, derives JSON schemas from the same types, and is imported in 0.05 s of CPU time, which every
command pays that reads a run.

Every file holds the number of its format, and is read in that format alone. Control characters in texts, such as a
terminal's escape sequences, are replaced by what names them (``\\x1b``): what is read is to be shown, never obeyed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import numpy as np

from keras_selfmodel._control_characters import escaped
from keras_selfmodel._whole_files import UnreadableFileError, content_of, write_whole
from keras_selfmodel._wrong_values import misfits, quoted, refusal

T = TypeVar("T")

# Python's $ also matches before a line end.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_+.-]*$(?!\n)"
Name = Annotated[str, msgspec.Meta(pattern=NAME, max_length=100)]
"""A text that may become part of a path: letters, digits and _ + - . without a slash, not starting with a dot."""


class DamagedFileError(ValueError):
    """A file that does not have the content it should.

    Attributes:
        file: The file, or what stands for it.
        reason: What is wrong, with the field's name; a whole sentence.
    """

    def __init__(self, file: str | Path, reason: str) -> None:
        self.file = file
        self.reason = reason.removesuffix(".") + "."
        super().__init__(f"{file} is damaged: {self.reason}")


@dataclass(frozen=True)
class TypedFile(Generic[T]):
    """A kind of JSON file.

    Attributes:
        kind: Type of what it holds.
        format: Number of its format, to be raised when the type changes.
    """

    kind: type[T]
    format: int

    def write(self, file: Path, record: T) -> None:
        """Writes a record, whole or not at all."""
        write_whole(file, lambda part: part.write_bytes(self.encode(record)))

    def encode(self, record: T) -> bytes:
        """The content of the file."""
        text = msgspec.json.encode({"format": self.format, **plain(record)})
        return msgspec.json.format(text, indent=2) + b"\n"

    def read(self, file: Path) -> T:
        """The record in a file.

        Raises:
            FileNotFoundError: If there is no file.
            DamagedFileError: If it holds something else, or cannot be read.
        """
        try:
            content = content_of(file)
        except UnreadableFileError as error:
            raise DamagedFileError(file, f"{error}.") from error
        return self.decode(content, file)

    def decode(self, content: bytes | str, file: str | Path) -> T:
        """The record that is the content of a file.

        Args:
            content: JSON.
            file: Where it comes from, for the error.

        Raises:
            DamagedFileError: If it is not such a record.
        """
        try:
            values = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DamagedFileError(file, f"it is not valid JSON{_what_is_no_json(content, error)}.") from error
        if not isinstance(values, dict):
            raise DamagedFileError(file, "it does not hold a JSON object.")
        if (twice := _key_there_twice(content, values)) is not None:
            raise DamagedFileError(file, f"{escaped(twice)} is there twice.")
        if "format" not in values:
            raise DamagedFileError(file, "format is missing.")
        there = values.pop("format")
        if there != self.format or isinstance(there, bool):
            other = isinstance(there, int) and not isinstance(there, bool)
            wrote = ". Another version of keras_selfmodel wrote it" if other else ""
            raise DamagedFileError(file, f"format must be {self.format}. Received: {quoted(there)}{wrote}")
        return _converted(self.kind, values if _without_control_characters(content) else escaped_values(values), file)


def _key_there_twice(content: bytes | str, values: dict[str, Any]) -> str | None:
    """A key that a JSON object has more than once: parsers take one of its values, and not all of them the same."""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    if len(_KEY.findall(text)) == _number_of_keys(values):
        return None  # As in every file that the package writes. A text may look like a key, but no key is overlooked.
    twice: list[str] = []

    def keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice.extend(name for name in names if names.count(name) > 1)
        return dict(pairs)

    json.loads(text, object_pairs_hook=keys)
    return twice[0] if twice else None


_KEY = re.compile(r'"\s*:')


def _number_of_keys(values: Any) -> int:
    if isinstance(values, dict):
        return len(values) + sum(map(_number_of_keys, values.values()))
    return sum(map(_number_of_keys, values)) if isinstance(values, list) else 0


def _what_is_no_json(content: bytes | str, error: Exception) -> str:
    """Why a content is no JSON, as it continues a sentence."""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    if text.startswith("\ufeff"):
        return ": it starts with a byte order mark. Save it as UTF-8 without one"
    if "\ufffd" in text and "codec can't decode" in str(error):
        return ": it is not UTF-8 text"
    place = re.search(r"\(byte (\d+)\)$", str(error))
    before = text.encode("utf-8", "replace")[: int(place[1])].decode("utf-8", "ignore") if place else ""
    number = re.match(r"-?(NaN|Infinity)", text[len(before.removesuffix("-")) :]) if place else None
    return f": JSON has no {number[0]} (line {before.count(chr(10)) + 1})" if number else f" ({error})"


def plain(record: Any) -> Any:
    """A record in the values that JSON has: dictionaries, lists, texts, numbers."""
    return msgspec.json.decode(msgspec.json.encode(record, enc_hook=_in_json))


def typed(kind: type[T], values: Any, file: str | Path) -> T:
    """A record made of plain values, every type, name and range checked.

    Args:
        kind: Its type: a dataclass, or anything that msgspec knows.
        values: What JSON or TOML holds.
        file: Where they come from, for the error.

    Raises:
        DamagedFileError: If a value is of another type, missing, or has no place in the record.

    Example:

    >>> from keras_selfmodel.rlct import SamplingSettings
    >>> typed(SamplingSettings, {"batch_size": "many"}, "settings.json")
    Traceback (most recent call last):
    ...
    keras_selfmodel._typed_files.DamagedFileError: settings.json is damaged: batch_size must be a whole number.
    Received: 'many'.
    """
    return _converted(kind, escaped_values(values), file)


def _converted(kind: type[T], values: Any, file: str | Path) -> T:
    """The same of values in which control characters are replaced."""
    for misfit in misfits(kind, values):
        raise DamagedFileError(file, misfit.sentence)
    try:
        return msgspec.convert(values, kind, dec_hook=_path_of_text)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DamagedFileError(file, refusal(error, values, kind)) from error


# A control character that JSON may hold as it is, in UTF-8, or what may name one.
_CONTROL = re.compile(rb"[\\\x7f]|\xc2[\x80-\x9f]")


def _without_control_characters(content: bytes | str) -> bool:
    """Whether it can be told at a glance that no text in JSON has any, as in the files that the package writes."""
    return not _CONTROL.search(content.encode("utf-8", "replace") if isinstance(content, str) else content)


def escaped_values(values: Any) -> Any:
    """Plain values with the control characters of every text replaced by what names them."""
    if isinstance(values, str):
        return escaped(values)
    if isinstance(values, Mapping):
        return {escaped(name) if isinstance(name, str) else name: escaped_values(v) for name, v in values.items()}
    return [escaped_values(value) for value in values] if isinstance(values, list | tuple) else values


def _in_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):  # What Keras's `evaluate` returns, and NumPy's means.
        return value.item()
    raise NotImplementedError(f"Cannot be written as JSON: {type(value).__name__}")


def _path_of_text(kind: type, value: Any) -> Path:
    if issubclass(kind, Path) and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"Cannot be read from JSON: {kind.__name__}")
