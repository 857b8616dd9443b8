"""The one reader and writer of the JSON that the package leaves behind, and of what is read as such, like TOML.

Types are those of dataclasses, and msgspec checks values against them: it takes dataclasses as they are, names the
field that is wrong, derives JSON schemas from the same types, and is imported in 0.05 s of CPU time, which every
command pays that reads a run.

Every file holds the number of its format, and is read in that format alone. Control characters in texts, such as a
terminal's escape sequences, are replaced by what names them (``\\x1b``): what is read is to be shown, never obeyed.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from keras_selfmodel._whole_files import write_whole

T = TypeVar("T")

# Python's $ also matches before a line end.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_+.-]*$(?!\n)"
Name = Annotated[str, msgspec.Meta(pattern=NAME, max_length=100)]
"""A text that may become part of a path: letters, digits and _ + - . without a slash, not starting with a dot."""


class DamagedFileError(ValueError):
    """A file that does not hold what it should.

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
            DamagedFileError: If it holds something else.
        """
        return self.decode(file.read_bytes(), file)

    def decode(self, content: bytes | str, file: str | Path) -> T:
        """The record that is the content of a file.

        Args:
            content: JSON.
            file: Where it comes from, for the error.

        Raises:
            DamagedFileError: If it is something else.
        """
        try:
            values = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DamagedFileError(file, f"it is no valid JSON ({error}).") from error
        if not isinstance(values, dict):
            raise DamagedFileError(file, "it holds no JSON object.")
        there = values.pop("format", None)
        if there != self.format or isinstance(there, bool):
            raise DamagedFileError(file, f"format must be {self.format}. Received: {_said(there)}")
        return typed(self.kind, values, file)


def plain(record: Any) -> Any:
    """A record in the values that JSON has: dictionaries, lists, texts, numbers."""
    return msgspec.json.decode(msgspec.json.encode(record, enc_hook=_path_as_text))


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
    values = visible_values(values)
    for misfit in misfits(kind, values):
        raise DamagedFileError(file, misfit.sentence)
    try:
        return msgspec.convert(values, kind, dec_hook=_path_of_text)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DamagedFileError(file, _reason(str(error), values, kind)) from error


@dataclass(frozen=True)
class Misfit:
    """A name or a word that a record has no place for.

    Attributes:
        path: The field it stands at, such as "recipe.rlct".
        received: The name of an unknown field, or a word.
        possible: What could stand in its stead.
        is_field: Whether it is the name of a field.
    """

    path: str
    received: Any
    possible: tuple[str, ...]
    is_field: bool

    @property
    def sentence(self) -> str:
        if self.is_field:
            place = f"{self.path}.{self.received}" if self.path else self.received
            return f"{place} is unknown. Possible: {', '.join(self.possible)}."
        words = ", ".join(map(repr, self.possible))
        return f"{self.path} must be one of {words}. Received: {_said(self.received)}"


def misfits(kind: Any, values: Any) -> Iterator[Misfit]:
    """The fields, and the words of limited choice, that have no place in a record of a type."""
    yield from _misfits(_type_info(kind), values, "")


def visible(text: str) -> str:
    r"""A text with its control characters, but for line ends and tabs, replaced by what names them.

    Example:

    >>> visible("\x1b[2J")
    '\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        ascii(one)[1:-1] if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t" else one for one in text
    )


def visible_values(values: Any) -> Any:
    """The same of every text in plain values."""
    if isinstance(values, str):
        return visible(values)
    if isinstance(values, Mapping):
        return {visible(name) if isinstance(name, str) else name: visible_values(v) for name, v in values.items()}
    return [visible_values(value) for value in values] if isinstance(values, list | tuple) else values


# Looking at a type takes ten times as long as reading a file of it.
_type_info = functools.cache(msgspec.inspect.type_info)


