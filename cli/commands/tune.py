"""`ksm tune`: a search for the settings with the best accuracy at the lowest complexity."""

import os
from pathlib import Path

import click

from ksm_cli.backend import activate
from ksm_cli.options.general import backend_option, json_option, quiet_option
from ksm_cli.options.recipes import check_one, data_dir_option, data_of, examples_option, opened, recipe_option
from ksm_cli.options.searched import search_values
from ksm_cli.options.settings import TASK_NAMES, recipe_of, rlct_switch
from ksm_cli.output import Bar, Interrupted, print_json, print_table, require, spoken_warnings

# Written out, for the help's sake. A test compares.
OBJECTIVES = ("accuracy", "rlct", "spread")
SEARCHES = ("bayesian", "random", "hyperband")
# Accuracy for one unit; of the literature's convention an RLCT is about ten times that of the paper's.
PRICES = {"accuracy": 0.0, "rlct": {"paper": 0.001, "dataset": 0.0001}, "spread": 0.1}


@click.command(
    "tune",
    short_help="Search for settings: accuracy against complexity.",
    epilog="""\b
Examples:
  ksm tune mnist --trials 20 --epochs 10
  ksm tune mnist --hidden 64:512 --aux-weight 0,1,10 --learning-rate 0.005
  ksm tune mnist --search hyperband --epochs 27 --objective spread --no-rlct
  ksm tune --recipe examples/digits/digits.toml --enough-accuracy 0.95
\b
Several processes, on machines that share the folder: start the command once
with KERASTUNER_TUNER_ID=chief, and once for each worker with another name in
its place, all with KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT set to the
chief's. A worker that died goes on when it is started with its name.""",
)
@click.argument("task", type=click.Choice(TASK_NAMES), required=False)
@recipe_option
@backend_option
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="rlct",
    show_default=True,
    help="What is made high: the accuracy on validation data, less PRICE for each unit of RLCT or weight spread.",
)
@click.option(
    "--price",
    type=click.FloatRange(min=0),
    help="Accuracy that one unit is worth. Default: RLCT 0.001, in the literature's convention 0.0001; spread 0.1.",
)
@click.option(
    "--enough-accuracy",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Accuracy above which more counts nothing.",
)
@click.option("--search", type=click.Choice(SEARCHES), default="bayesian", show_default=True, help="How.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Networks to train. Default: 20; of hyperband as many as it wants.",
)
@click.option("--hidden", metavar="VALUES", help="64, 64,128 or 64:512. Default: an eighth of the task's to as many.")
@click.option("--aux-weight", metavar="VALUES", help="Default: 0, and a tenth to five times the task's.")
@click.option("--learning-rate", metavar="VALUES", help="Default: a tenth to ten times the task's.")
@click.option("--batch-size", metavar="VALUES", help="Of training. Default: a quarter, a half of and the task's.")
@click.option(
    "--targets",
    multiple=True,
    metavar="LAYERS",
    help="Layers to predict, as in last_block+hidden; given several times: the alternatives.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="SETTING=VALUES",
    help="Any other setting of a recipe, as in momentum=0,0.9; may be repeated.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Of each trial; of hyperband the most. Default: mnist 50, cifar10 250, imdb 500.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of networks, search and validation data. Default: 1.")
