"""Runs in mixed precision."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_selfmodel._typed_files import plain, typed
from keras_selfmodel.experiments import CONTROL_STRENGTHS, TASKS, Recipe, RunFolderError, run
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.sweeps.planning import plan_sweep
from keras_selfmodel.experiments.sweeps.sweeping import sweep
from keras_selfmodel.experiments.tasks import find_task
from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import estimate_rlct
from tests.experiments.conftest import interrupted_after_epoch

pytestmark = pytest.mark.usefixtures("without_figures")


@pytest.fixture(scope="module")
def mixed(recipe):
    return dataclasses.replace(recipe, precision="mixed_bfloat16")


def test_a_mixed_run_finds_about_what_a_run_in_float32_finds(mixed, finished, tiny, tmp_path):
    result = run(mixed, tiny, tmp_path)
    # bfloat16 has three digits.
    assert result.weight_spread == pytest.approx(finished.weight_spread, rel=0.01)
    assert result.weight_spread != finished.weight_spread
    assert result.self_prediction_r2 == pytest.approx(finished.self_prediction_r2, abs=0.02)
    saved = keras.models.load_model(tmp_path / "model.keras").classifier
    assert saved.get_layer("hidden").compute_dtype == "bfloat16"

    plain = mlp(mixed.hidden, inputs=64, classes=3)
    plain.set_weights(saved.get_weights())
    order = mixed.order(len(tiny.y_train))
    x = (tiny.x_train.reshape(200, -1) / 127.5 - 1).astype("float32")
    with pytest.warns(UserWarning):  # four draws
        estimate = estimate_rlct(plain, (x[order], tiny.y_train[order]), settings=mixed.rlct)
    # The same draws from the same weights, in float32.
    assert result.rlct.value == pytest.approx(estimate.value, rel=1e-4)


@pytest.mark.parametrize(
    "objective",  # every kind of model, head and target
    ["other-network"]
    + [
        pytest.param(name, marks=pytest.mark.any_backend)
        for name in ("dropout", "deep-head", "lesions", "mean-and-range", "weight-decay", "activation-regularization")
    ],
)
def test_other_objectives_can_be_trained_in_mixed_precision(mixed, tiny, objective):
    """The weights stay float32 and end near those of training in float32."""
    wanted = dataclasses.replace(mixed, objective=objective, aux_weight=CONTROL_STRENGTHS[objective][0], rlct=None)
    ended = []
    for recipe in (wanted, dataclasses.replace(wanted, precision="float32")):
        model = compiled_model(find_task("mnist"), recipe, tiny)
        before = model.classifier.get_weights()
        TASKS["mnist"].trainer(recipe, tiny).fit(model, epochs=1, initial_epoch=0, callbacks=[])
        assert all(weight.dtype == "float32" for weight in model.classifier.weights)
        ended.append(
            np.concatenate([(a - b).ravel() for a, b in zip(model.classifier.get_weights(), before, strict=True)])
        )
    # Five steps with gradients of three digits, some of which are differences: a tenth of the way is ample. Dropout
    # draws its masks in the precision of the activations, so that they may be others.
    if objective != "dropout":
        assert np.linalg.norm(ended[0] - ended[1]) < 0.1 * np.linalg.norm(ended[1])
    assert np.all(np.isfinite(ended[0])) and np.any(ended[0] != ended[1])


def test_an_interrupted_float16_run_goes_on_where_it_was_though_steps_were_skipped(recipe, tiny, tmp_path):
    """An auxiliary weight so high that the scaled gradients are not finite at first."""
    wild = dataclasses.replace(recipe, precision="mixed_float16", aux_weight=300.0, learning_rate=1e-4, rlct=None)
    whole = run(wild, tiny, tmp_path / "whole")
    model = keras.models.load_model(tmp_path / "whole" / "model.keras")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    steps = int(keras.ops.convert_to_numpy(model.optimizer.iterations))
    assert 0 < steps < 4 * 5  # four epochs of five batches
    with pytest.raises(KeyboardInterrupt):
        run(wild, tiny, tmp_path / "cut", progress=interrupted_after_epoch(2), seconds_between_checkpoints=0)
    resumed = run(wild, tiny, tmp_path / "cut", resume=True)
    assert resumed.metrics() == whole.metrics()
    histories = [(tmp_path / name / "history.csv").read_bytes() for name in ("whole", "cut")]
    assert histories[0] == histories[1]


def test_the_precision_is_written_down(recipe, mixed):
    for one, name in ((recipe, "float32"), (mixed, "mixed_bfloat16")):
        assert plain(one)["precision"] == name and typed(Recipe, plain(one), "recipe") == one
    with pytest.raises(ValueError, match="precision must be one of 'float32', .* Received: precision='float16'"):
        dataclasses.replace(recipe, precision="float16")


def test_a_folder_with_another_precision_is_another_runs(mixed, finished, tiny):
    with pytest.raises(RunFolderError, match="precision: float32 there, mixed_bfloat16 here"):
        run(mixed, tiny, finished.folder, resume=True)


def test_imdb_is_trained_in_float32_alone(tiny):
    imdb = dataclasses.replace(TASKS["imdb"].recipe, precision="mixed_bfloat16", rlct=None)
    with pytest.raises(ValueError, match="imdb can only be trained in float32. Received: precision='mixed_bfloat16'"):
        compiled_model(find_task("imdb"), imdb, tiny)


def test_networks_are_trained_together_in_float32_alone(mixed, tiny, tmp_path):
    with pytest.raises(ValueError, match="mnist in mixed_bfloat16 cannot be trained together"):
        sweep(plan_sweep([mixed], tiny, tmp_path), tiny, together=True)


def test_a_network_with_a_dtype_of_its_own_is_not_taken_for_mixed(mixed, tiny, monkeypatch):
    own = keras.Sequential([keras.Input((64,), dtype="float32"), keras.layers.Dense(3, dtype="float32")])
    task = dataclasses.replace(TASKS["mnist"], network=lambda *_: own)
    monkeypatch.setitem(TASKS, "mnist", task)
    with pytest.raises(ValueError, match="No layer of the network computes in mixed_bfloat16"):
        compiled_model(find_task("mnist"), mixed, tiny)
