"""What `ksm identity` prints."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from keras_selfmodel._number_texts import number_text, short_number
from keras_selfmodel.experiments import SELF_MODELING, TASKS
from keras_selfmodel.probes import EpochIdentity
from keras_selfmodel.studies import StoredRun
from ksm_cli.output import shown

IDENTITY_LEGEND = """\
E = W − I. ‖E‖/‖I‖: of all units; live: of those that vary. wrong: part of the
activations' variance that W gets wrong, tr(ECEᵀ)/tr C. align: this share
divided by its value if activations varied equally in all directions; 0 if E
lies where nothing varies. R²: of the self-prediction of the live units. dead:
units that do not vary. ranks: of the activations, (Σλ)²/Σλ² and
exp(−Σp·ln p)"""


def epochs_table(run: StoredRun, found: Sequence[EpochIdentity]) -> Table:
    """One row for each epoch; fits 80 columns."""
    recipe = run.result.recipe
    table = _table("epoch")
    table.title = f"{recipe.name}, {run.result.backend}"
    for one in found:
        table.add_row(str(one.epoch), *_cells(one))
    return table


def runs_table(found: Sequence[tuple[StoredRun, Sequence[EpochIdentity]]]) -> Table:
    """One row for each trained network; fits 80 columns."""
    table = _table("H", "AW", "seed")
    rows = [(run.result.recipe, epochs[-1]) for run, epochs in found]
    for recipe, last in sorted(rows, key=lambda row: (row[0].hidden, row[0].aux_weight, row[0].seed)):
        table.add_row(str(recipe.hidden), f"{recipe.aux_weight:g}", str(recipe.seed), *_cells(last))
    return table


def how_to_keep(runs: Sequence[StoredRun]) -> str:
    """The command that keeps weights during training, if a run has none."""
    without = [run for run in runs if not run.kept_epochs]
    if not without:
        return ""
    recipe = without[0].result.recipe
    start = f"ksm run {recipe.task}" if recipe.task in TASKS else "ksm run --recipe FILE"
    objective = "" if recipe.objective == SELF_MODELING else f"--objective {recipe.objective} "
    which = f"{len(without)} of {len(runs)} runs" if len(runs) > 1 else shown(without[0].files.path)
    return (
        f"{which} kept no weights during training: only the trained\n"
        "network is shown. To keep them, run this with the run's other options:\n"
        f"  {start} --hidden {recipe.hidden} --aux-weight {recipe.aux_weight:g} --seed {recipe.seed} "
        f"{objective}--keep-epochs geometric"
    )


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE, title_justify="left", padding=(0, 1), pad_edge=False, collapse_padding=True)
    for name in (*names, "‖E‖/‖I‖", "live", "wrong", "align", "R²", "dead", "ranks", ""):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(one: EpochIdentity) -> list[str]:
    identity, activations = one.identity, one.activations
    ranks = [f"{value:.1f}" if value else "–" for value in (activations.participation_ratio, activations.entropy_rank)]
    if identity is None:
        return ["–"] * 5 + [str(activations.dead_units), *ranks]
    return [
        number_text(identity.distance, 3),
        number_text(identity.distance_of_live, 3),
        short_number(identity.weighted_distance, 2),
        short_number(identity.alignment, 2),
        number_text(identity.r2, 3),
        str(activations.dead_units),
        *ranks,
    ]
