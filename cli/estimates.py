"""RLCTs in lines and tables, with what their verdicts say."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from keras_selfmodel.datasets import Dataset
    from keras_selfmodel.experiments import RunResult
    from keras_selfmodel.rlct import RLCTEstimate, RLCTSummary


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


def beside_the_run(file: "Path", estimate: "RLCTEstimate", dataset: "Dataset") -> str | None:
    """What an estimate is beside that of the run whose network was measured: the same quantity, or why not.

    Args:
        file: The network's file.
        estimate: The new estimate.
        dataset: The data that it was made on.

    Returns:
        A sentence; `None` if the file is not the network of a finished run that has an estimate.
    """
    from keras_selfmodel.experiments import RunFolderError, read_run
    from keras_selfmodel.experiments.run_folder import RunFolder

    try:
        run = read_run(file.parent)
    except RunFolderError:
        return None
    of_run = run.rlct if estimate.anchor == "trained" else run.rlct_descended
    if of_run is None or RunFolder(file.parent).model != file:
        return None
    recipe = run.recipe
    same_convention = of_run.convention == estimate.settings.convention
    same_temperature = math.isclose(of_run.inverse_temperature or math.nan, estimate.inverse_temperature, rel_tol=1e-6)
    reasons = {
        f"the run's is by the {of_run.convention} convention": not same_convention,
        "the run's is at another inverse temperature": same_convention and not same_temperature,
        "the run's is at another localization": same_convention
        and (
            of_run.localization is None
            or not math.isclose(of_run.localization, estimate.settings.localization, rel_tol=1e-6)
        ),
        "the run does not record its data": run.config is None,
        "it was measured on other data": run.config is not None and run.config.data.digest != dataset.digest,
        "it is of training data with noise, which is left out here": recipe.label_noise > 0 or recipe.input_noise > 0,
        "other weights were sampled": estimate.num_parameters != of_run.num_parameters,
    }
    other = [reason for reason, holds in reasons.items() if holds]
    words = f"The run itself found {estimate_text(of_run, 2)}"
    return f"{words}. It cannot be compared with this: {'; '.join(other)}." if other else f"{words}, by other chains."
