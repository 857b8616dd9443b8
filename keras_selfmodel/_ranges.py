"""Ranges of numbers, as records check them and as JSON schemas state them."""

import math
from dataclasses import dataclass
from typing import Any

from keras_selfmodel._numbers import (
    finite_and_not_negative,
    finite_and_positive,
    number_in,
    real_number,
    whole_number,
)


@dataclass(frozen=True)
class NumberRange:
    """The numbers that a setting may be; never NaN or infinite.

    Attributes:
        least: The smallest one; 0 where there is no largest.
        most: The largest one.
        above: Whether they are all larger than `least`.
        whole: Whether they are whole numbers.
    """

    least: float = 0
    most: float = math.inf
    above: bool = False
    whole: bool = False

    def check(self, name: str, value: Any) -> int | float:
        """A value as a number of Python, if it is one of them.

        Raises:
            ValueError: If it is not; the sentence starts with the name.

        Example:

        >>> NumberRange(0, 1).check("momentum", 2)
        Traceback (most recent call last):
        ...
        ValueError: momentum must lie in 0 … 1. Received: momentum=2
        """
        if self.whole:
            return whole_number(name, value, int(self.least), int(self.most))
        if math.isinf(self.most):
            fits = finite_and_positive if self.above else finite_and_not_negative
            return real_number(name, value, f"finite and {'positive' if self.above else 'not negative'}", fits)
        number = number_in(value)
        if number is None or not self.least <= number <= self.most:
            raise ValueError(f"{name} must lie in {self.least:g} … {self.most:g}. Received: {name}={value!r}")
        return float(number)

    @property
    def schema(self) -> dict[str, float]:
        """The same in the keywords of a JSON schema."""
        lower = {"exclusiveMinimum" if self.above else "minimum": self.least}
        return {name: limit for name, limit in (lower | {"maximum": self.most}).items() if math.isfinite(limit)}