def _misfits(kind: Any, values: Any, path: str) -> Iterator[Misfit]:
    inspect = msgspec.inspect
    if not isinstance(values, str | dict | list):  # most values: numbers, which have no names
        return
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        for part in kind.types:
            yield from _misfits(part, values, path)
    elif isinstance(kind, inspect.DataclassType) and isinstance(values, dict):
        fields = {field.encode_name: field.type for field in kind.fields}
        for name, value in values.items():
            if name in fields:
                yield from _misfits(fields[name], value, f"{path}.{name}" if path else name)
            else:
                yield Misfit(path, name, tuple(fields), is_field=True)
    elif isinstance(kind, inspect.VarTupleType | inspect.ListType) and isinstance(values, list):
        for number, value in enumerate(values):
            yield from _misfits(kind.item_type, value, f"{path}[{number}]")
    elif isinstance(kind, inspect.LiteralType) and isinstance(values, str) and values not in kind.values:
        yield Misfit(path, values, tuple(map(str, kind.values)), is_field=False)


def _reason(message: str, values: Any, kind: Any) -> str:
    """What msgspec says, with the field's name first and in the words of our other errors."""
    what, _, place = message.partition(" - at `$")
    path = place.removesuffix("`").lstrip(".")
    missing = re.fullmatch(r"Object missing required field `(.+)`", what)
    if missing:
        return f"{path + '.' if path else ''}{missing[1]} is missing."
    if re.fullmatch(r"Expected `(.+?)`(?:, got `.+`)?", what):
        wanted = _described(_kind_at(_type_info(kind), path))
        return f"{path or 'it'} must be {wanted}. Received: {_said(_at(path, values))}"
    received = _said(_at(path, values))
    if "matching regex" in what:
        return f"{path} must be a name of letters, digits and _ + - . alone. Received: {received}"
    length = re.fullmatch(r"Expected `(\w+)` of length (<= )?(\d+).*", what)
    if length:
        most, parts = "at most " if length[2] else "", "characters" if length[1] == "str" else "values"
        return f"{path} must have {most}{length[3]} {parts}. Received: {received}"
    return what if not path or what.startswith(path.rpartition(".")[2]) else f"{path}: {what}"


def _kind_at(kind: Any, path: str) -> Any:
    """The type of a field by its path."""
    inspect = msgspec.inspect
    for step in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        options = [_bare(part) for part in kind.types] if isinstance(kind, inspect.UnionType) else [kind]
        kind = next((found for option in options if (found := _below(option, step)) is not None), kind)
        kind = _bare(kind)
    return kind


def _bare(kind: Any) -> Any:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _below(kind: Any, step: str) -> Any:
    """The type of a field, or of the elements, of one that holds others; `None` for another."""
    inspect = msgspec.inspect
    if isinstance(kind, inspect.DataclassType):
        return next((field.type for field in kind.fields if field.encode_name == step), None)
    if isinstance(kind, inspect.DictType):
        return kind.value_type
    if isinstance(kind, inspect.TupleType) and step.strip("[]").isdigit():
        return kind.item_types[int(step.strip("[]"))]
    return getattr(kind, "item_type", None)


def _described(kind: Any) -> str:
    """A type in words; that it may be null is left unsaid."""
    inspect, kind = msgspec.inspect, _bare(kind)
    if isinstance(kind, inspect.UnionType):
        parts = [_described(part) for part in kind.types if not isinstance(part, inspect.NoneType)]
        return " or ".join(dict.fromkeys(parts))
    if isinstance(kind, inspect.TupleType):
        return f"a list of {len(kind.item_types)} values: {', '.join(map(_described, kind.item_types))}"
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return f"a list, each {_described(kind.item_type)}"
    words = {
        inspect.StrType: "a text",
        inspect.LiteralType: "a text",
        inspect.IntType: "a whole number",
        inspect.FloatType: "a number",
        inspect.BoolType: "true or false",
    }
    return next((text for known, text in words.items() if isinstance(kind, known)), "a section")


def _at(path: str, values: Any) -> Any:
    for name in re.findall(r"[^.\[\]]+", path):
        try:
            values = values[int(name) if isinstance(values, list | tuple) else name]
        except (KeyError, TypeError, ValueError, IndexError):
            return "…"  # below a key that is no name, or an element of any index
    return values


def _said(value: Any) -> str:
    return text if len(text := repr(value)) <= 100 else f"{text[:97]}…"


def _path_as_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"Cannot be written as JSON: {type(value).__name__}")


def _path_of_text(kind: type, value: Any) -> Path:
    if issubclass(kind, Path) and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"Cannot be read from JSON: {kind.__name__}")
