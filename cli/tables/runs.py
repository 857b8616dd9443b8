"""What `ksm runs` prints."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from keras_selfmodel.experiments import ListedRun
from ksm_cli.estimates import MARK, MARKED, estimate_text


def listing_table(found: Sequence[ListedRun], folder: Path) -> Table:
    """One row for each run, with the path below the folder."""
    lost = any(one.result and one.result.rlct and not one.result.rlct.is_usable for one in found)
    table = Table(box=None, pad_edge=False, caption=MARKED if lost else None, caption_justify="left")
    table.add_column("run", overflow="fold")
    table.add_column("state")
    for name in ("accuracy", "spread", "RLCT"):
        table.add_column(name, justify="right")
    for one in found:
        result = one.result
        measures = ["", "", ""]
        if result is not None:
            rlct = "" if result.rlct is None else estimate_text(result.rlct, 1, mark=MARK)
            measures = [f"{result.accuracy:.4f}", f"{result.weight_spread:.4f}", rlct]
        table.add_row(str(one.folder.relative_to(folder)), one.state, *measures)
    return table


def listing_json(found: Sequence[ListedRun]) -> list[dict]:
    """The same as JSON holds it."""
    return [
        {
            "run": str(one.folder),
            "state": one.state,
            "accuracy": one.result and one.result.accuracy,
            "weight_spread": one.result and one.result.weight_spread,
            "rlct": one.result and one.result.number("rlct"),
        }
        for one in found
    ]
