"""The measures of a run that statistics, tables and figures use."""

from dataclasses import dataclass

from keras_selfmodel._number_texts import NO_NUMBER, NOTHING, number_text
from keras_selfmodel.experiments import RunResult
from keras_selfmodel.rlct import RLCTSummary


@dataclass(frozen=True)
class Measure:
    """One number of each run.

    Attributes:
        name: The attribute of `RunResult`.
        title: How people read it.
        digits: Decimal places worth showing.
        reading_error: How exactly the paper's figures can be read, or `None` where the paper shows nothing.
        where_needed: Whether only the runs that needed it have it; these are not a random sample of their group.
    """

    name: str
    title: str
    digits: int
    reading_error: float | None = None
    where_needed: bool = False

    def of(self, result: RunResult) -> float | None:
        """Its value, or `None` if it was not measured, is not a number, or is an estimate that is not to be used."""
        return result.number(self.name)

    def text(self, value: float | None, *, sign: bool = False) -> str:
        """A value as people read it.

        Example:

        >>> MEASURES["rlct"].text(-0.2), MEASURES["rlct"].text(58.0, sign=True), MEASURES["rlct"].text(None)
        ('−0.20', '+58.00', '–')
        """
        return number_text(value, self.digits, sign=sign)

    def text_of(self, result: RunResult) -> str:
        """The value of a run as people read it, whether or not it is to be used.

        What is undefined, such as an RLCT whose sampling diverged, is told from what was not measured.
        """
        found = getattr(result, self.name)
        value = found.value if isinstance(found, RLCTSummary) else found
        return number_text(value, self.digits, none=NO_NUMBER if result.was_measured(self.name) else NOTHING)


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("accuracy", "accuracy", 4, 0.005),
        Measure("weight_spread", "weight spread", 4, 0.001),
        Measure("weight_interquartile_range", "interquartile range", 4),
        Measure("rlct", "RLCT", 2, 1.0),
        Measure("rlct_descended", "RLCT after descent", 2, where_needed=True),
        Measure("self_prediction_r2", "self-prediction R²", 4),
    )
}
"""Measures of a run by the name of their field in `RunResult`."""


def find_measure(name: str) -> Measure:
    """The measure called `name`.

    Raises:
        ValueError: If there is none.
    """
    if name not in MEASURES:
        raise ValueError(f"Unknown measure {name!r}. Measures: {', '.join(MEASURES)}")
    return MEASURES[name]
