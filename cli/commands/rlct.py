"""`ksm rlct`: the RLCT of any saved Keras classifier."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import click

from ksm_cli.backend import activate
from ksm_cli.estimates import beside_the_run
from ksm_cli.options.figures import figure_file
from ksm_cli.options.general import backend_option, json_option, quiet_option
from ksm_cli.options.outputs import Output, check_distinct
from ksm_cli.options.recipes import check_one, data_dir_option, opened, recipe_option
from ksm_cli.options.run_folders import NetworkFile
from ksm_cli.options.settings import TASK_NAMES, fitted
from ksm_cli.options.stored_runs import data_of_network
from ksm_cli.output import (
    Bar,
    Interrupted,
    next_steps,
    print_json,
    print_table,
    require,
    spoken_warnings,
    usage_error,
    write_all,
)

# Written out, because the help must not import the package. A test compares.
SAMPLER_NAMES = ("underdamped", "sgld", "rmsprop", "sgnht", "mala")
SCALING_NAMES = ("symmetric", "unit", "none")


class InverseTemperature(click.FloatRange):
    """A positive number, or "auto"."""

    name = "number|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "auto" else super().convert(value, param, ctx)


@click.command(
    "rlct",
    epilog="""\b
Examples:
  ksm rlct runs/mnist-hidden512-aux10-seed1-jax/model.keras --data mnist
  ksm rlct mine.keras --data mnist --scaling unit --convention paper
  ksm rlct mine.keras --data mnist --layer logits --target-error 0.01
  ksm rlct mine.keras --data mnist --calibrate --plot plateau.png
  ksm rlct mine.keras --recipe examples/digits/digits.toml""",
)
@click.argument("file", type=NetworkFile())
@click.option("--data", "data_name", type=click.Choice(TASK_NAMES), help="Data set the network was trained on.")
@recipe_option
@click.option(
    "--scaling",
    type=click.Choice(SCALING_NAMES),
    help="Pixel range the network expects: symmetric -1 … 1, unit 0 … 1, none 0 … 255. Default: symmetric; with "
    "--recipe, as the recipe says.",
)
@click.option(
    "--convention",
    type=click.Choice(["dataset", "paper"]),
    default="dataset",
    show_default=True,
    help="Inverse temperature nβ: n/ln n with n samples in the data set, or B/ln B with B samples in a batch, as in "
    "the paper.",
)
@click.option(
    "--step-size",
    type=click.FloatRange(min=0, min_open=True),
    help="Step size ε. Default: from the curvature; paper 0.0001 (imdb 0.001).",
)
@click.option("--sampler", type=click.Choice(SAMPLER_NAMES), help="Sampler. Default: underdamped; paper sgld.")
@click.option(
    "--localization",
    type=click.FloatRange(min=0),
    help="Localization γ. Default: from the scale of the weights; paper 100 (imdb 10).",
)
@click.option(
    "--inverse-temperature",
    type=InverseTemperature(min=0, min_open=True),
    help="Inverse temperature nβ; auto: the largest at which the weights can be measured as if they were a minimum. "
    "Default: by --convention.",
)
@click.option(
    "--anchor",
    type=click.Choice(["trained", "descend"]),
    default="trained",
    show_default=True,
    help="Where to measure: at the weights in FILE, or after descending from them to a nearby minimum.",
)
@click.option("--layer", "weights", multiple=True, help="Layer whose weights to sample; may be repeated. Default: all.")
@click.option(
    "--chains",
    "num_chains",
    type=click.IntRange(min=1),
    help="Number of chains. Default: 2, or 8 for fewer than 500 weights; paper 4.",
)
@click.option(
    "--chains-at-once",
    type=click.IntRange(min=1),
    help="Number of chains sampled together, fewer where memory is short. Default: all.",
)
@click.option(
    "--draws",
    "num_draws",
    type=click.IntRange(min=1),
    help="Draws per chain. Default: 1600; paper 500 (cifar10 200).",
)
@click.option(
    "--target-error",
    type=click.FloatRange(min=0, min_open=True, max=1),
    help="Sample until the sampling error is at most this fraction of the estimate. Default: a fixed number of draws.",
)
@click.option(
    "--burn-in",
    type=click.IntRange(min=0),
    help="Steps before the first draw. Default: 3000; paper 500 (cifar10 200).",
)
@click.option("--thinning", type=click.IntRange(min=1), help="Steps per draw. Default: 1.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=2),
    help="Samples per step. Default: 512, or all samples if there are fewer; paper 512 (cifar10 64, imdb 64).",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of batches and noise.")
@data_dir_option
@click.option(
    "--examples",
    type=click.IntRange(min=1),
    help="Use only this many training and test samples, the first ones. Default: as many as FILE's run was trained on, "
    "if FILE is in the folder of a run; else all.",
)
@click.option("--test-loss", is_flag=True, help="Also record the loss on the test data along the chains.")
@click.option("--profile", is_flag=True, help="Also estimate at several localizations, and show the plateau.")
@click.option("--calibrate", is_flag=True, help="Find the settings by pilot runs first, and show the plateau.")
@click.option(
    "--checkpoint",
    type=Output(folder=False, read_again=True),
    help="File to store the chains in while sampling, and to continue from if it exists.",
)
@click.option(
    "--traces",
    type=Output(folder=False, endings=(".nc", ".nc4", ".netcdf")),
    help="File to write the chains to, as netCDF.",
)
@click.option(
    "--plot",
    type=Output(folder=False),
    callback=figure_file,
    help="File to draw the chains to (.png or .svg), or with --calibrate or --profile the plateau.",
)
@backend_option
@json_option
@quiet_option
def rlct_command(
    file: Path, data_name: str | None, recipe_file: Path | None, scaling: str | None,
    convention: Literal["dataset", "paper"], anchor: Literal["trained", "descend"],
    weights: tuple[str, ...], test_loss: bool, profile: bool, calibrate: bool, checkpoint: Path | None,
    traces: Path | None, data_dir: Path | None, examples: int | None, plot: Path | None, backend: str | None,
    as_json: bool, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Estimate the RLCT of the network saved in FILE.

    The RLCT is also known as the local learning coefficient. FILE is any Keras
    classifier saved as .keras. It is measured on the training data; for a
    self-modeling network, the pruned classifier is measured.
    """
    check_one(data_name, recipe_file, "--data", TASK_NAMES)
    _check_agreement(convention, settings["step_size"], calibrate=calibrate, profile=profile)
    outputs = {"--checkpoint": checkpoint, "--traces": traces, "--plot": plot}
    check_distinct({"FILE": file, "--recipe": recipe_file}, outputs)
    require("rich", "arviz", *(["matplotlib"] if plot else []))
    with Bar(quiet) as bar, spoken_warnings() as warned:
        bar.loading("Keras, the network and the data")
        activate(backend)
        import keras_selfmodel as ksm
        from keras_selfmodel import experiments
        from keras_selfmodel._classifier_graph import classifier_of
        from keras_selfmodel.datasets import inputs_of
        from keras_selfmodel.models.precision import computes_in_half
        from keras_selfmodel.models.saved_model import UnreadableModelError, read_model
        from keras_selfmodel.reporting import write_figure
        from keras_selfmodel.rlct.inference_data import write_netcdf
        from keras_selfmodel.rlct.stored_sampling import CheckpointWarning
        from ksm_cli.tables.rlct import calibration_json, calibration_table, profile_table, rlct_json, rlct_table

        task = opened(data_name, recipe_file, outputs)
        try:
            sampling = experiments.sampling_settings(task.recipe, convention=convention, **settings)
        except ValueError as error:  # NaN and infinity, which a click range lets through.
            raise usage_error(error) from error
        scaling = scaling or task.recipe.scaling or "symmetric"
        if calibrate and sampling.step_size is not None:
            raise click.UsageError(
                f"--calibrate chooses the step size, which {recipe_file} gives: step_size = {sampling.step_size:g}. "
                "Leave it out there."
            )
        try:
            model = read_model(file)
        except UnreadableModelError as error:
            raise click.ClickException(f"{file} is not a Keras model that can be loaded: {error}.") from error
        dataset = task.prepare(data_of_network(file, task, data_dir, examples))
        recipe = fitted(replace(task.recipe, rlct=sampling), len(dataset.y_train), settings["batch_size"])
        sampling = replace(sampling, batch_size=recipe.rlct.batch_size if recipe.rlct else None)
        data = inputs_of(model, dataset.x_train, scaling=scaling), dataset.y_train
        chosen = list(weights) or None
        observe = {"test": (inputs_of(model, dataset.x_test, scaling=scaling), dataset.y_test)} if test_loss else None
        calibration = None
        try:
            if calibrate:
                given = {name: settings[name] for name in ("num_draws", "burn_in") if settings[name] is not None}
                if sampling.target_error is not None:
                    given["target_error"] = sampling.target_error
                calibration = ksm.rlct.calibrate_rlct(
                    model, data, settings=sampling, weights=chosen, progress=partial(bar.show, "pilots"), **given
                )
                sampling = calibration.settings
            estimate = ksm.estimate_rlct(
                model,
                data,
                settings=sampling,
                anchor=anchor,
                observe=observe,
                profile=profile,
                checkpoint=checkpoint,
                progress=partial(bar.show, "RLCT"),
                phase=lambda words: bar.phase(f"RLCT: {words}"),
                weights=chosen,
            )
        except KeyboardInterrupt:
            stored = checkpoint is not None and checkpoint.exists()
            raise Interrupted("To continue from the checkpoint, repeat the command." if stored else "") from None
        bar.end()
        if as_json:
            extra = {} if calibration is None else {"calibration": calibration_json(calibration)}
            print_json({**rlct_json(estimate, dataset), **extra})
        else:
            if calibration is not None:
                print_table(calibration_table(calibration))
                for note in calibration.notes:
                    click.echo(note)
                click.echo()
            print_table(rlct_table(estimate, dataset, file))
            if estimate.profile is not None:
                print_table(profile_table(estimate.profile))
                click.echo(estimate.profile.words)
            if said := beside_the_run(file, estimate, dataset):
                click.echo(said)
            if computes_in_half(classifier_of(model)):
                click.echo("The network computes in half precision; its RLCT is computed in float32.")
        # After the result, which must not be lost because a file cannot be written.
        writers: list[Callable[[], object]] = []
        if traces is not None:
            writers.append(partial(write_netcdf, estimate, traces))
        if plot is not None:
            writers.append(lambda: write_figure((estimate.profile or calibration or estimate).plot(), plot))
        write_all(*writers)
        if not (as_json or quiet):
            further = {
                "--profile": None if profile or convention == "paper" else "how the RLCT depends on its localization",
                "--plot chains.png": None if plot else "the chains, or the plateau, as a figure",
                "--anchor descend": None if anchor == "descend" else "at the nearby minimum of this loss",
            }
            next_steps(*((f"the same with {option}", purpose) for option, purpose in further.items() if purpose))
        if any(issubclass(kind, CheckpointWarning) for kind in warned):
            raise click.exceptions.Exit(1)


def _check_agreement(convention: str, step_size: float | None, *, calibrate: bool, profile: bool) -> None:
    """Makes sure that what is to be chosen or varied is not given.

    Raises:
        click.UsageError: If it is.
    """
    if calibrate and step_size is not None:
        raise click.UsageError("--calibrate chooses the step size. Leave out --step-size.")
    if calibrate and convention == "paper":
        raise click.UsageError(
            "--calibrate has nothing to choose with --convention paper, which fixes all settings. Leave out one of "
            "them."
        )
    if profile and convention == "paper":
        raise click.UsageError("--profile varies γ, which --convention paper fixes. Leave out one of them.")
