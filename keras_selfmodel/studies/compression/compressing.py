"""One network compressed in every way."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np

from keras_selfmodel.compression import (
    CORRUPTIONS,
    KERAS_MODES,
    CompressionCurve,
    ScoredNetwork,
    brier_score,
    corruption_curve,
    description_length,
    expected_calibration_error,
    keras_quantized,
    low_rank_curve,
    pruning_curve,
    quantization_curves,
    retrained_pruning_curve,
    uniform_quantizations,
    unit_curve,
    weight_noise_curve,
)
from keras_selfmodel.compression.scored_network import Answers
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import Task
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.probes.activations import ActivationStatistics, activation_statistics
from keras_selfmodel.probes.network_tap import NetworkTap
from keras_selfmodel.studies.compression.compressed_run import Compression
from keras_selfmodel.studies.compression.protocol import CompressionProtocol
from keras_selfmodel.studies.stored_run import StoredRun


class Compressing:
    """The test data and the protocol that networks of one task share.

    Args:
        task: Their task.
        dataset: The data they were trained on, as loaded.
        protocol: Samples and draws.

    Raises:
        ValueError: If the data have fewer samples than the protocol asks for.
    """

    def __init__(self, task: Task, dataset: Dataset, protocol: CompressionProtocol) -> None:
        prepared = task.prepare(dataset)
        self.protocol = protocol.of_data(len(prepared.y_test))
        self._dataset, self._task, self._prepared = dataset, task, prepared
        self._raw, self._y = prepared.x_test[: self.protocol.samples], prepared.y_test[: self.protocol.samples]
        self._x = task.inputs(self._raw)

    @property
    def made_by(self) -> tuple[CompressionProtocol, str]:
        """As that of `Compression`."""
        return self.protocol, keras.config.backend()

    def compress(self, run: StoredRun, *, progress: Callable[[], None] = lambda: None) -> Compression:
        """Compresses the network of a run.

        Args:
            run: The run.
            progress: Called after each part.

        Raises:
            DamagedRunError: If its network is missing or damaged.
            ValueError: If it was trained on other data, or its loss is not a number.
        """
        run.check_data(self._dataset)
        network = ScoredNetwork(run.model, self._x, self._y)
        missing: dict[str, str] = {}
        curves: dict[str, CompressionCurve] = {
            "pruning": pruning_curve(network),
            "pruning_per_layer": pruning_curve(network, "layer"),
            "rank": low_rank_curve(network),
        }
        if self.protocol.retraining_epochs:
            try:
                curves["pruning_retrained"] = self._retrained_pruning_curve(run, network)
            except ValueError as error:
                missing["pruning_retrained"] = str(error)
        progress()
        quantizations = uniform_quantizations(network)
        curves["bits"], curves["coded_bits"] = quantization_curves(quantizations)
        noise = partial(weight_noise_curve, network, draws=self.protocol.draws, seed=self.protocol.seed)
        curves["weight_noise"], curves["weight_noise_absolute"] = noise("relative"), noise("absolute")
        progress()
        statistics: ActivationStatistics | None = None
        try:
            features = NetworkTap(run.model, ()).read(self._x).features
            statistics = activation_statistics(features)
            curves["units"] = unit_curve(network, features)
        except ValueError as error:
            missing["units"] = str(error)
        self._corrupt(network, curves, missing)
        progress()
        by_keras = {}
        for mode in KERAS_MODES:
            try:
                by_keras[mode] = keras_quantized(network, mode)
            except ValueError as error:
                missing[mode] = str(error)
        progress()
        return Compression(
            network=run.files.network_digest(),
            compressed_on=keras.config.backend(),
            protocol=self.protocol,
            size=network.size,
            intact=network.intact.score,
            ece=_calibration(expected_calibration_error, network.intact),
            brier=_calibration(brier_score, network.intact),
            units=None if statistics is None else statistics.units,
            dead_units=None if statistics is None else statistics.dead_units,
            participation_ratio=None if statistics is None else statistics.participation_ratio,
            entropy_rank=None if statistics is None else statistics.entropy_rank,
            description_bits=description_length(quantizations, network.size, network.samples),
            curves=curves,
            by_keras=by_keras,
            not_measured=missing,
        )

    def _retrained_pruning_curve(self, run: StoredRun, network: ScoredNetwork) -> CompressionCurve:
        """Trained on as before pruning: on the run's own loss and data, with what its optimizer remembers."""
        recipe = run.result.recipe
        data = RunContext.of(recipe, self._dataset, run.files.path, prepared=self._prepared).dataset
        last = recipe.epochs + self.protocol.retraining_epochs
        fit = partial(self._task.trainer(recipe, data).fit, run.model, epochs=last, initial_epoch=recipe.epochs)
        return retrained_pruning_curve(network, run.model, partial(fit, callbacks=[]))

    def _corrupt(self, network: ScoredNetwork, curves: dict, missing: dict[str, str]) -> None:
        images = self._raw.ndim == 4
        for kind in CORRUPTIONS:
            quantities = images or np.issubdtype(self._x.dtype, np.floating)
            if not (quantities if kind == "noise" else images):
                needed = "quantities, such as pixels" if kind == "noise" else "images"
                received = f"{self._raw.dtype}, shape {self._raw.shape[1:]}"
                missing[f"input_{kind}"] = f"the inputs are not {needed} ({received})"
                continue
            curves[f"input_{kind}"] = corruption_curve(
                network, self._raw, kind, seed=self.protocol.seed, prepare=self._task.inputs
            )


def _calibration(measure: Callable[[np.ndarray, np.ndarray], float], answers: Answers) -> float | None:
    if answers.classes is None or answers.classes.probabilities is None:
        return None
    return measure(answers.classes.probabilities, answers.classes.labels)
