"""The table at the end of a search."""

import textwrap

from rich import box
from rich.table import Table

from keras_selfmodel._number_texts import short_number
from keras_selfmodel.studies.setting_texts import setting_value
from keras_selfmodel.tuning import Trial, TuningResult
from ksm_cli.arguments_as_options import in_options
from ksm_cli.estimates import MARK, MARKED, estimate_text, measure_text, rlcts_text
from ksm_cli.output import shown

COMPLEXITY_NAMES = {"rlct": "RLCT", "spread": "weight spread"}
SHORT_NAMES = {"hidden": "H", "aux_weight": "AW", "targets": "targets", "learning_rate": "rate", "batch_size": "batch"}


def tune_table(result: TuningResult) -> Table:
    """The Pareto front, simplest first, with RLCTs at the trained weights; fits 80 columns."""
    table = Table(
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
        title=f"validation accuracy against {COMPLEXITY_NAMES[result.complexity]}: the {len(result.front)} of "
        f"{len(result.trials)} trials that no other trial beats in both",
    )
    table.add_column("trial")
    shown = [name for name in SHORT_NAMES if name in result.searched or name in ("hidden", "aux_weight")]
    for name in shown:
        table.add_column(SHORT_NAMES[name], justify="right", overflow="fold")
    for name in ("accuracy", "RLCT", "spread", "score"):
        table.add_column(name, justify="right")
    # The best score is on the front, unless its accuracy counts only up to a limit.
    rows = list(result.front) if result.best in result.front else [*result.front, result.best]
    measured = [(trial, trial.result) for trial in rows if trial.result is not None]
    for trial, run in measured:
        table.add_row(
            trial.name.removeprefix("trial_") + ("*" if trial is result.best else ""),
            *(_setting(trial, name) for name in shown),
            f"{run.accuracy:.4f}",
            "" if run.rlct is None else estimate_text(run.rlct, 1, mark=MARK),
            measure_text(run.weight_spread),
            f"{trial.score:.4f}",
        )
    if any(run.rlct is not None and not run.rlct.is_usable for _, run in measured):
        table.caption, table.caption_justify = MARKED, "left"
    return table


def tune_notes(result: TuningResult) -> str:
    """Notes below the table: the best trial on the test data, failures, files."""
    best, failed = result.best, [(t.name, in_options(t.failure)) for t in result.trials if t.failure is not None]
    lines = [f"* best score, {result.scored_by}:"]
    if (run := best.result) is not None:
        lines += [
            f"  accuracy {run.accuracy:.4f} on the validation data, {result.test_accuracy:.4f} on the test data",
            *([f"  {rlcts_text(run)}"] if run.estimates() else []),
            f"  {shown(run.folder)}",
        ]
    if failed:
        lines.append(f"{len(failed)} trial{'' if len(failed) == 1 else 's'} failed:")
        lines += [
            textwrap.fill(f"{name}: {why}", 80, initial_indent="  ", subsequent_indent="    ") for name, why in failed
        ]
    return "\n".join(
        [*lines, f"all trials: {shown(result.folder / 'trials.csv')}, figure: {shown(result.folder / 'front.png')}"]
    )


def _setting(trial: Trial, name: str) -> str:
    value = getattr(trial.recipe, name)
    return short_number(value, 3) if isinstance(value, float) else setting_value(value)
