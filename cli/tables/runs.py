"""What `ksm runs` prints."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from keras_selfmodel.experiments import ListedRun, RunResult
from ksm_cli.estimates import MARK, MARKED, estimate_text, measure_text
from ksm_cli.output import shown

# Titles of the RLCTs, by the field of `RunResult`.
LISTED_ESTIMATES = {"rlct": "RLCT", "rlct_descended": "after\ndescent"}


def listing_table(found: Sequence[ListedRun], folder: Path) -> Table:
    """One row for each run, with the path below the folder; the RLCT after descent where a run has one."""
    estimates = [one.result.estimates() if one.result else {} for one in found]
    lost = any(not estimate.is_usable for each in estimates for estimate in each.values())
    columns = [name for name in LISTED_ESTIMATES if name == "rlct" or any(name in each for each in estimates)]
    table = Table(box=None, pad_edge=False, caption=MARKED if lost else None, caption_justify="left")
    table.add_column("run", overflow="fold")
    table.add_column("state")
    for title in ("accuracy", "spread", *(LISTED_ESTIMATES[name] for name in columns)):
        table.add_column(title, justify="right")
    for one, each in zip(found, estimates, strict=True):
        measures = ["", ""]
        if one.result is not None:
            measures = [f"{one.result.accuracy:.4f}", measure_text(one.result.weight_spread)]
        rlcts = [estimate_text(each[name], 1, mark=MARK) if name in each else "" for name in columns]
        table.add_row(shown(one.folder.relative_to(folder)), one.state, *measures, *rlcts)
    return table


def listing_json(found: Sequence[ListedRun]) -> list[dict]:
    """The same as JSON."""
    return [
        {
            "run": str(one.folder),
            "state": one.state,
            **({} if one.reason is None else {"reason": one.reason}),
            "accuracy": one.result and one.result.accuracy,
            "weight_spread": one.result and one.result.weight_spread,
            **dict.fromkeys(LISTED_ESTIMATES),
            **({} if one.result is None else _estimates(one.result)),
        }
        for one in found
    ]


def _estimates(result: RunResult) -> dict[str, dict]:
    """Each RLCT of a run with its standard error, and with its verdict where it is not to be used too."""
    return {
        name: {"value": estimate.value, "std_error": estimate.std_error, "verdict": estimate.verdict}
        for name, estimate in result.estimates().items()
    }
