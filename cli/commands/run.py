"""`ksm run`: train one network and measure it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.backend import activate
from ksm_cli.options.general import ChoiceArgument, backend_option, json_option, quiet_option
from ksm_cli.options.keep_epochs import keep_epochs_option, keeping
from ksm_cli.options.noise import noise_options
from ksm_cli.options.objectives import OBJECTIVE_NAMES, check_strength, check_targets
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
from ksm_cli.output import Bar, Interrupted, next_steps, print_json, print_table, require, spoken_warnings
from ksm_cli.trackers import TRACKERS, check_tracker, final_measures, tracked

if TYPE_CHECKING:
    from keras_selfmodel.experiments import Recipe


@click.command(
    "run",
    short_help="Train one network, and measure it.",
    epilog="""\b
Examples:
  ksm run mnist --backend jax
  ksm run mnist --aux-weight 50 --seed 3 --out runs/aw50
  ksm run imdb --aux-weight 500
  ksm run mnist --objective dropout --aux-weight 0.5
  ksm run mnist --label-noise 0.2 --examples 1000
  ksm run --recipe examples/digits/digits.toml
  ksm run cifar10 --examples 256 --epochs 2 --no-rlct --json""",
)
@click.argument("task", cls=ChoiceArgument, type=click.Choice(TASK_NAMES), required=False)
@recipe_option
@backend_option
@click.option(
    "--hidden",
    type=click.IntRange(min=1),
    help="Units of the hidden layer. Default: mnist 512, cifar10 2000, imdb 128.",
)
@click.option(
    "--aux-weight",
    type=click.FloatRange(min=0),
    help="Weight of the self-prediction loss, or strength of another objective; 0: the plain classifier. Default: "
    "mnist 10, cifar10 1, imdb 100.",
)
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVE_NAMES),
    metavar="NAME",
    help=f"What to train on besides the task: {', '.join(OBJECTIVE_NAMES)}. Default: self-modeling.",
)
@targets_option
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Passes over the training data. Default: mnist 50, cifar10 250, imdb 500.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    help="Samples per step. Default: mnist 512, cifar10 64, imdb 64.",
)
@examples_option
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of devices to train on; each takes a part of every batch. More than one needs JAX or TensorFlow.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of initial weights, sample order and chains. Default: 1."
)
@noise_options
@batch_norm_option
@precision_option
@rlct_switch
@descend_option
@keep_epochs_option
@data_dir_option
@click.option(
    "--tracker",
    type=click.Choice(TRACKERS),
    help="Also follow the run in TensorBoard (RUN/tensorboard), MLflow (MLFLOW_TRACKING_URI) or Weights & Biases.",
)
@click.option(
    "--out", type=Output(folder=True, only_read_with="resume"), help="Run folder. Default: runs/NAME-BACKEND."
)
@click.option(
    "--resume",
    is_flag=True,
    is_eager=True,
    help="Continue the run in the folder, or show it if it is finished. Settings and backend must be the run's.",
)
@json_option
@quiet_option
def run_command(
    task: str | None, recipe_file: Path | None, backend: str | None, targets: tuple[str, ...], examples: int | None,
    devices: int, measure_rlct: bool | None, keep_epochs: str | None, data_dir: Path | None, tracker: str | None,
    out: Path | None, resume: bool, as_json: bool, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Train one network, self-modeling or with another objective, and measure it.

    Measures accuracy, weight spread, RLCT and how well the network predicts itself.
    Settings default to the paper's, or to those of the --recipe. The same settings
    give the same numbers, even if the run was interrupted and resumed.
    """
    check_one(task, recipe_file, "TASK", TASK_NAMES)
    objective, aux_weight = settings["objective"], settings["aux_weight"]
    check_targets(targets, [objective or "self-modeling"], [] if aux_weight is None else [aux_weight])
    check_strength(objective, aux_weight)
    require("rich", "matplotlib")
    check_tracker(tracker)
    with Bar(quiet) as bar, spoken_warnings():
        bar.loading("Keras and the data")
        backend = activate(backend)
        from keras_selfmodel import experiments

        chosen = opened(task, recipe_file, {"--out": out})
        recipe = keeping(recipe_of(chosen.recipe, targets, measure_rlct, settings), keep_epochs)
        folder = out or Path("runs") / f"{recipe.name}{name_of_changes(recipe, chosen.recipe, examples)}-{backend}"
        dataset = dataset_of(chosen, data_dir, examples)
        recipe = fitted(recipe, len(dataset.y_train), settings["batch_size"])
        progress = experiments.Progress(
            epoch=lambda done, total, row: bar.show("epochs", done, total, _note(row)),
            sampling=lambda done, total: bar.show("RLCT", done, total),
            descended=lambda done, total: bar.show("RLCT after descent", done, total),
            phase=bar.phase,
        )
        try:
            with tracked(tracker, recipe, folder) as followed:
                result = experiments.run(
                    recipe, dataset, folder, resume=resume, devices=devices, progress=progress,
                    callbacks=followed.callbacks,
                )  # fmt: skip
                followed.conclude(final_measures(result))
            if devices == 1:
                experiments.remember_paces([result], dataset)
        except KeyboardInterrupt:
            begun = (folder / "config.json").exists()
            advice = f"To continue the run in {folder}, repeat the command with --resume."
            raise Interrupted(advice if begun else "") from None
        except experiments.FolderTakenError as error:
            state, resumed = ("a finished", "show") if error.finished else ("an unfinished", "continue")
            raise click.ClickException(
                f"{folder} already holds {state} run. Use --resume to {resumed} it, or --out to choose another folder."
            ) from None
    if as_json:
        print_json({**result.metrics(), "rlct_precision": "float32", "seconds": result.seconds, "folder": str(folder)})
    else:
        from ksm_cli.tables.run import run_notes, run_table

        print_table(run_table(result))
        click.echo(run_notes(result))
        for name, estimate in result.estimates().items():
            for sentence in estimate.warnings:
                where = " after descent" if name == "rlct_descended" else ""
                click.secho(f"Warning: RLCT{where}: {sentence}", fg="yellow", err=True)
        if not quiet:
            source = f"--data {task}" if task else f"--recipe {shlex.quote(str(recipe_file))}"
            where = shlex.quote(str(folder))
            measured = _measured_again(recipe, settings["batch_size"])
            other = 0 if recipe.aux_weight else chosen.recipe.aux_weight or 1
            next_steps(
                *((f"ksm rlct {where}/model.keras {source} {options}", purpose) for options, purpose in measured),
                (f"ksm compare {where} OTHER_RUN", f"next to another run, such as one with --aux-weight {other:g}"),
            )


def _measured_again(recipe: "Recipe", batch_size: int | None) -> list[tuple[str, str]]:
    """Options of `ksm rlct` in the convention of the run, because RLCTs of two cannot be compared, and what they show.

    None for a run on data with noise, which `ksm rlct` does not add.

    Args:
        recipe: The run's recipe.
        batch_size: The batch size asked for; `None` for the default, which `ksm rlct` has too.
    """
    if recipe.label_noise or recipe.input_noise:
        return []
    if recipe.rlct is None or recipe.rlct.convention != "paper":
        return [("--profile", "how the RLCT depends on its localization")]
    batch = "" if batch_size is None else f" --batch-size {recipe.rlct.batch_size}"
    return [(f"--convention paper{batch} --seed {recipe.seed + 1}", "the RLCT again, by other chains")]


def _note(row: dict[str, float]) -> str:
    return f"loss {row['loss']:.3g}  accuracy {row.get('val_accuracy', row['accuracy']):.4f}"
