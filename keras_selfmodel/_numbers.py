"""What counts as a number that a user passes: one of Python, of NumPy, or a tensor that holds one."""

import math
import numbers
from collections.abc import Callable
from typing import Any

# Letters of a value in an error, at most.
LONGEST_SHOWN = 100


def number_in(value: Any) -> int | float | None:
    """One real number as one of Python; `None` for anything else, such as a text, a truth value or several numbers.

    Args:
        value: Anything; tensors of any library and precision, whether or not they require a gradient.

    Example:

    >>> import numpy as np
    >>> number_in(np.float32(0.5)), number_in(np.array(3)), number_in("3"), number_in(True), number_in([3])
    (0.5, 3, None, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, numbers.Real):
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    dtype = getattr(value, "dtype", None)
    kind = str(getattr(dtype, "name", dtype)).removeprefix("torch.")
    if not kind.startswith(("int", "uint", "float", "bfloat")) or tuple(value.shape):
        return None
    value = value.detach() if hasattr(value, "detach") else value
    return int(value) if "int" in kind else float(value)


def whole_number_in(value: Any) -> int | None:
    """As `number_in`, for numbers without a fraction alone: 3 of 3.0, and `None` of 3.5."""
    number = number_in(value)
    return int(number) if isinstance(number, int) or (number is not None and number.is_integer()) else None


def whole_number(name: str, value: Any, least: int, most: int | None = None) -> int:
    """A number without a fraction, as an integer of Python.

    Args:
        name: What it is, for the message.
        value: What the user passed.
        least: The least that is allowed.
        most: The most; `None`: no limit.

    Raises:
        ValueError: If it is anything else.
    """
    number = whole_number_in(value)
    if number is None or number < least or (most is not None and number > most):
        limits = f", at least {least}" if most is None else f" from {least} to {most:,}"
        raise ValueError(f"{name} must be a whole number{limits}. Received: {name}={_shortened(value)}")
    return number


def real_number(name: str, value: Any, allowed: str, fits: Callable[[float], bool], verb: str = "must be") -> float:
    """A number as a float of Python.

    Args:
        name: What it is, for the message.
        value: What the user passed.
        allowed: What it must be, in words.
        fits: Whether a number is that; not asked about what is none.
        verb: What stands before `allowed`.

    Raises:
        ValueError: If it is anything else.
    """
    try:
        number = float(math.nan if (found := number_in(value)) is None else found)
    except OverflowError:  # A whole number larger than all of these.
        number = math.nan
    if math.isnan(number) or not fits(number):
        raise ValueError(f"{name} {verb} {allowed}. Received: {name}={_shortened(value)}")
    return number + 0.0  # 0, not −0


def _shortened(value: Any) -> str:
    """A value as it stands in an error."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole numbers of thousands of digits.
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def finite_and_positive(value: float) -> bool:
    return 0 < value < math.inf


def finite_and_not_negative(value: float) -> bool:
    return 0 <= value < math.inf
