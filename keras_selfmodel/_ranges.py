"""Ranges of numbers, as records check them and as JSON schemas state them."""

import math
from dataclasses import dataclass
from typing import Any

from keras_selfmodel._numbers import real_number, whole_number


@dataclass(frozen=True)
class NumberRange:
    """The numbers that a setting may be; never NaN or infinite.

    Attributes:
        least: The smallest one.
        most: The largest one.
        above: Whether `least` itself is excluded.
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
            return whole_number(name, value, int(self.least), None if math.isinf(self.most) else int(self.most))
        if not math.isinf(self.most):
            allowed = (
                f"above {self.least:g} and at most {self.most:g}" if self.above else f"{self.least:g} … {self.most:g}"
            )
            return real_number(name, value, allowed, self._holds, "must be" if self.above else "must lie in")
        if self.least == 0:
            allowed = f"finite and {'positive' if self.above else 'not negative'}"
        else:
            allowed = f"finite and {'above' if self.above else 'at least'} {self.least:g}"
        return real_number(name, value, allowed, self._holds)

    def _holds(self, number: float) -> bool:
        lower = self.least < number if self.above else self.least <= number
        return lower and math.isfinite(number) and number <= self.most

    @property
    def schema(self) -> dict[str, float]:
        """The same in the keywords of a JSON schema."""
        lower = {"exclusiveMinimum" if self.above else "minimum": self.least}
        return {name: limit for name, limit in (lower | {"maximum": self.most}).items() if math.isfinite(limit)}
