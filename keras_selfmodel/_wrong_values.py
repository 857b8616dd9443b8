"""What is wrong with values that a type does not allow, in words that name the field."""

import dataclasses
import datetime
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from keras_selfmodel._ranges import NumberRange
from keras_selfmodel._said_arguments import as_in_a_file


@dataclass(frozen=True)
class Misfit:
    """A name or a word that a record has no place for.

    Attributes:
        path: The field it stands at, such as "recipe.rlct".
        received: The name of an unknown field, or a word.
        possible: What could stand there.
        allowed: The same in words, for a word; empty for the name of a field.
    """

    path: str
    received: Any
    possible: tuple[str, ...]
    allowed: str = ""

    @property
    def is_field(self) -> bool:
        """Whether it is the name of a field."""
        return not self.allowed

    @property
    def sentence(self) -> str:
        if self.is_field:
            place = f"{self.path}.{self.received}" if self.path else self.received
            return f"{place} is unknown. Possible: {', '.join(self.possible)}."
        return f"{self.path} must be {self.allowed}. Received: {quoted(self.received)}"


_Finder = Callable[[Any, str], list[Misfit]]


def misfits(kind: Any, values: Any) -> list[Misfit]:
    """The fields, and the words of limited choice, that have no place in a record of a type."""
    find = _finder_of(kind)
    return find(values, "") if find else []


@functools.cache
def _finder_of(kind: Any) -> "_Finder | None":
    return _finder(_type_info(kind))


# Looking at a type takes ten times as long as reading a file of it.
_type_info = functools.cache(msgspec.inspect.type_info)


def _finder(kind: Any) -> _Finder | None:
    """What finds the misfits in values of a type at a path; `None` for a type that can have none, such as a number."""
    inspect, kind = msgspec.inspect, _bare(kind)
    if isinstance(kind, inspect.UnionType):
        return _in_any([finder for part in kind.types if (finder := _finder(part))], _described(kind))
    if isinstance(kind, inspect.DataclassType):
        return _in_a_record({field.encode_name: _finder(field.type) for field in kind.fields})
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return _in_a_list(_finder(kind.item_type))
    return _in_a_choice(kind.values, _described(kind)) if isinstance(kind, inspect.LiteralType) else None


def _in_any(finders: list[_Finder], described: str) -> _Finder | None:
    def find(values: Any, path: str) -> list[Misfit]:
        found = [misfit for finder in finders for misfit in finder(values, path)]
        # A word of one part of the type; the others may allow something else, such as a number.
        own = (bool(misfit.allowed) and misfit.path == path for misfit in found)
        return [dataclasses.replace(m, allowed=described) if o else m for m, o in zip(found, own, strict=True)]

    return find if finders else None


def _in_a_record(finders: dict[str, _Finder | None]) -> _Finder:
    names = tuple(finders)

    def find(values: Any, path: str) -> list[Misfit]:
        found: list[Misfit] = []
        if isinstance(values, dict):
            for name, value in values.items():
                if name not in finders:
                    found.append(Misfit(path, name, names))
                elif finder := finders[name]:
                    found += finder(value, f"{path}.{name}" if path else name)
        return found

    return find


def _in_a_list(finder: _Finder | None) -> _Finder | None:
    if finder is None:
        return None

    def find(values: Any, path: str) -> list[Misfit]:
        items = values if isinstance(values, list) else ()
        return [misfit for n, value in enumerate(items) for misfit in finder(value, f"{path}[{n}]")]

    return find


def _in_a_choice(possible: tuple, described: str) -> _Finder:
    def find(values: Any, path: str) -> list[Misfit]:
        wrong = isinstance(values, str) and values not in possible
        return [Misfit(path, values, tuple(map(str, possible)), described)] if wrong else []

    return find


class _Key(str):
    """A key of a dictionary, on the way to a value; fields of records are plain texts, numbers of elements integers."""


_Steps = list[str | int]


