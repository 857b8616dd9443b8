"""`ksm tune`: a search for the settings with the best accuracy at the lowest complexity."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ksm_cli.arguments_as_options import in_options
from ksm_cli.backend import activate
from ksm_cli.estimates import result_note
from ksm_cli.options.general import ChoiceArgument, backend_option, json_option, quiet_option
from ksm_cli.options.objectives import check_targets
from ksm_cli.options.outputs import Output
from ksm_cli.options.recipes import check_one, data_dir_option, dataset_of, examples_option, opened, recipe_option
from ksm_cli.options.searched import search_values
from ksm_cli.options.settings import TASK_NAMES, fitted, given_once, layers_of, name_of_changes, recipe_of, rlct_switch
from ksm_cli.output import Bar, Interrupted, print_json, print_table, printable, require, spoken_warnings

if TYPE_CHECKING:
    from keras_selfmodel.experiments import Recipe, RunResult
    from keras_selfmodel.tuning import TuningProgress


# Written out, because the help must not import the package. A test compares.
SCORES = ("accuracy", "rlct", "spread")
SEARCHES = ("bayesian", "random", "hyperband")
# Accuracy for one unit; of the literature's convention an RLCT is about ten times that of the paper's.
PRICES: dict = {"accuracy": 0.0, "rlct": {"paper": 0.001, "dataset": 0.0001}, "spread": 0.1}


@click.command(
    "tune",
    short_help="Search for settings: accuracy against complexity.",
    epilog="""\b
Examples:
  ksm tune mnist --trials 20 --epochs 10
  ksm tune mnist --hidden 64:512 --aux-weight 0,1,10 --learning-rate 0.005
  ksm tune mnist --search hyperband --epochs 27 --score spread --no-rlct
  ksm tune --recipe examples/digits/digits.toml --enough-accuracy 0.95

