"""`ksm rlct`: the RLCT of any saved Keras classifier."""

from pathlib import Path

import click

from ksm_cli.backend import activate, backend_option
from ksm_cli.output import Bar, json_option, print_json, print_table, quiet_option, spoken_warnings
from ksm_cli.run import TASK_NAMES

SCALINGS = {"symmetric": (127.5, -1.0), "unit": (255.0, 0.0), "none": (1.0, 0.0)}


@click.command(
    epilog="""\b
Examples:
  ksm rlct runs/mnist-hidden512-aux10-seed1-jax/model.keras --data mnist
  ksm rlct mine.keras --data mnist --scaling unit --convention paper"""
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--data", "data_name", type=click.Choice(TASK_NAMES), required=True, help="Data it was trained on.")
@click.option(
    "--scaling",
    type=click.Choice(list(SCALINGS)),
    default="symmetric",
    show_default=True,
    help="Pixels as the network knows them: -1 … 1, 0 … 1 or 0 … 255.",
)
@click.option(
    "--convention",
    type=click.Choice(["dataset", "paper"]),
    default="dataset",
    show_default=True,
    help="nβ = n/ln n of the data set, or B/ln B of the batch as in the paper.",
)
@click.option("--step-size", type=float, help="ε. Default: 1e-6; paper convention 1e-4.")
@click.option("--localization", type=float, help="γ. Default: 100.")
@click.option("--chains", "num_chains", type=int, help="Chains. Default: 4.")
@click.option("--draws", "num_draws", type=int, help="Draws of each chain. Default: 1000; paper 500.")
@click.option("--burn-in", type=int, help="Steps before the first draw. Default: 500.")
@click.option("--thinning", type=int, help="Steps from draw to draw. Default: 1.")
@click.option("--batch-size", type=int, help="Samples of one step. Default: 512.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of batches and noise.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of TFDS data. Default: TFDS_DATA_DIR.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the chains into this file.")
@backend_option
@json_option
@quiet_option
def rlct(
    file, data_name, scaling, convention, data_dir, plot, backend, as_json, quiet, **settings
) -> None:
    """Estimate the RLCT of the network saved in FILE.

    The RLCT is also known as the local learning coefficient. FILE is any Keras
    classifier saved as .keras; of a self-modeling network the pruned classifier
    is measured, on the training data.
    """
    activate(backend)
    with spoken_warnings():
        import dataclasses

        import keras

        import keras_selfmodel as ksm
        from keras_selfmodel import datasets
        from keras_selfmodel.experiments import TASKS

        try:
            model = keras.models.load_model(file)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise click.ClickException(f"{file} is not a Keras model that can be loaded: {error}") from error
        start = TASKS[data_name].recipe.rlct if convention == "paper" else ksm.rlct.SamplingSettings()
        given = {name: value for name, value in settings.items() if value is not None}
        sampling = dataclasses.replace(start, **given)
        dataset = datasets.load(data_name, data_dir)
        x = _inputs(dataset.x_train, model, scaling)
        with Bar(quiet) as bar:
            estimate = ksm.estimate_rlct(
                model, (x, dataset.y_train), settings=sampling, progress=lambda *done: bar.show("RLCT", *done)
            )
    if plot is not None:
        estimate.plot().savefig(plot, dpi=150)
    if as_json:
        print_json(_as_json(estimate, dataset))
    else:
        print_table(_table(estimate, dataset, file))


def _inputs(images, model, scaling: str):
    """The images in the shape that the model takes."""
    import numpy as np

    from keras_selfmodel._classifier_graph import classifier_of

    divisor, shift = SCALINGS[scaling]
    shape = classifier_of(model).inputs[0].shape[1:]
    if None in shape or int(np.prod(shape)) != int(np.prod(images.shape[1:])):
        raise click.ClickException(
            f"The network takes inputs of shape {tuple(shape)}; the images have {tuple(images.shape[1:])}."
        )
    return images.reshape(len(images), *shape).astype("float32") / divisor + shift


def _as_json(estimate, dataset) -> dict:
    import dataclasses
    import math

    def number(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "rlct": number(estimate.value),
        "std_error": number(estimate.std_error),
        "chains": [number(float(value)) for value in estimate.chain_values],
        "paired": number(estimate.paired_value),
        "plain": number(estimate.plain_value),
        "initial_loss": number(estimate.initial_loss),
        "inverse_temperature": estimate.inverse_temperature,
        "r_hat": number(estimate.r_hat),
        "ess": number(estimate.ess),
        "num_parameters": estimate.num_parameters,
        "num_samples": estimate.num_samples,
        "settings": dataclasses.asdict(estimate.settings),
        "warnings": list(estimate.warnings),
        "data": {"source": dataset.source, "digest": dataset.digest},
    }


def _table(estimate, dataset, file: Path):
    from rich.table import Table

    settings = estimate.settings
    table = Table(
        title=f"RLCT of {file.name}",
        title_justify="left",
        caption=f"data: {dataset.source}",
        caption_justify="left",
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    for name, value in [
        ("RLCT ± standard error over chains", f"{estimate.value:.3f} ± {estimate.std_error:.3f}"),
        ("chains", "  ".join(f"{value:.2f}" for value in estimate.chain_values)),
        (f"nβ ({settings.convention} convention)", f"{estimate.inverse_temperature:.1f}"),
        ("paired / plain difference", f"{estimate.paired_value:.2f} / {estimate.plain_value:.2f}"),
        ("loss at w*", f"{estimate.initial_loss:.5f}"),
        ("R̂, effective draws", f"{estimate.r_hat:.3f}, {estimate.ess:.0f}"),
        ("step size ε, localization γ", f"{settings.step_size:g}, {settings.localization:g}"),
        ("burn-in, draws, batch", f"{settings.burn_in}, {settings.num_draws}, {settings.batch_size}"),
        ("weights, samples", f"{estimate.num_parameters}, {estimate.num_samples}"),
    ]:
        table.add_row(name, value)
    return table
