"""`ksm sweep`: a grid of runs, trained and measured."""

import shlex
from pathlib import Path
from typing import Any

import click

from ksm_cli.backend import activate, only_read
from ksm_cli.computing import computed, raise_failures
from ksm_cli.options.computing import Computing, computing_options
from ksm_cli.options.general import ChoiceArgument, backend_option, json_option, quiet_option
from ksm_cli.options.grids import GRIDS, MOST_SEED, numbers
from ksm_cli.options.keep_epochs import keep_epochs_option, keeping
from ksm_cli.options.noise import noise_options
from ksm_cli.options.objectives import check_targets, objective_list
from ksm_cli.options.outputs import Output
from ksm_cli.options.recipes import check_one, data_dir_option, dataset_of, examples_option, opened, recipe_option
from ksm_cli.options.settings import (
    TASK_NAMES,
    batch_norm_option,
    descend_option,
    fitted,
    name_of_changes,
    precision_option,
    recipe_of,
    rlct_switch,
    targets_option,
)
from ksm_cli.output import Bar, next_steps, print_json, print_table, printable, require, spoken_warnings, usage_error


@click.command(
    "sweep",
    short_help="Train and measure a grid of networks.",
    epilog="""\b
Examples:
  ksm sweep mnist --dry-run
  ksm sweep mnist --hidden 64,512 --aux-weight 0,10,50 --seeds 1-5
  ksm sweep mnist --seeds 1-3 --no-rlct --out sweeps/quick --retry-failed
  ksm sweep mnist --objective weight-decay --aux-weight 0,0.001,0.01
  ksm sweep mnist --executor ray --address auto --gpus-per-task 0.5
  ksm sweep --recipe examples/digits/digits.toml --aux-weight 0,1,10""",
)
@click.argument("task", cls=ChoiceArgument, type=click.Choice(TASK_NAMES), required=False)
@recipe_option
@backend_option
@click.option("--hidden", metavar="LIST", help="Units of the hidden layer, such as 64,128. Default: the paper's.")
@click.option("--aux-weight", metavar="LIST", help="Auxiliary weights, such as 0,10,50. Default: the paper's.")
@click.option(
    "--objective",
    metavar="LIST",
    help="What to train on besides the task, such as self-modeling,dropout; ksm run --help lists the names. Objectives "
    "other than self-modeling need their strengths as --aux-weight.",
)
@click.option("--seeds", metavar="LIST", help="Seeds, such as 1-10 or 1,4,7. Default: 1-10.")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the training data. Default: the paper's.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Samples per step. Default: the paper's.")
@examples_option
@targets_option
@noise_options
@batch_norm_option
@precision_option
@rlct_switch
@descend_option
@keep_epochs_option
@data_dir_option
@click.option(
    "--out",
    type=Output(folder=True, only_read_with="dry_run"),
    help="Folder. Default: sweeps/TASK, with the changed settings in its name.",
)
@computing_options
@json_option
@quiet_option
def sweep_command(
    task: str | None,
    recipe_file: Path | None,
    backend: str | None,
    hidden: str | None,
    aux_weight: str | None,
    objective: str | None,
    seeds: str | None,
    targets: tuple[str, ...],
    examples: int | None,
    measure_rlct: bool | None,
    keep_epochs: str | None,
    data_dir: Path | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    computing: Computing,
    **settings: Any,
) -> None:
    """Train and measure a grid of networks, continuing where it was stopped.

    Without options: the paper's grid for the task; with --recipe, its settings with
    and without its auxiliary weight, seeds 1-3. Runs already in the folder are kept,
    so the same command continues after an interruption, and a longer list adds to
    them. The folder holds a run folder for each network, as written by ksm run, and
    results.csv with one row for each.
    """
    check_one(task, recipe_file, "TASK", TASK_NAMES)
    objectives = objective_list(objective)
    if aux_weight is None and objectives != ["self-modeling"]:
        raise click.UsageError(
            f"--objective {objective} needs its strengths. Give them as --aux-weight, such as --aux-weight 0,0.01,0.1."
        )
    require("rich", "matplotlib", "filelock")
    grid = GRIDS[task] if task else {"hidden": None, "aux_weight": None, "seeds": "1-3"}
    values = {
        "hidden": numbers(hidden or grid["hidden"], int, "--hidden", least=1),
        "aux_weights": numbers(aux_weight or grid["aux_weight"], float, "--aux-weight", least=0),
        "seeds": numbers(seeds or grid["seeds"], int, "--seeds", least=0, most=MOST_SEED),
    }
    check_targets(targets, objectives, values["aux_weights"])
    if objectives != ["self-modeling"] and not any(values["aux_weights"]):
        raise click.UsageError(
            "--objective cannot be combined with --aux-weight 0, the plain classifier. Leave one of them out."
        )
    with spoken_warnings():
        with Bar(quiet) as bar:
            bar.loading("the data")
            backend = activate(backend)
            only_read()  # Keras is imported once there is something to compute.
            from keras_selfmodel import experiments

            chosen = opened(task, recipe_file, {"--out": out})
            recipe = keeping(recipe_of(chosen.recipe, targets, measure_rlct, settings), keep_epochs)
            dataset = dataset_of(chosen, data_dir, examples)
            recipe = fitted(recipe, len(dataset.y_train), settings["batch_size"])
        # What a recipe says, where no list was given.
        values["hidden"] = values["hidden"] or [recipe.hidden]
        values["aux_weights"] = values["aux_weights"] or sorted({0.0, recipe.aux_weight})
        strengths = dict.fromkeys(objectives, values["aux_weights"])
        try:
            recipes = experiments.objectives_grid(recipe, strengths, hidden=values["hidden"], seeds=values["seeds"])
        except ValueError as error:
            raise usage_error(error) from error
        folder = out or Path("sweeps") / f"{recipe.task}{name_of_changes(recipe, chosen.recipe, examples)}"
        announcement = _announcement(recipe.task, backend, values, objectives)
        result = computed(
            recipes,
            dataset,
            folder,
            announcement,
            data_dir=data_dir,
            quiet=quiet,
            computing=computing,
        )
    if result is None:
        return
    if as_json:
        print_json({"rows": [experiments.row_of(r) for r in result.results], "failures": result.failures})
    else:
        from ksm_cli.tables.sweep import sweep_tables

        for table in sweep_tables(result.results):
            print_table(table)
        if result.results:
            click.echo(printable(f"table of all runs: {folder / 'results.csv'}"))
        if result.results and not quiet:
            where = shlex.quote(str(folder))
            next_steps(
                (f"ksm report {where}", "the claims, tested"),
                (f"ksm plot {where}", "figures like the paper's"),
            )
    raise_failures(result, len(recipes))


def _announcement(task: str, backend: str, values: dict[str, list], objectives: list[str]) -> str:
    lines = [
        f"{task} on {backend}: " + " × ".join(_counted(len(v), name) for name, v in values.items()),
        *(f"  {name.replace('_', ' '):<12} {', '.join(f'{v:g}' for v in vs)}" for name, vs in values.items()),
    ]
    return "\n".join(lines if objectives == ["self-modeling"] else [*lines, f"  objectives   {', '.join(objectives)}"])


def _counted(number: int, name: str) -> str:
    """How many values there are, such as "2 aux weights" or "1 seed"."""
    words = name.replace("_", " ")
    return f"{number} {words.removesuffix('s') if number == 1 else words}"