@click.option(
    "--validation",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="Part of the training data that trials are judged by.",
)
@examples_option
@rlct_switch
@data_dir_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder. Default: tuning/TASK.")
@json_option
@quiet_option
def tune_command(
    task,
    recipe_file,
    backend,
    objective,
    price,
    enough_accuracy,
    search,
    trials,
    targets,
    also,
    epochs,
    seed,
    validation,
    examples,
    measure_rlct,
    data_dir,
    out,
    as_json,
    quiet,
    **searched,
) -> None:
    """Search for the settings with the best accuracy at the lowest complexity.

    VALUES are one number, which is taken, or what is searched: a list as in 0,1,10
    or a range as in 64:512. Each trial is a run, as ksm run makes them, on the
    training data without a validation part, which all trials are judged by. The
    test data are looked at once, for the best trial. Shown are the trials that no
    other beats in accuracy and complexity both; the folder holds all of them, and
    the same command goes on with what is there.
    """
    check_one(task, recipe_file, "TASK", TASK_NAMES)
    require("keras_tuner", extra="tune")
    require("rich", "matplotlib", "filelock", "scipy", "jinja2")
    activate(backend)
    with spoken_warnings():
        from keras_selfmodel import tuning

        chosen = opened(task, recipe_file)
        found = {**_named(searched), **_alternatives(targets), **_others(also, chosen.recipe)}
        fixed = {name: v for name, v in found.items() if not isinstance(v, (tuning.OneOf, tuning.Range))}
        recipe = recipe_of(
            chosen.recipe, fixed.pop("targets", ()), measure_rlct, {**fixed, "epochs": epochs, "seed": seed}
        )
        around = tuning.space_around(recipe, sizes=getattr(chosen, "takes_hidden", True))
        settings = {name: v for name, v in (around | found).items() if isinstance(v, (tuning.OneOf, tuning.Range))}
        if objective == "rlct" and recipe.rlct is None:
            raise click.UsageError("--objective rlct needs the RLCT. --objective spread or accuracy does without.")
        if price is None:
            price = PRICES[objective] if objective != "rlct" else PRICES["rlct"][recipe.rlct.convention]
        dataset = data_of(chosen, data_dir, examples)
        folder = out or Path("tuning") / recipe.task
        if tuning.is_worker() and not quiet:
            chief = ":".join(os.environ.get(f"KERASTUNER_ORACLE_{part}", "?") for part in ("IP", "PORT"))
            click.echo(f"A worker: it waits up to an hour for the chief at {chief} to hand out trials.", err=True)
        with Bar(quiet) as bar:
            try:
                result = tuning.tune(
                    recipe,
                    dataset,
                    folder,
                    settings=settings,
                    objective=tuning.Objective(objective, price, enough_accuracy),
                    search=search,
                    trials=trials,
                    validation=validation,
                    progress=_progress(bar),
                )
            except KeyboardInterrupt:
                raise Interrupted(f"The same command goes on with the search in {folder}.") from None
    if result is None:
        click.echo("No trial is left for this worker. The chief has the result.", err=True)
    elif as_json:
        print_json({**tuning.trials_json(result), "folder": str(folder)})
    else:
        from ksm_cli.tables.tuning import tune_notes, tune_table

        print_table(tune_table(result))
        click.echo(tune_notes(result))


def _named(options: dict[str, str | None]) -> dict:
    """What the options of single settings ask for, by setting."""
    kinds = {"hidden": (int, 1), "aux_weight": (float, 0), "learning_rate": (float, 0), "batch_size": (int, 2)}
    return {
        name: search_values(options[name], kind, f"--{name.replace('_', '-')}", least=least)
        for name, (kind, least) in kinds.items()
        if options[name] is not None
    }


def _alternatives(targets: tuple[str, ...]) -> dict:
    """The targets, or the alternatives among them."""
    from keras_selfmodel.tuning import OneOf

    layers = tuple(tuple(text.split("+")) for text in targets)
    if len(layers) < 2:
        return dict.fromkeys(["targets"], *layers) if layers else {}
    try:
        return {"targets": OneOf(layers)}
    except ValueError as error:
        raise click.UsageError(f"--targets: {error}") from None


def _others(also: tuple[str, ...], recipe) -> dict:
    """What --also asks for, by setting: numbers where the recipe has a number, else words."""
    from keras_selfmodel.tuning import SETTINGS, OneOf

    found = {}
    for text in also:
        name, equal, values = text.partition("=")
        if not equal or name not in SETTINGS:
            raise click.UsageError(
                f"--also wants a setting of a recipe and values, as momentum=0,0.9. Received: {text!r}."
            )
        value, words = getattr(recipe, name), tuple(values.split(","))
        if isinstance(value, (int, float)):
            found[name] = search_values(values, type(value), f"--also {name}", least=0)
        else:
            found[name] = words[0] if len(words) == 1 else OneOf(tuple(dict.fromkeys(words)))
    return found


def _progress(bar: Bar):
    """The hooks that show the run of a trial, and how many trials there have been."""
    from keras_selfmodel.experiments import Progress
    from keras_selfmodel.tuning import TuningProgress

    done = 0

    def trial(name: str) -> Progress:
        return Progress(
            epoch=lambda done, total, row: bar.show("epochs", done, total, name),
            sampling=lambda done, total: bar.show("RLCT", done, total, name),
            descended=lambda done, total: bar.show("  again", done, total, name),
        )

    def ended(name: str, outcome, total: int) -> None:
        nonlocal done
        done = int(name.rpartition("_")[2]) + 1
        bar.show("trials", done, total, f"{name}: {_note(outcome)}")

    return TuningProgress(trial, ended)


def _note(outcome) -> str:
    if isinstance(outcome, str):
        return f"failed: {outcome}"
    rlct = "" if outcome.rlct is None else f", RLCT {outcome.rlct:.1f}"
    return f"accuracy {outcome.accuracy:.4f}, spread {outcome.weight_spread:.4f}{rlct}"
