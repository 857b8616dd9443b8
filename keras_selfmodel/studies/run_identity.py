"""The self-model of a run compared with the identity, along its training."""

from collections.abc import Callable

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.models import SelfModelingModel
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
        run: A finished run. Recipes with `keep_epochs` keep weights along the training; of others, only the trained
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
