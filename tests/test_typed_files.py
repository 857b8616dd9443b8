"""The reader of JSON and TOML, against files with one thing wrong."""

import json
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
import numpy as np
import pytest

from keras_selfmodel._typed_files import DamagedFileError, Name, TypedFile, plain, typed


@dataclass(frozen=True)
class Part:
    number: int
    kind: Literal["one", "other"] = "one"

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(f"number must not be negative. Received: number={self.number}")


@dataclass(frozen=True)
class Record:
    name: Name
    size: float | None
    parts: tuple[Part, ...] = ()
    by_name: dict[str, float] | None = None
    sections: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5


FILE = TypedFile(Record, format=3)
RECORD = Record("a-1.b", 0.5, (Part(1), Part(2, "other")), {"x": 1.0})


def test_a_record_is_read_as_it_was_written(tmp_path):
    FILE.write(tmp_path / "record.json", RECORD)
    assert FILE.read(tmp_path / "record.json") == RECORD
    assert json.loads((tmp_path / "record.json").read_text()) == {"format": 3, **plain(RECORD)}


def test_numbers_of_numpy_are_numbers_and_what_is_none_is_null():
    record = Record("a", np.float64(0.5), (Part(np.int64(1)),), {"x": float("nan")})
    assert plain(record)["size"] == 0.5 and plain(record)["parts"][0]["number"] == 1
    assert plain(record)["by_name"] == {"x": None}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": "large"}, "size must be a number. Received: 'large'"),
        ({"size": [1]}, "size must be a number. Received: [1]"),
        ({"name": None}, "name must be text. Received: null"),
        ({"name": 7}, "name must be text. Received: 7"),
        ({"name": "../x"}, "name must be a name of letters, digits and _ + - . alone. Received: '../x'"),
        ({"name": "x\n"}, "name must be a name of letters"),
        ({"name": "[x[/nosuch]"}, "name must be a name of letters"),
        ({"name": "x" * 200}, "name must have at most 100 characters. Received: 'xxx"),
        ({"parts": 1}, "parts must be a list, each a section. Received: 1"),
        ({"parts": [{"number": 1}, {"number": 1.5}]}, "parts[1].number must be a whole number. Received: 1.5"),
        ({"parts": [{"number": True}]}, "parts[0].number must be a whole number. Received: true"),
        ({"parts": [{"number": 1, "kind": "none"}]}, "parts[0].kind must be one of 'one', 'other'. Received: 'none'"),
        ({"parts": [{}]}, "parts[0].number is missing."),
        ({"parts": [{"number": -1}]}, "number must not be negative. Received: number = -1"),
        ({"by_name": {"y": 1.0, "x": "much"}}, "by_name.x must be a number. Received: 'much'"),
        ({"by_name": {"it's a.b[1]": None}}, 'by_name["it\'s a.b[1]"] must be a number. Received: null'),
        ({"sections": {"a": [{"number": 1}], "b": [{"number": 1}, {}]}}, "sections.b[1].number is missing."),
        ({"share": 1.5}, "share must be at most 1.0. Received: 1.5"),
        ({"more": 1}, "more is unknown. Possible: name, size, parts, by_name, sections, share."),
        ({"format": 2}, "format must be 3. Received: 2. Another version of keras_selfmodel wrote it."),
        ({"format": "3"}, "format must be 3. Received: '3'"),
        ({"format": True}, "format must be 3. Received: true"),
    ],
)
def test_file_and_field_of_what_is_wrong_are_named(change, said):
    values = {"format": 3, **plain(RECORD), **change}
    with pytest.raises(DamagedFileError) as caught:
        FILE.decode(json.dumps(values), "record.json")
    assert str(caught.value).startswith("record.json is damaged: ") and said in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "12", "null", b"\xff\xfe", '{"format": NaN}', "[" * 100_000])
def test_what_is_no_json_object_is_an_error(content):
    with pytest.raises(
        DamagedFileError, match="record.json is damaged: it (is not valid JSON|does not hold a JSON object)"
    ):
        FILE.decode(content, "record.json")


def test_escape_sequences_are_shown_and_not_kept():
    found = typed(dict[str, str], {"x": "\x1b[31mred\x9b", "\x07": "two\nlines\tλ"}, "x.json")
    assert found == {"x": "\\x1b[31mred\\x9b", "\\x07": "two\nlines\tλ"}
