import dataclasses
import json
import math
from pathlib import Path

import pytest

from keras_selfmodel.experiments import TASKS, PaperFigures, RunResult
from keras_selfmodel.experiments.run_result import METRICS
from tests.studies.made_up import estimate


@pytest.fixture
def result() -> RunResult:
    return RunResult(
        recipe=TASKS["mnist"].recipe,
        accuracy=0.9,
        weight_spread=0.1,
        weight_interquartile_range=0.13,
        weight_excess_kurtosis=-1.2,
        self_prediction_r2=0.5,
        self_prediction_loss=0.01,
        rlct=estimate(50.0, std_error=0.5, verdict="doubtful", warnings=("One.", "Two.")),
        rlct_descended=estimate(49.0, std_error=0.6, anchor="descend"),
        data_source="made up",
        is_subset=False,
        backend="jax",
        paper=PaperFigures(0.088, 52.5, None),
        seconds={"training": 1.5},
        folder=Path("runs/one"),
        config=None,
    )


def test_a_result_survives_json(result):
    stored = METRICS.decode(METRICS.encode(result.stored), "metrics.json")
    assert RunResult.of(stored, result.seconds, result.folder, None) == result


def test_a_result_without_optional_parts_survives_json(result):
    result = dataclasses.replace(result, paper=None, rlct=None, rlct_descended=None, self_prediction_r2=None)
    stored = METRICS.decode(METRICS.encode(result.stored), "metrics.json")
    assert RunResult.of(stored, result.seconds, result.folder, None) == result


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_a_number_is_none(result, value):
    broken = dataclasses.replace(result, weight_excess_kurtosis=value)
    assert broken.weight_excess_kurtosis is None
    assert json.loads(json.dumps(broken.metrics(), allow_nan=False))["weight_excess_kurtosis"] is None


def test_metrics_leave_out_what_is_no_property_of_the_network(result):
    other = dataclasses.replace(result, seconds={}, folder=Path("elsewhere"))
    assert other.metrics() == result.metrics()
