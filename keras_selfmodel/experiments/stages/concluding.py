"""The last stage: what was found is written down."""

from functools import partial

import keras

from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.experiments.figures_of_run import run_figures
from keras_selfmodel.experiments.paper import paper_figures
from keras_selfmodel.experiments.run_folder import TRACES
from keras_selfmodel.experiments.run_result import METRICS, RunResult
from keras_selfmodel.experiments.stages.context import RunContext
from keras_selfmodel.experiments.stages.measuring import Measures
from keras_selfmodel.metrics import weight_spread


def conclude(run: RunContext, model: keras.Model, measures: Measures) -> RunResult:
    """Writes down what was measured of a trained network.

    Args:
        run: The run, whose folder is locked.
        model: The network.
        measures: What was measured.
    """
    spread, tested, files = weight_spread(model), measures.tested, run.files
    estimates = {anchor: estimate.summary() for anchor, estimate in measures.estimates.items()}
    for anchor, estimate in measures.estimates.items():
        estimate.save(files.path / TRACES[anchor])
    with run.stopwatch.part("figures"):
        for name, figure in run_figures(files.read_history(), classifier_of(model), measures.estimates).items():
            write_whole(files.figures / f"{name}.png", partial(figure.savefig, dpi=150))
    result = RunResult(
        recipe=run.recipe,
        accuracy=tested["accuracy"],
        weight_spread=spread.standard_deviation,
        weight_interquartile_range=spread.interquartile_range,
        weight_excess_kurtosis=spread.excess_kurtosis,
        self_prediction_r2=tested.get("self_prediction_r2"),
        self_prediction_loss=tested.get("self_prediction_loss"),
        rlct=estimates.get("trained"),
        rlct_descended=estimates.get("descend"),
        data_source=run.dataset.source,
        is_subset=run.dataset.is_subset,
        backend=keras.config.backend(),
        paper=None if run.dataset.is_subset else paper_figures(run.recipe),
        seconds=run.stopwatch.seconds,
        folder=files.path,
        config=run.config,
    )
    # Last of all: this file says that the run is finished.
    files.write("metrics.json", METRICS, result.stored)
    files.tidy()
    return result