def refusal(error: Exception, values: Any, kind: Any) -> str:
    """Why msgspec refused values, with the field's name first and in the words of our other errors.

    Args:
        error: What it raised.
        values: What it was given.
        kind: The type that they should have.
    """
    what, _, place = str(error).partition(" - at `$")
    steps = _with_keys(place.removesuffix("`"), values, kind)
    path, received = _path(steps), quoted(_at(steps, values))
    missing = re.fullmatch(r"Object missing required field `(.+)`", what)
    if missing:
        return f"{path + '.' if path else ''}{missing[1]} is missing."
    if re.fullmatch(r"Expected `(.+?)`(?:, got `.+`)?", what):
        return f"{path or 'it'} must be {_described(_kind_at(_type_info(kind), steps))}. Received: {received}"
    if "matching regex" in what:
        return f"{path} must be a name of letters, digits and _ + - . alone. Received: {received}"
    limit = re.fullmatch(r"Expected `(\w+)` (of length )?([<>]=)? ?(-?[\d.]+).*", what)
    if limit and limit[2] and limit[3] == ">=" and limit[4] == "1":
        return f"{path} must not be empty. Received: {received}"
    if limit:
        least = {">=": "at least ", "<=": "at most "}.get(limit[3], "")
        parts = (" characters" if limit[1] == "str" else " values") if limit[2] else ""
        return f"{path} must {'have' if parts else 'be'} {least}{limit[4]}{parts}. Received: {received}"
    what = as_in_a_file(what)  # Said by the record itself.
    return what if not path or what.startswith(str(steps[-1])) else f"{path}: {what}"


def _with_keys(place: str, values: Any, kind: Any) -> _Steps:
    """The steps along msgspec's path, in which the keys of dictionaries are "[...]"."""
    steps: _Steps = []
    for name, number in re.findall(r"\.([^.\[]+)|\[([^\]]*)\]", place):
        if number == "...":
            there = _at(steps, values)
            keys = [key for key in there if _refuses(_with_one(values, steps, key), kind)]
            steps.append(_Key(keys[0] if keys else "…"))
        else:
            steps.append(int(number) if number else name)
    return steps


def _refuses(values: Any, kind: Any) -> bool:
    try:
        msgspec.convert(values, kind, dec_hook=lambda _, value: value)
    except msgspec.ValidationError as error:
        return "[...]" in str(error)
    return False


def _with_one(values: Any, steps: _Steps, key: str) -> Any:
    """The same values where the dictionary that the steps lead to has one key alone."""
    if not steps:
        return {key: values[key]}
    changed = list(values) if isinstance(values, list | tuple) else dict(values)
    changed[steps[0]] = _with_one(values[steps[0]], steps[1:], key)  # type: ignore[index]
    return changed


def _path(steps: _Steps) -> str:
    """The steps as one text, such as `parts[2].number`, `by_name.x` or `by_name['x.y']`."""
    named = [
        f"[{step!r}]" if isinstance(step, int) or not re.fullmatch(r"[\w -]+", step) else f".{step}" for step in steps
    ]
    return "".join(named).removeprefix(".")


def _kind_at(kind: Any, steps: _Steps) -> Any:
    """The type of what the steps lead to."""
    inspect = msgspec.inspect
    for step in steps:
        options = [_bare(part) for part in kind.types] if isinstance(kind, inspect.UnionType) else [kind]
        kind = next((found for option in options if (found := _below(option, step)) is not None), kind)
        kind = _bare(kind)
    return kind


def _bare(kind: Any) -> Any:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _below(kind: Any, step: str | int) -> Any:
    """The type of a field, or of the elements, of one that holds others; `None` for another."""
    inspect = msgspec.inspect
    if isinstance(kind, inspect.DataclassType):
        return next((field.type for field in kind.fields if field.encode_name == step), None)
    if isinstance(kind, inspect.DictType):
        return kind.value_type
    if isinstance(kind, inspect.TupleType) and isinstance(step, int):
        return kind.item_types[step]
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
        described = _described(kind.item_type)
        return "a list of texts" if described == "text" else f"a list, each {described}"
    if isinstance(kind, inspect.LiteralType):
        return ("" if len(kind.values) == 1 else "one of ") + ", ".join(map(repr, kind.values))
    words = {
        inspect.StrType: "text",
        inspect.IntType: "a whole number",
        inspect.FloatType: "a number",
        inspect.BoolType: "true or false",
    }
    return next((text for known, text in words.items() if isinstance(kind, known)), "a section")


def _at(steps: _Steps, values: Any) -> Any:
    for step in steps:
        try:
            values = values[step]
        except (KeyError, TypeError, IndexError):
            return "…"
    return values


def quoted(value: Any) -> str:
    """A value of a file as it stands in an error, shortened."""
    return text if len(text := _written(value)) <= 100 else f"{text[:97]}…"


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, datetime.date | datetime.time):  # of TOML
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return repr(value)


def check_settings(record: Any, ranges: Mapping[str, NumberRange]) -> None:
    """Makes sure that fields of a record lie in their ranges; `None` always does.

    Raises:
        ValueError: If one does not.
    """
    for name, allowed in ranges.items():
        if (value := getattr(record, name)) is not None:
            allowed.check(name, value)
