"""Numbers as people read them, in tables, figures and lines.

This module imports nothing of the package, so that every room can use it.
"""

import math
from collections.abc import Callable
from functools import partial

# Text of what was not measured, or does not exist, and of what was measured and is undefined.
NOTHING, NO_NUMBER = "–", "not a number"
# From here on numbers with decimal places, and those with significant digits, are written in powers of ten.
LARGE_WITH_PLACES, LARGE_WITH_DIGITS = 1e4, 1e9


def number_text(value: float | None, digits: int, *, sign: bool = False, none: str = NOTHING) -> str:
    """A number with `digits` decimal places or, if that would stretch a table, in powers of ten.

    R² of a nearly constant network can be any number below 1.

    Args:
        value: The number.
        digits: Decimal places.
        sign: Whether a plus sign is written too.
        none: Text of `None` and of NaN.

    Example:

    >>> number_text(-0.2, 2), number_text(-409_466.2, 4), number_text(None, 2)
    ('−0.20', '−4.1e+05', '–')
    """
    if value is None or math.isnan(value):
        return none
    form = f".{digits}f" if abs(value) < LARGE_WITH_PLACES else ".1e"
    return _with_minus(f"{value:{'+' if sign else ''}z{form}}")


def short_number(value: float | None, digits: int, *, none: str = NOTHING) -> str:
    """A number with so many significant digits; in powers of ten only if it is tiny, or too long for a table.

    Args:
        value: The number.
        digits: Significant digits.
        none: Text of `None` and of NaN.

    Example:

    >>> short_number(-474.2, 2), short_number(1.5e-6, 2), short_number(float("nan"), 2)
    ('−470', '1.5e-06', '–')
    """
    if value is None or math.isnan(value):
        return none
    text = f"{value:.{digits}g}"
    if "e+" in text and abs(value) < LARGE_WITH_DIGITS:
        text = f"{float(text):.0f}"
    return _with_minus(text)


def _with_minus(text: str) -> str:
    """A number whose sign is a minus; that of its power of ten stays a hyphen, so that an option takes it."""
    return f"−{text[1:]}" if text.startswith("-") else text


def plus_minus(error: float | None, write: Callable[[float], str]) -> str:
    """What follows a number that has a standard error; nothing where there is none, as of a single chain.

    Args:
        error: The standard error; `None` or NaN if there is none.
        write: Writes it.

    Example:

    >>> f"21.7{plus_minus(0.25, str)}", f"21.7{plus_minus(float('nan'), str)}"
    ('21.7 ± 0.25', '21.7')
    """
    return "" if error is None or math.isnan(error) else f" ± {write(error)}"


def with_error(
    value: float | None, error: float | None, digits: int, *, sign: bool = False, none: str = NOTHING
) -> str:
    """A number and its error, or half its interval, if it has one.

    Args:
        value: The number.
        error: The error; `None` or NaN if there is none.
        digits: Decimal places of both.
        sign: Whether a plus sign is written too.
        none: Text of a number that is `None` or NaN.

    Example:

    >>> with_error(-3.1, 0.8, 2), with_error(97.25, None, 1, sign=True)
    ('−3.10 ± 0.80', '+97.2')
    """
    of_number = None if value is None or math.isnan(value) else error
    return number_text(value, digits, sign=sign, none=none) + plus_minus(of_number, partial(number_text, digits=digits))


def short_with_error(value: float | None, error: float | None, digits: int = 2) -> str:
    """The same with significant digits.

    Example:

    >>> short_with_error(-12.3, 160.2), short_with_error(2.1, None)
    ('−12 ± 160', '2.1')
    """
    of_number = None if value is None or math.isnan(value) else error
    return short_number(value, digits) + plus_minus(of_number, partial(short_number, digits=digits))
