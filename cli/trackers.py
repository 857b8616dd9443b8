"""Runs reported to experiment trackers, by the callbacks of Keras or of the trackers."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ksm_cli.backend import installation
from ksm_cli.output import require

if TYPE_CHECKING:
    from keras_selfmodel.experiments import Recipe, RunResult

TRACKERS = ("tensorboard", "mlflow", "wandb")
PROJECT = "keras-selfmodel"


@dataclass
class Tracked:
    """What reports a run to a tracker.

    Attributes:
        callbacks: Keras callbacks of the training.
        conclude: Called with the measures of the finished run.
    """

    callbacks: list[Any] = field(default_factory=list)
    conclude: Callable[[dict[str, float]], None] = lambda _: None


def check_tracker(name: str | None) -> None:
    """Stops a command before it starts if the tracker is not installed.

    Raises:
        click.ClickException: With the line that installs it.
    """
    if name == "tensorboard":
        try:
            require("tensorflow")  # by which Keras's callback writes, whatever the backend
        except click.ClickException:
            advice = installation.installing("tensorflow")
            raise click.ClickException(f"Keras writes TensorBoard's files with TensorFlow: {advice}") from None
    if name is not None:  # TensorBoard too: TensorFlow no longer brings it
        try:
            require(name)
        except click.ClickException:
            raise click.ClickException(f"--tracker {name} needs {name}: pip install {name}") from None


@contextmanager
def tracked(name: str | None, recipe: "Recipe", folder: Path) -> Iterator[Tracked]:
    """Reports a run to the tracker of that name, from the settings to the measures; does nothing for `None`.

    Raises:
        click.ClickException: If the tracker cannot be reached.
    """
    with ExitStack() as ended:
        try:
            found = Tracked() if name is None else _START[name](recipe, folder, ended)
        except Exception as error:  # Each tracker raises its own class.
            raise click.ClickException(f"--tracker {name}: {_reason(error)}") from error
        yield found


def _reason(error: Exception) -> str:
    """What a tracker says, or what to do about it where it does not say so."""
    found = re.search(r"unsupported URI '([^']*)'", str(error))
    if found is None:
        return str(error)
    return (
        f"The MLflow that is installed cannot write to {found[1]}; mlflow-skinny writes to no database. Install the "
        "whole one (pip install mlflow), or set MLFLOW_TRACKING_URI to a server, or to a folder with "
        "MLFLOW_ALLOW_FILE_STORE=true."
    )


def _tensorboard(recipe: "Recipe", folder: Path, ended: ExitStack) -> Tracked:
    import keras

    return Tracked([keras.callbacks.TensorBoard(log_dir=str(folder / "tensorboard"))])


def _mlflow(recipe: "Recipe", folder: Path, ended: ExitStack) -> Tracked:
    import mlflow
    from mlflow.keras import MlflowCallback

    ended.enter_context(mlflow.start_run(run_name=recipe.name))
    mlflow.log_params(recipe.settings())

    def log(measures: dict[str, float]) -> None:
        mlflow.log_metrics(measures)

    return Tracked([MlflowCallback()], log)


def _wandb(recipe: "Recipe", folder: Path, ended: ExitStack) -> Tracked:
    import wandb
    from wandb.integration.keras import WandbMetricsLogger

    folder.mkdir(parents=True, exist_ok=True)
    settings = recipe.settings()
    run = ended.enter_context(wandb.init(project=PROJECT, name=recipe.name, config=settings, dir=str(folder)))
    return Tracked([WandbMetricsLogger()], run.summary.update)


_START = {"tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}


def final_measures(result: "RunResult") -> dict[str, float]:
    """The final measures of a run, for trackers; an RLCT only if it can be used."""
    names = ("accuracy", "weight_spread", "self_prediction_r2", "rlct", "rlct_descended")
    found = {name: result.number(name) for name in names}
    return {f"final_{name}": float(value) for name, value in found.items() if value is not None}
