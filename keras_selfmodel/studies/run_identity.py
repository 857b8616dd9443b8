"""The self-models of runs compared with the identity, along their training."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from keras_selfmodel._whole_files import write_csv
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import RunFolderError, RunResult
from keras_selfmodel.experiments.run_store import left_out
from keras_selfmodel.models import SelfModelingModel
from keras_selfmodel.probes import IDENTITY, IdentityAlongTraining, identity_row
from keras_selfmodel.probes.identity import EpochIdentity, epoch_identity
from keras_selfmodel.probes.linear_head import linear_self_model
from keras_selfmodel.probes.network_tap import NetworkTap
from keras_selfmodel.studies.stored_run import StoredRun


def identity_of_run(
    run: StoredRun,
    dataset: Dataset,
    *,
    samples: int | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[EpochIdentity]:
    """Compares the self-prediction matrix of a run with the identity, after every epoch whose weights were kept.

    Args:
        run: A finished run. Recipes with `keep_epochs` keep weights during training; of others, only the trained
            network is there. Of a baseline, which has no self-model, the activations alone are described.
        dataset: The data it was trained on; the test samples are used.
        samples: Maximum number of them, the first ones; `None` for all.
        progress: Called with (epochs done, epochs in all).

    Returns:
        One for each epoch, the trained network last.

    Raises:
        RunFolderError: If a file of the run is missing or damaged.
        ValueError: If the data are others, or the self-model is not a linear map of what it predicts.
    """
    x = run.held_out_inputs(dataset, samples)
    found, tap = [], None
    for epoch, model in run.along_training():
        modeling = isinstance(model, SelfModelingModel)
        # A head that predicts another network has no target of its own.
        of_layers = modeling and isinstance(model.targets, tuple)
        tap = tap or NetworkTap(model, model.targets if of_layers else ())
        values = tap.read(x)
        weights, bias = linear_self_model(model, values) if modeling else (None, None)
        found.append(epoch_identity(epoch, values.features, weights, bias))
        progress(len(found), len(run.kept_epochs) + 1)
    return found


class IdentifiedRun(NamedTuple):
    """A run and what its self-model is beside the identity, epoch by epoch."""

    run: StoredRun
    epochs: list[EpochIdentity]

    def write(self) -> None:
        """Writes `identity.csv` and, with the spectra, `identity.json` to the run's folder.

        Raises:
            OSError: If a file cannot be written.
        """
        write_csv(self.run.files.path / "identity.csv", [identity_row(one) for one in self.epochs])
        self.run.files.write("identity.json", IDENTITY, IdentityAlongTraining.of(self.epochs))


def identify_runs(
    results: Sequence[RunResult],
    dataset: Dataset,
    *,
    samples: int | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[IdentifiedRun]:
    """Compares the self-prediction matrices of runs with the identity, each along its training.

    Nothing is written; `IdentifiedRun.write` does.

    Args:
        results: Finished runs of one task on the same data.
        dataset: As for `identity_of_run`.
        samples: As for `identity_of_run`.
        progress: Called with (runs done, runs in all).

    Returns:
        One for each run, in their order. Runs whose network is missing or damaged are left out, each with a
        `RunWarning`.

    Raises:
        RunFolderError: If no network can be read.
        ValueError: If a network was trained on other data, or a self-model is not a linear map of what it predicts.

    Example:

    >>> from keras_selfmodel import datasets, experiments
    >>> results = experiments.finished_runs("runs")  # doctest: +SKIP
    >>> identify_runs(results, datasets.load("mnist"))[0].epochs[-1].identity.distance  # doctest: +SKIP
    0.98
    """
    found = []
    for number, run in enumerate(map(StoredRun, results), 1):
        with left_out():
            found.append(IdentifiedRun(run, identity_of_run(run, dataset, samples=samples)))
        progress(number, len(results))
    if not found:
        raise RunFolderError("No network of these runs can be read.")
    return found
