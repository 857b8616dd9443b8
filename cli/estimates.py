"""RLCTs in lines and tables, with what their verdicts say."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_selfmodel.experiments import RunResult
    from keras_selfmodel.rlct import RLCTSummary


# After a number in a table; the caption explains it.
MARK = "!"
MARKED = f"{MARK} an estimate that is not to be used"
LEFT_OUT = f"{MARK} without estimates that are not to be used"


def measure_text(value: float | None, digits: int = 4) -> str:
    """A measure that was taken of a run as text.

    Args:
        value: The measure; `None` if it is not a number.
        digits: Decimal places.
    """
    from keras_selfmodel._number_texts import NO_NUMBER, number_text

    return number_text(value, digits, none=NO_NUMBER)


def estimate_text(estimate: "RLCTSummary", digits: int, *, mark: str = " (not to be used)") -> str:
    """The value of an `RLCTSummary` as text, marked if its verdict forbids its use.

    Args:
        estimate: The summary.
        digits: Decimal places.
        mark: Text after a value that is not to be used.
    """
    return f"{measure_text(estimate.value, digits)}{'' if estimate.is_usable else mark}"


def rlcts_text(result: "RunResult") -> str:
    """The RLCTs of a run in a line, such as "RLCT 50.1, after descent 48.3"; "" for a run without any."""
    names = {"rlct": "RLCT", "rlct_descended": "after descent"}
    return ", ".join(f"{names[name]} {estimate_text(one, 1)}" for name, one in result.estimates().items())


def result_note(result: "RunResult") -> str:
    """The measures of a finished run in a line."""
    parts = [f"accuracy {result.accuracy:.4f}", f"spread {measure_text(result.weight_spread)}"]
    return ", ".join([*parts, *([rlcts_text(result)] if result.estimates() else [])])
