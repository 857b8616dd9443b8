"""Python's arguments in messages: the package writes `anchor='descend'`, the program `--anchor descend`.

Errors and warnings name arguments as Python does, `name=value`, advice in parentheses of its own; an error about one
starts with its name: `epochs must be …`. What stands in double quotes is a command to be copied, and stays as it is.
This module imports nothing of the package: the program uses it before Keras is imported.
"""

import re
from collections.abc import Callable

_VALUE = r"('[^']*'|…|[^\s'(),;:\[\]{}]*[^\s'(),;:.\[\]{}])"
_SAID = re.compile(rf"\"[^\"]*\"| \((\w+)={_VALUE}\)|\b(\w+)={_VALUE}|^(\w+)(?= must )")


def with_arguments(sentence: str, called: Callable[[str, str], str | None]) -> str:
    """A sentence whose arguments are called otherwise.

    Args:
        sentence: What the package says.
        called: Given name and value, without quotes and "" where there is none, returns what they are called; `None`
            for an argument that does not exist there: it is left out where it stands in parentheses, and left alone
            elsewhere.

    Example:

    >>> with_arguments("Measure after descent (anchor='descend').", lambda name, value: f"--{name} {value}")
    'Measure after descent (--anchor descend).'
    >>> with_arguments("Measure after descent (anchor='descend').", lambda *_: None)
    'Measure after descent.'
    """

    def said(found: re.Match) -> str:
        advised, value, name, plain, subject = found.groups()
        if not (advised or name or subject):
            return found[0]
        text = value or plain or ""
        words = called(advised or name or subject, text.strip("'") or text)
        if words is None:
            return "" if advised else found[0]
        return f" ({words})" if advised else words

    return _SAID.sub(said, sentence)


def as_in_a_file(sentence: str) -> str:
    """A sentence about values of a file: `epochs = 0`, as TOML has it, is no argument that somebody passed."""
    return with_arguments(sentence, lambda name, value: f"{name} = {value}" if value else None)
