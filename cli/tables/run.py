"""The table at the end of a run."""

import textwrap

from rich.table import Table

from keras_selfmodel._number_texts import NO_NUMBER, with_error
from keras_selfmodel.experiments import SELF_MODELING, RunResult
from ksm_cli.estimates import measure_text
from ksm_cli.output import shown


def run_table(result: RunResult) -> Table:
    """The measures of a run, the paper's beside them where it has the same setting; fits 80 columns."""
    recipe, paper = result.recipe, result.paper
    strength = f"AW = {recipe.aux_weight:g}"
    if recipe.objective != SELF_MODELING:
        strength = f"{recipe.objective} {recipe.aux_weight:g}"
    table = Table(title=f"{recipe.task}, H = {recipe.hidden}, {strength}, seed {recipe.seed}, {result.backend}")
    table.add_column("measure")
    table.add_column("this run", justify="right")
    rows = [
        ("accuracy on the test data", f"{result.accuracy:.4f}", paper and paper.accuracy),
        ("weight spread (standard deviation)", measure_text(result.weight_spread), paper and paper.weight_spread),
        ("  interquartile range", measure_text(result.weight_interquartile_range), None),
        ("  excess kurtosis", measure_text(result.weight_excess_kurtosis, 2), None),
    ]
    trained, descended = result.rlct, result.rlct_descended
    if trained is not None:
        name = f"RLCT ({trained.convention} convention, nβ = {trained.inverse_temperature:.1f})"
        rows.append((name, with_error(trained.value, trained.std_error, 2, none=NO_NUMBER), paper and paper.rlct))
        if trained.convention == "paper":
            paired = with_error(trained.paired_value, trained.paired_std_error, 2, none=NO_NUMBER)
            rows.append(("  each draw against its own batch at w*", paired, None))
        rows.append(("  verdict", trained.verdict, None))
    if descended is not None:
        rows.append(
            (
                "  after descent on the task's loss",
                with_error(descended.value, descended.std_error, 2, none=NO_NUMBER),
                None,
            )
        )
        rows.append(("  verdict", descended.verdict, None))
        if descended.descent is not None:
            rows.append(("  descent", descended.descent.words, None))
    if result.was_measured("self_prediction_r2"):
        rows.append(("self-prediction R² on the test data", measure_text(result.self_prediction_r2), None))
    if paper is not None:
        table.add_column("paper", justify="right")
    for name, value, reference in rows:
        table.add_row(name, value, *([] if paper is None else ["" if reference is None else f"{reference:g}"]))
    return table


def run_notes(result: RunResult) -> str:
    """Notes below the table: time, data, files."""
    parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in result.seconds.items())
    lines = [
        textwrap.fill(f"seconds: {parts}", 80, subsequent_indent=" " * len("seconds: ")),
        f"data:    {result.data_source}",
        f"files:   {shown(result.folder)}",
    ]
    if result.is_subset:
        lines.insert(1, "NOT the full data set: not comparable with the paper")
    noise = {"labels": result.recipe.label_noise, "inputs": result.recipe.input_noise}
    for what, strength in noise.items():
        if strength:
            lines.insert(1, f"training {what} have noise {strength:g}: not comparable with the paper")
    if result.recipe.precision != "float32":
        taken = "" if result.recipe.rlct is None else "; the RLCT is computed in float32"
        lines.insert(1, f"trained and tested in {result.recipe.precision}{taken}")
    return "\n".join(lines)
