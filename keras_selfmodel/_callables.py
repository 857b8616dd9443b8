"""What functions that a user passes can be called with."""

import inspect
from collections.abc import Callable


def takes(function: Callable, number: int) -> bool:
    """Whether a function can be called with so many arguments; of what is compiled that may be unknown, and is assumed.

    Example:

    >>> takes(max, 2), takes(lambda x: x, 2), takes(lambda x, y=1: x, 2)
    (True, False, True)
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return True
    try:
        signature.bind(*[None] * number)
    except TypeError:
        return False
    return True