\b
Several processes, on machines that share the folder: start the command once
with KERASTUNER_TUNER_ID=chief, and once for each worker with another name
instead, all with KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT set to the
chief's address. A worker that died continues when restarted under the same
name.""",
)
@click.argument("task", cls=ChoiceArgument, type=click.Choice(TASK_NAMES), required=False)
@recipe_option
@backend_option
@click.option(
    "--score",
    type=click.Choice(SCORES),
    default="rlct",
    show_default=True,
    help="Score to maximize: the accuracy on validation data, minus --price for each unit of RLCT (at the trained "
    "weights) or weight spread; or the accuracy alone.",
)
@click.option(
    "--price",
    type=click.FloatRange(min=0),
    help="Accuracy that one unit of RLCT or weight spread costs. Default: 0.001 for the RLCT, 0.0001 in the dataset "
    "convention; 0.1 for the spread.",
)
@click.option(
    "--enough-accuracy",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Accuracy that suffices: gains above this do not count.",
)
@click.option("--search", type=click.Choice(SEARCHES), default="bayesian", show_default=True, help="Search algorithm.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Number of networks to train. Default: 20; hyperband: chosen by the algorithm.",
)
@click.option(
    "--hidden",
    metavar="VALUES",
    help="Units of the hidden layer: 64, 64,128 or 64:512. Default: an eighth of the task's number to all of it.",
)
@click.option(
    "--aux-weight", metavar="VALUES", help="Auxiliary weights. Default: 0, and a tenth to five times the task's."
)
@click.option("--learning-rate", metavar="VALUES", help="Learning rates. Default: a tenth to ten times the task's.")
@click.option(
    "--batch-size", metavar="VALUES", help="Samples per step. Default: the task's number, a half and a quarter of it."
)
@click.option(
    "--targets",
    metavar="VALUES",
    multiple=True,
    callback=given_once,
    help="Layers to predict, joined by +; alternatives separated by commas, as in hidden,last_block+hidden. Default: "
    "the task's.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="SETTING=VALUES",
    help="Any other setting of a recipe to fix or search, as in momentum=0,0.9; may be repeated.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the training data in each trial; hyperband: at most. Default: mnist 50, cifar10 250, imdb 500.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of the networks, the search and the validation split. Default: 1."
)
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Fraction of the training data held out to score the trials.",
)
@examples_option
@rlct_switch
@data_dir_option
@click.option("--out", type=Output(folder=True), help="Folder of the search. Default: tuning/TASK.")
@json_option
@quiet_option
def tune_command(
    task: str | None,
    recipe_file: Path | None,
    backend: str | None,
    score: Literal["accuracy", "rlct", "spread"],
    price: float | None,
    enough_accuracy: float,
    search: str,
    trials: int | None,
    targets: str | None,
    also: tuple[str, ...],
    epochs: int | None,
    seed: int | None,
    validation: float,
    examples: int | None,
    measure_rlct: bool | None,
    data_dir: Path | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **searched: Any,
) -> None:
    """Search for the settings with the best accuracy at the lowest complexity.

    VALUES are one value, which is fixed, or the values to search: a list such as
    0,1,10 or a range such as 64:512. Each trial is a run, as made by ksm run, on the
    training data without the held-out part, which scores it. The test data are used
    once, for the best trial. The table shows the trials that no other trial beats in
    both accuracy and complexity. The folder holds all trials, and the same command
    continues the search.
    """
    check_one(task, recipe_file, "TASK", TASK_NAMES)
    require("keras_tuner", extra="tune")
    require("rich", "matplotlib", "filelock", "scipy", "jinja2")
    with Bar(quiet) as bar, spoken_warnings():
        bar.loading("Keras and the data")
        activate(backend)
        from keras_selfmodel import datasets, tuning

        chosen = opened(task, recipe_file, {"--out": out})
        found = _others(also, chosen.recipe)
        given = {**_single_settings(searched), **_alternatives(targets), **_given(epochs=epochs, seed=seed)}
        twice = next((name for name in found if name in given), None)
        if twice is not None:
            raise click.UsageError(f"--also {twice} and --{twice.replace('_', '-')} exclude each other.")
        found |= {name: value for name, value in given.items() if name not in ("epochs", "seed")}
        fixed = {name: v for name, v in found.items() if not isinstance(v, (tuning.OneOf, tuning.Range))}
        strengths = [fixed["aux_weight"]] if "aux_weight" in fixed else []
        check_targets(targets or "", [fixed.get("objective", "self-modeling")], strengths)
        recipe = recipe_of(
            chosen.recipe, fixed.pop("targets", ()), measure_rlct, {**fixed, "epochs": epochs, "seed": seed}
        )
        around = tuning.space_around(recipe, sizes=getattr(chosen, "takes_hidden", True))
        settings = {name: v for name, v in (around | found).items() if isinstance(v, (tuning.OneOf, tuning.Range))}
        if score == "rlct" and recipe.rlct is None:
            raise click.UsageError(
                "--score rlct needs the RLCT, which --no-rlct or the recipe leaves out. Use --score spread or accuracy."
            )
        if price is None:
            price = PRICES[score] if score != "rlct" else PRICES["rlct"][recipe.rlct.convention]
        dataset = dataset_of(chosen, data_dir, examples)
        trained_on = len(datasets.with_validation(dataset, validation, seed=recipe.seed).y_train)
        recipe = fitted(recipe, trained_on, fixed.get("batch_size"))
        folder = out or Path("tuning") / f"{recipe.task}{name_of_changes(recipe, chosen.recipe, examples)}"
        if tuning.is_worker() and not quiet:
            chief = ":".join(os.environ.get(f"KERASTUNER_ORACLE_{part}", "?") for part in ("IP", "PORT"))
            click.echo(f"Worker: waiting up to an hour for trials from the chief at {chief}.", err=True)
        try:
            result = tuning.tune(
                recipe,
                dataset,
                folder,
                settings=settings,
                score=tuning.Score(score, price, enough_accuracy),
                search=search,
                trials=trials,
                validation=validation,
                progress=_progress(bar),
            )
        except KeyboardInterrupt:
            raise Interrupted(f"To continue the search in {folder}, repeat the command.") from None
    if result is None:
        click.echo("No trials are left for this worker. The chief shows the result.", err=True)
    elif as_json:
        print_json({**tuning.trials_json(result), "folder": str(folder)})
    else:
        from ksm_cli.tables.tuning import tune_notes, tune_table

        print_table(tune_table(result))
        click.echo(tune_notes(result))


def _single_settings(options: dict[str, str | None]) -> dict:
    """Values asked for by the options of single settings, by setting."""
    kinds = {"hidden": (int, 1), "aux_weight": (float, 0), "learning_rate": (float, 0), "batch_size": (int, 1)}
    return {
        name: search_values(options[name], kind, f"--{name.replace('_', '-')}", least=least)
        for name, (kind, least) in kinds.items()
        if options[name] is not None
    }


def _given(**values: int | None) -> dict[str, int]:
    return {name: value for name, value in values.items() if value is not None}


def _alternatives(targets: str | None) -> dict:
    """The layers to predict, or the alternatives to search."""
    from keras_selfmodel.tuning import OneOf

    if targets is None:
        return {}
    try:
        alternatives = tuple(layers_of(text) for text in targets.split(","))
        return {"targets": OneOf(alternatives) if len(alternatives) > 1 else alternatives[0]}
    except click.BadParameter as error:
        raise click.UsageError(f"--targets: {error.message}") from None
    except ValueError as error:
        raise click.UsageError(f"--targets: {error}") from None


def _others(also: tuple[str, ...], recipe: "Recipe") -> dict:
    """Values asked for by --also, by setting: numbers where the recipe has a number, else words."""
    from keras_selfmodel.tuning import SETTINGS, OneOf

    found = {}
    for text in also:
        name, equal, values = text.partition("=")
        if not equal or name not in SETTINGS:
            raise click.UsageError(
                f"--also must be a setting of a recipe and its values, as in momentum=0,0.9. Received: {text!r}."
            )
        if name in found:
            raise click.UsageError(f"--also {name} is given twice. Give all values in one list.")
        value, words = getattr(recipe, name), tuple(values.split(","))
        if isinstance(value, (int, float)):
            found[name] = search_values(values, type(value), f"--also {name}", least=0)
        else:
            found[name] = words[0] if len(words) == 1 else OneOf(tuple(dict.fromkeys(words)))
    return found


def _progress(bar: Bar) -> "TuningProgress":
    """Progress callbacks that show the run of a trial, and the number of trials so far."""
    from keras_selfmodel.experiments import Progress
    from keras_selfmodel.tuning import TuningProgress

    done = 0

    def trial(name: str) -> Progress:
        return Progress(
            epoch=lambda done, total, row: bar.show("epochs", done, total, name),
            sampling=lambda done, total: bar.show("RLCT", done, total, name),
            descended=lambda done, total: bar.show("RLCT after descent", done, total, name),
        )

    def ended(name: str, outcome, total: int) -> None:
        nonlocal done
        done = int(name.rpartition("_")[2]) + 1
        bar.show("trials", done, total, f"{name}: {_note(outcome)}")

    return TuningProgress(trial, ended)


def _note(outcome: "RunResult | str") -> str:
    if isinstance(outcome, str):
        return f"failed: {printable(in_options(outcome))}"
    return result_note(outcome)
