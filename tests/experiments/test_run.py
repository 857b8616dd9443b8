import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_selfmodel import _typed_files, transforms
from keras_selfmodel.datasets import disturbed
from keras_selfmodel.experiments import (
    TASKS,
    PaperFigures,
    Progress,
    RunFolderError,
    RunResult,
    TrainingDivergedError,
    paper_figures,
    read_run,
    run,
)
from keras_selfmodel.experiments.stages import concluding, measuring
from keras_selfmodel.experiments.sweeps.results_table import row_of
from keras_selfmodel.models import SelfModelingModel, mlp
from keras_selfmodel.rlct import RLCTEstimate

FILES = {
    "config.json",
    "history.csv",
    "metrics.json",
    "model.keras",
    "rlct_traces.npz",
    "rlct_descended_traces.npz",
    "seconds.json",
    "figures/losses.png",
    "figures/rlct_traces.png",
    "figures/rlct_descended_traces.png",
    "figures/spread.png",
    "figures/weights.png",
}


def _files(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _without_rlct(recipe, **changes):
    return dataclasses.replace(recipe, rlct=None, **changes)


@pytest.fixture(scope="module")
def plain(recipe, tiny, tmp_path_factory) -> RunResult:
    """A finished run of the baseline, without RLCT. Its folder is only to be read."""
    return run(_without_rlct(recipe, aux_weight=0.0), tiny, tmp_path_factory.mktemp("runs") / "plain")


def test_a_run_writes_the_documented_files(finished):
    assert _files(finished.folder) == FILES


def test_a_run_without_rlct_writes_no_traces(plain):
    assert _files(plain.folder) == {file for file in FILES if "rlct" not in file}
    assert plain.rlct is None and plain.rlct_descended is None


@pytest.mark.any_backend
def test_after_descent_is_measured_where_the_weights_are_at_no_minimum(finished, recipe, tiny, tmp_path, monkeypatch):
    """Four draws are too few to see that after four epochs they are at none; the verdict on it has its own tests."""
    where_needed = dataclasses.replace(recipe, descend=False)
    without = run(where_needed, tiny, tmp_path / "without")
    assert without.rlct == finished.rlct and without.rlct_descended is None
    assert _files(without.folder) == {file for file in FILES if "descended" not in file}
    with pytest.raises(RunFolderError, match="descend: False there, True here"):
        run(recipe, tiny, without.folder, resume=True)
    monkeypatch.setattr(measuring, "at_no_minimum", lambda estimate: estimate.value == finished.rlct.value)
    needed = run(where_needed, tiny, tmp_path / "needed")
    assert needed.rlct == finished.rlct and needed.rlct_descended == finished.rlct_descended


def test_metrics_json_holds_the_result(finished):
    metrics, seconds = (json.loads((finished.folder / name).read_text()) for name in ("metrics.json", "seconds.json"))
    assert metrics == {"format": 1, **finished.metrics()} and seconds["parts"] == finished.seconds
    descent = RLCTEstimate.load(finished.folder / "rlct_descended_traces.npz").descent
    assert metrics["rlct_descended"]["descent"] == dataclasses.asdict(descent) and metrics["rlct"]["descent"] is None
    assert row_of(finished)["descent_loss"] == descent.loss <= row_of(finished)["descent_trained_loss"]
    assert read_run(finished.folder) == finished


def test_config_json_holds_settings_data_and_versions(finished, recipe, tiny):
    config = json.loads((finished.folder / "config.json").read_text())
    assert config["recipe"] == _typed_files.plain(recipe)
    assert config["data"] == {"name": "mnist", "source": "made up", "digest": tiny.digest, "examples": 200}
    assert config["provenance"]["backend"] == keras.config.backend()
    assert config["provenance"]["packages"]["keras"] == keras.__version__
    assert config["provenance"]["devices"]


def test_the_history_has_a_row_for_every_epoch(finished):
    with (finished.folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for row in rows:
        total = float(row["task_loss"]) + 2.0 * float(row["self_prediction_loss"])
        assert float(row["loss"]) == pytest.approx(total, rel=1e-5)
    assert float(rows[-1]["weight_spread"]) == finished.weight_spread
    assert float(rows[-1]["val_accuracy"]) == pytest.approx(finished.accuracy)


def test_the_measures_are_those_of_the_saved_network(finished, tiny):
    model = keras.models.load_model(finished.folder / "model.keras")
    x = tiny.x_test.reshape(30, 64).astype("float64") / 127.5 - 1
    (w1, b1), (w2, b2) = (layer.get_weights() for layer in model.classifier.layers)
    hidden = np.maximum(x @ w1 + b1, 0)
    assert finished.accuracy == pytest.approx(np.mean(np.argmax(hidden @ w2 + b2, axis=1) == tiny.y_test))
    assert finished.weight_spread == pytest.approx(np.std(w2.astype("float64")))
    kernel, bias = model.head.get_weights()
    error = np.sum((hidden @ kernel + bias - hidden) ** 2)
    assert finished.self_prediction_loss == pytest.approx(error / hidden.size, rel=1e-4)
    r2 = 1 - error / np.sum((hidden - hidden.mean(axis=0)) ** 2)
    assert finished.self_prediction_r2 == pytest.approx(r2, rel=1e-4)


def test_the_traces_give_the_rlct(finished):
    assert RLCTEstimate.load(finished.folder / "rlct_traces.npz").summary() == finished.rlct
    with np.load(finished.folder / "rlct_traces.npz") as traces:
        excess = traces["losses"][:, 4:] - traces["initial_loss"]
    inverse_temperature = 50 / np.log(50)  # the paper's convention: B/ln B of the batch
    assert finished.rlct.inverse_temperature == pytest.approx(inverse_temperature)
    assert finished.rlct.value == pytest.approx(inverse_temperature * excess.mean())


def test_the_same_settings_give_the_same_numbers_and_progress_is_reported(finished, recipe, tiny, tmp_path):
    epochs, steps = [], []
    progress = Progress(
        epoch=lambda done, total, row: epochs.append((done, total, row["epoch"])),
        sampling=lambda done, total: steps.append((done, total)),
    )
    again = run(recipe, tiny, tmp_path / "again", progress=progress)
    assert again.metrics() == finished.metrics()
    for name in ("metrics.json", "history.csv"):
        assert (again.folder / name).read_bytes() == (finished.folder / name).read_bytes()
    assert epochs == [(1, 4, 1), (2, 4, 2), (3, 4, 3), (4, 4, 4)]
    assert steps[-1] == (8, 8)


def test_weights_start_as_numpy_draws_them(recipe, tiny, tmp_path):
    result = run(_without_rlct(recipe, learning_rate=1e-30, epochs=1, seed=5), tiny, tmp_path / "run")
    model = keras.models.load_model(result.folder / "model.keras")

    def drawn(seed, fan_in, shape):
        return np.random.default_rng(seed).uniform(-1 / np.sqrt(fan_in), 1 / np.sqrt(fan_in), shape)

    expected = [
        *(drawn((5, 0, 0), 64, (64, 6)), drawn((5, 0, 1), 64, 6)),
        *(drawn((5, 1, 0), 6, (6, 3)), drawn((5, 1, 1), 6, 3)),
        *(drawn((5, 1_000_000, 0), 6, (6, 6)), drawn((5, 1_000_000, 1), 6, 6)),
    ]
    weights = model.classifier.get_weights() + model.head.get_weights()
    for weight, values in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(weight, values.astype("float32"))


def test_training_is_that_of_numpy_in_the_order_of_the_seed(plain, recipe, tiny):
    order = np.random.default_rng(recipe.seed).permutation(200)
    x = tiny.x_train[order].reshape(200, 64) / 127.5 - 1
    y = np.eye(3)[tiny.y_train[order]]

    def drawn(layer, part, fan_in, shape):
        return np.random.default_rng((recipe.seed, layer, part)).uniform(-(fan_in**-0.5), fan_in**-0.5, shape)

    weights = [drawn(0, 0, 64, (64, 6)), drawn(0, 1, 64, 6), drawn(1, 0, 6, (6, 3)), drawn(1, 1, 6, 3)]
    velocities = [np.zeros_like(w) for w in weights]
    for _ in range(recipe.epochs):
        for start in range(0, 200, 48):  # the same order in every epoch, the last batch one of 8
            xb, yb = x[start : start + 48], y[start : start + 48]
            hidden = np.maximum(xb @ weights[0] + weights[1], 0)
            scores = hidden @ weights[2] + weights[3]
            p = np.exp(scores - scores.max(axis=1, keepdims=True))
            to_scores = (p / p.sum(axis=1, keepdims=True) - yb) / len(xb)
            to_hidden = (to_scores @ weights[2].T) * (hidden > 0)
            gradients = [xb.T @ to_hidden, to_hidden.sum(0), hidden.T @ to_scores, to_scores.sum(0)]
            for i, gradient in enumerate(gradients):  # Nesterov momentum
                velocities[i] = 0.9 * velocities[i] - 0.05 * gradient
                weights[i] = weights[i] + 0.9 * velocities[i] - 0.05 * gradient
    model = keras.models.load_model(plain.folder / "model.keras")
    for weight, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)


@pytest.mark.on_cpu
def test_weight_zero_trains_the_plain_classifier(plain, recipe, tiny):
    model = keras.models.load_model(plain.folder / "model.keras")
    assert not isinstance(model, SelfModelingModel)
    assert [layer.name for layer in model.layers] == ["hidden", "logits"]
    assert plain.self_prediction_r2 is None and plain.self_prediction_loss is None
    assert "self_prediction" not in (plain.folder / "history.csv").read_text()

    classifier = mlp(6, inputs=64, classes=3, seed=recipe.seed)
    classifier.compile(
        keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **transforms.compile_options(classifier),
    )
    order = np.random.default_rng(recipe.seed).permutation(200)
    x = tiny.x_train.reshape(200, 64).astype("float32") / np.float32(127.5) - np.float32(1)
    classifier.fit(x[order], tiny.y_train[order], batch_size=48, epochs=4, shuffle=False, verbose=0)
    for weight, expected in zip(model.get_weights(), classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_subset_is_not_compared_with_the_paper(recipe, tiny, tmp_path, monkeypatch):
    figures = PaperFigures(0.1, 50, None)
    monkeypatch.setattr(concluding, "paper_figures", lambda recipe: figures)
    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
    recipe = _without_rlct(recipe, epochs=1)
    assert run(recipe, tiny, tmp_path / "full").paper == figures
    assert run(recipe, dataclasses.replace(tiny, is_subset=True), tmp_path / "subset").paper is None


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # JAX takes the learning rate as float32
@pytest.mark.parametrize(
    ("changes", "what"),
    # The last step alone has a finite loss before it, and no number for a weight after it.
    [({"aux_weight": 1e30}, "loss"), ({"learning_rate": 1e300, "batch_size": 200}, "spread of the weights")],
)
def test_a_loss_or_a_weight_that_is_not_a_number_ends_the_run(recipe, tiny, tmp_path, changes, what):
    with pytest.raises(TrainingDivergedError, match=f"The {what} is .* after epoch 1"):
        run(_without_rlct(recipe, **changes), tiny, tmp_path / "run")
    assert not (tmp_path / "run" / "model.keras").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"targets": ("hiden",)}, "'hiden'.*layers: hidden, logits"),
        ({"task": "minst"}, "'minst'.*mnist"),
        ({"batch_size": 201}, "batch_size = 201 with 200 samples"),
    ],
)
def test_settings_that_do_not_fit_leave_no_folder_behind(recipe, tiny, tmp_path, changes, words):
    rlct = dataclasses.replace(recipe.rlct, batch_size=changes.get("batch_size", 50))
    with pytest.raises(ValueError, match=words):
        run(dataclasses.replace(recipe, rlct=rlct, **changes), tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_with_a_network_of_unknown_origin_is_left_alone(recipe, tiny, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"somebody's")
    for resume in (False, True):
        with pytest.raises(RunFolderError, match="model.keras, but no config.json"):
            run(recipe, tiny, tmp_path, resume=resume)
    assert _files(tmp_path) == {"model.keras"}


@pytest.mark.any_backend
def test_noise_is_on_the_training_data_alone_and_makes_another_run(recipe, tiny, tmp_path):
    noisy = dataclasses.replace(recipe, label_noise=0.3, input_noise=0.2, epochs=1, rlct=None)
    assert noisy.name == "mnist-hidden6-aux2-labelnoise0.3-inputnoise0.2-seed1"
    result = run(noisy, tiny, tmp_path / "noisy")
    # The same as a run on data that were disturbed before, but for what it says of them.
    before = disturbed(tiny, label_noise=0.3, input_noise=0.2, seed=noisy.seed)
    plain = dataclasses.replace(noisy, label_noise=0.0, input_noise=0.0)
    ours, theirs = result, run(plain, before, tmp_path / "before")
    assert (ours.accuracy, ours.weight_spread) == (theirs.accuracy, theirs.weight_spread)
    assert result.config.data.digest == tiny.digest and result.recipe.label_noise == 0.3
    with pytest.raises(RunFolderError, match=r"label_noise: 0\.3 there, 0\.0 here; input_noise: 0\.2 there, 0\.0 here"):
        run(plain, tiny, tmp_path / "noisy", resume=True)
    assert paper_figures(dataclasses.replace(TASKS["mnist"].recipe, label_noise=0.1)) is None


def test_noise_that_the_data_cannot_have_leaves_no_folder_behind(recipe, tiny, tmp_path):
    texts = dataclasses.replace(tiny, x_train=tiny.x_train.astype(np.int64))
    with pytest.raises(ValueError, match="inputs that are quantities"):
        run(dataclasses.replace(recipe, input_noise=0.1), texts, tmp_path / "run")
    assert not (tmp_path / "run").exists()
