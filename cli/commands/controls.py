"""`ksm controls`: is self-modeling more than a regularizer?"""

from pathlib import Path
from typing import Any

import click

from ksm_cli.backend import activate, only_read
from ksm_cli.computing import computed, raise_failures
from ksm_cli.options.computing import Computing, computing_options
from ksm_cli.options.figures import FORMATS
from ksm_cli.options.general import ChoiceArgument, backend_option, json_option, quiet_option
from ksm_cli.options.grids import MOST_SEED, numbers
from ksm_cli.options.noise import noise_options
from ksm_cli.options.objectives import chosen_strengths
from ksm_cli.options.outputs import Output
from ksm_cli.options.recipes import data_dir_option, dataset_of, examples_option, opened
from ksm_cli.options.settings import (
    batch_norm_option_of_controls,
    descend_option,
    fitted,
    name_of_changes,
    recipe_of,
    rlct_switch_of_controls,
)
from ksm_cli.output import (
    Bar,
    figure_writers,
    print_json,
    print_table,
    printable,
    require,
    spoken_warnings,
    usage_error,
    write_all,
)

# Tasks for which the strengths were chosen.
CONTROLLED_TASKS = ("mnist",)


@click.command(
    "controls",
    short_help="Compare self-modeling with other regularizers.",
    epilog="""\b
Examples:
  ksm controls mnist --dry-run
  ksm controls mnist --objective weight-decay --objective dropout --seeds 1-5
  ksm controls mnist --objective dropout=0.2,0.4,0.6 --hidden 64,512
  ksm controls mnist --examples 2000 --epochs 3 --seeds 1-2 --out short""",
)
@click.argument("task", cls=ChoiceArgument, type=click.Choice(CONTROLLED_TASKS))
@backend_option
@click.option("--hidden", metavar="LIST", default="64", show_default=True, help="Units of the hidden layer.")
@click.option("--seeds", metavar="LIST", default="1-5", show_default=True, help="Seeds, such as 1-10 or 1,4,7.")
@click.option(
    "--objective",
    "objectives",
    metavar="NAME[=LIST]",
    multiple=True,
    help="Objective to compare with, optionally with its strengths; may be repeated. Default: all. Self-modeling and "
    "the baseline are always included. ksm run --help lists the names.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training data. Default: the paper's.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples per step. Default: the paper's.")
@examples_option
@noise_options
@batch_norm_option_of_controls
@rlct_switch_of_controls
@descend_option
@data_dir_option
@click.option(
    "--out",
    type=Output(folder=True, only_read_with="dry_run"),
    help="Folder. Default: sweeps/TASK, with the changed settings in its name.",
)
@computing_options
@json_option
@quiet_option
def controls_command(
    task: str, backend: str | None, hidden: str, seeds: str, objectives: tuple[str, ...], examples: int | None,
    measure_rlct: bool | None, data_dir: Path | None, out: Path | None, as_json: bool, quiet: bool,
    computing: Computing,
    **settings: Any,
) -> None:  # fmt: skip
    """Compare self-modeling with other objectives at the same accuracy.

    Trains and measures networks with self-modeling, its variants, other prediction
    targets and the classical regularizers, each at several strengths. Like ksm
    sweep, it keeps runs already in the folder and continues after an interruption.
    Then shows accuracy, weight spread and RLCT for each strength, and how the
    spread and RLCT of each self-modeling network differ from those that each
    control reaches at the same accuracy.
    """
    strengths = chosen_strengths(objectives)
    sizes = numbers(hidden, int, "--hidden", least=1)
    chosen_seeds = numbers(seeds, int, "--seeds", least=0, most=MOST_SEED)
    require("rich", "matplotlib", "scipy", "filelock")
    with spoken_warnings():
        with Bar(quiet) as bar:
            bar.loading("the data")
            backend = activate(backend)
            only_read()  # Keras is imported once there is something to compute.
            from keras_selfmodel import experiments, studies
            from keras_selfmodel.reporting import control_figures
            from ksm_cli.tables.controls import control_tables, matched_tables

            strengths = _complete(strengths)
            chosen = opened(task, None, {})
            dataset = dataset_of(chosen, data_dir, examples)
            bar.loaded()
        recipe = recipe_of(chosen.recipe, (), measure_rlct, settings)
        recipe = fitted(recipe, len(dataset.y_train), settings["batch_size"])
        folder = out or Path("sweeps") / f"{task}{name_of_changes(recipe, chosen.recipe, examples)}"
        with_baseline = {name: [0.0, *values] for name, values in strengths.items()}
        try:
            recipes = experiments.objectives_grid(recipe, with_baseline, hidden=sizes, seeds=chosen_seeds)
        except ValueError as error:
            raise usage_error(error) from error
        result = computed(
            recipes,
            dataset,
            folder,
            _announcement(f"{task} on {backend}", strengths, sizes, chosen_seeds),
            data_dir=data_dir,
            quiet=quiet,
            computing=computing,
        )
        if result is None:
            return
        found = studies.controls(studies.studies_of(result.results))
        writers = figure_writers(control_figures(found), folder / "figures", FORMATS)
    if as_json:
        matched = [one for each in found for name in studies.MATCHED for one in studies.matched_comparisons(each, name)]
        print_json(
            {
                "rows": [experiments.row_of(r) for r in result.results],
                "matched": [one.to_dict() for one in matched],
                "figures": list(writers),
                "failures": result.failures,
            }
        )
    else:
        for each in found:
            for table in (*control_tables(each), *matched_tables(each)):
                print_table(table)
    # After the result, which must not be lost because a file cannot be written.
    write_all(*writers.values())
    if not as_json:
        for file in writers:
            click.echo(printable(f"figure: {file}"))
        click.echo(printable(f"For an HTML page of these results: ksm report {folder}"))
    raise_failures(result, len(recipes))


def _complete(strengths: dict[str, list[float] | None]) -> dict[str, list[float]]:
    """The objectives asked for, or all, with the package's strengths where there are no others."""
    from keras_selfmodel.experiments import CONTROL_STRENGTHS, SELF_MODELING

    wanted = set(strengths) - {SELF_MODELING} or set(CONTROL_STRENGTHS)
    return {
        name: strengths.get(name) or list(values)
        for name, values in CONTROL_STRENGTHS.items()
        if name in wanted or name == SELF_MODELING
    }


def _announcement(title: str, strengths: dict[str, list[float]], sizes: list[int], seeds: list[int]) -> str:
    width = max(map(len, strengths))
    return "\n".join(
        [
            f"{title}: {len(strengths)} objectives and the baseline, H = {', '.join(map(str, sizes))}, "
            f"{len(seeds)} seed{'' if len(seeds) == 1 else 's'}",
            *(f"  {name:<{width}}  {', '.join(f'{v:g}' for v in values)}" for name, values in strengths.items()),
        ]
    )
