import csv

import keras
import numpy as np
import pytest

from keras_selfmodel.datasets import with_validation
from keras_selfmodel.experiments import RunFolderError, find_task, finished_runs, run
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.training.array_trainer import ArrayTrainer
from keras_selfmodel.tuning import OneOf, Range, Score, TuningProgress, tune
from keras_selfmodel.tuning.trials_table import TRIALS_FILE

SPREAD = Score("spread", price=0.5)


@pytest.fixture
def search(short, settings, tiny, without_figures):
    """Runs a small search in a folder."""

    def call(folder, **changes):
        arguments = {"settings": settings, "score": SPREAD, "search": "random", "trials": 4, "validation": 0.2}
        return tune(short, tiny, folder, **{**arguments, **changes})

    return call


@pytest.fixture(scope="module")
def whole(short, settings, tiny, tmp_path_factory):
    """An uninterrupted search, only to be read."""
    folder = tmp_path_factory.mktemp("tuning") / "whole"
    return tune(short, tiny, folder, settings=settings, score=SPREAD, search="random", trials=4, validation=0.2)


def _accuracy(trial, x, y) -> float:
    """By NumPy, from the network that the trial left behind."""
    model = keras.models.load_model(RunFolder(trial.result.folder).model)
    scores = model.predict(find_task(trial.recipe.task).inputs(x), verbose=0)
    return float(np.mean(np.argmax(scores, axis=1) == y))


def test_trials_are_judged_by_validation_data_and_the_best_by_test_data(whole, short, tiny):
    split = with_validation(tiny, 0.2, seed=short.seed)
    assert len(whole.trials) == 4
    for trial in whole.trials:
        # Accuracies of 40 and 30 samples: a rounding error of float32 is no sample.
        assert trial.result.accuracy == pytest.approx(_accuracy(trial, split.x_test, split.y_test), abs=1e-6)
        assert trial.score == pytest.approx(trial.result.accuracy - 0.5 * trial.result.weight_spread)
    assert whole.best.score == max(trial.score for trial in whole.trials)
    assert whole.test_accuracy == pytest.approx(_accuracy(whole.best, tiny.x_test, tiny.y_test), abs=1e-6)


def test_a_trial_is_a_run(whole, short, tiny, tmp_path):
    found = {result.folder.name: result for result in finished_runs(whole.folder)}
    assert set(found) == {trial.name for trial in whole.trials}
    trial = whole.trials[0]
    again = run(trial.recipe, with_validation(tiny, 0.2, seed=short.seed), tmp_path / "again")
    assert again.metrics() == trial.result.metrics()


def test_the_front_is_of_accuracy_and_spread(whole):
    for trial in whole.trials:
        beaten = any(
            other.result.accuracy >= trial.result.accuracy
            and other.result.weight_spread <= trial.result.weight_spread
            and other.result.metrics() != trial.result.metrics()
            for other in whole.trials
        )
        assert (trial in whole.front) == (not beaten)
    assert 0 < len(whole.front) < len(whole.trials)  # Both happen.
    accuracies = [trial.result.accuracy for trial in whole.front]
    assert accuracies == sorted(accuracies)  # The simplest first.


def test_the_files_hold_all_trials(whole):
    with (whole.folder / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == [trial.name for trial in whole.trials]
    assert [float(row["validation_accuracy"]) for row in rows] == [t.result.accuracy for t in whole.trials]
    assert [float(row["learning_rate"]) for row in rows] == [t.recipe.learning_rate for t in whole.trials]
    stored = TRIALS_FILE.read(whole.folder / "trials.json")
    assert stored.best == whole.best.name and stored.test_accuracy == whole.test_accuracy
    assert stored.score == "accuracy − 0.5 · weight spread"
    assert [one["trial"] for one in stored.trials] == [trial.name for trial in whole.trials]
    assert (whole.folder / "front.png").read_bytes().startswith(b"\x89PNG")


def test_another_search_in_the_folder_is_refused_and_named(whole, search):
    with pytest.raises(RunFolderError, match="search: random there, bayesian here"):
        search(whole.folder, search="bayesian")
    with pytest.raises(RunFolderError, match="score: accuracy − 0.5 · weight spread there, accuracy here"):
        search(whole.folder, score=Score("accuracy"))
    with pytest.raises(RunFolderError, match="folder of a run"):
        search(whole.folder / "trial_0")


def test_hyperband_goes_on_where_the_shorter_run_ended(search, short, tiny, tmp_path, monkeypatch):
    fit, trained = ArrayTrainer.fit, []

    def noted(self, model, **arguments):
        trained.append((arguments["initial_epoch"], arguments["epochs"]))
        fit(self, model, **arguments)

    monkeypatch.setattr(ArrayTrainer, "fit", noted)
    found = search(tmp_path / "search", search="hyperband", trials=None)
    # Li et al.'s brackets for 3 epochs and factor 3, as keras-tuner rounds them: 3 for one epoch, the best of them for
    # two more, and 2 for all three.
    assert trained == [(0, 1), (0, 1), (0, 1), (1, 3), (0, 3), (0, 3)]
    longer = found.trials[3]
    straight = run(longer.recipe, with_validation(tiny, 0.2, seed=short.seed), tmp_path / "straight")
    histories = [RunFolder(folder).history.read_bytes() for folder in (straight.folder, longer.result.folder)]
    assert histories[0] == histories[1]
    assert straight.metrics() == longer.result.metrics()


def test_trials_that_diverge_are_listed_with_their_reason(search, tmp_path):
    ended = []
    found = search(
        tmp_path / "search",
        settings={"learning_rate": OneOf((0.05, 1e30)), "hidden": OneOf((4, 6))},
        progress=TuningProgress(ended=lambda name, outcome, total: ended.append((name, outcome, total))),
    )
    diverged = [trial for trial in found.trials if trial.recipe.learning_rate == 1e30]
    assert len(diverged) == 2 and len(found.trials) == 4
    for trial in diverged:
        assert trial.score is None and "training diverged" in trial.failure and trial not in found.front
        assert (trial.name, trial.failure, 4) in ended
    assert found.best.recipe.learning_rate == 0.05


def test_a_search_of_which_nothing_is_left_says_why(search, tmp_path):
    with pytest.raises(RuntimeError, match="All 2 trials failed: The loss is .* training diverged"):
        search(tmp_path / "search", settings={"learning_rate": Range(1e29, 1e30)}, trials=2)


def test_what_would_end_every_trial_ends_the_search(search, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("keras_selfmodel.experiments.sweeps.performing.run", full)
    with pytest.raises(OSError, match="No space left"):
        search(tmp_path / "search")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"score": Score("rlct")}, "the recipe leaves out"),
        ({"search": "grid"}, "bayesian, random, hyperband. Received: 'grid'"),
        ({"trials": 0}, "trials=0"),
        ({"validation": 1.0}, "part=1.0"),
        ({"settings": {}}, "nothing to search"),
        ({"search": "hyperband", "settings": {"epochs": OneOf((1, 2))}}, "Hyperband chooses the epochs"),
        ({"settings": {"targets": OneOf((("hidden",), ("hiden",)))}}, "hiden"),
    ],
)
def test_wrong_arguments_are_named(search, tmp_path, changes, said):
    with pytest.raises((ValueError, RuntimeError), match=said):
        search(tmp_path / "search", **{"trials": 3, **changes})
