"""RLCTs in lines and tables, with what their verdicts say."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_selfmodel.rlct import RLCTSummary


# Behind a number in a table; the caption says what it means.
MARK = "!"
MARKED = f"{MARK} an estimate that is not to be used"
LEFT_OUT = f"{MARK} without estimates that are not to be used"


def estimate_text(estimate: "RLCTSummary", digits: int, *, mark: str = " (not to be used)") -> str:
    """The value of an `RLCTSummary` as text, marked if its verdict forbids its use.

    Args:
        estimate: The summary.
        digits: Decimal places.
        mark: What follows a value that is not to be used.
    """
    if estimate.value is None:
        return "not a number"
    return f"{estimate.value:.{digits}f}{'' if estimate.is_usable else mark}"
