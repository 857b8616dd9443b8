import dataclasses
import json
from pathlib import Path

import pytest

from keras_selfmodel.experiments import FolderBusyError, Progress, RunFolderError
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.tuning import Score, TuningProgress, tune
from tests.killed import killed_when

FILES = ("trials.csv", "trials.json")


@pytest.fixture
def search(short, settings, tiny, without_training):
    """Runs a search whose trials take no time."""

    def call(folder, recipe=short, **changes):
        arguments = {"settings": settings, "score": Score("spread", price=0.5), "search": "random", "trials": 3}
        return tune(recipe, tiny, folder, **{**arguments, **changes})

    return call


def _assert_same_outcome(folder: Path, whole: Path) -> None:
    for name in FILES:
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    trials = [sorted(path.parent.name for path in f.glob("trial_*/metrics.json")) for f in (folder, whole)]
    assert trials[0] == trials[1]


def interrupted_at(number: int) -> TuningProgress:
    """Presses Ctrl-C in a trial."""

    def trial(name: str) -> Progress:
        def epoch(*_):
            if int(name.rpartition("_")[2]) == number:
                raise KeyboardInterrupt

        return Progress(epoch=epoch)

    return TuningProgress(trial=trial)


@pytest.mark.parametrize(("kind", "trials", "last"), [("random", 3, 1), ("bayesian", 4, 2), ("hyperband", None, 4)])
def test_an_interrupted_search_ends_as_if_it_had_not_been(kind, trials, last, search, tmp_path, monkeypatch):
    # What a longer run starts from is tested with real runs.
    monkeypatch.setattr("keras_selfmodel.tuning.trial_tuner.go_on_from", lambda *_: None)
    search(tmp_path / "whole", search=kind, trials=trials)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "cut", search=kind, trials=trials, progress=interrupted_at(last))
    search(tmp_path / "cut", search=kind, trials=trials)
    _assert_same_outcome(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.parametrize("appeared", [False, True])
@pytest.mark.parametrize(
    ("name", "time"),
    # Of the second trial: its values, the oracle's note of them, its measures, its end, the oracle's two notes of that.
    [("trial.json", 4), ("oracle.json", 4), ("metrics.json", 2), ("trial.json", 5), ("trial.json", 6)]
    + [("oracle.json", 5), ("oracle.json", 6), ("trials.csv", 1), ("front.png", 1)],
)
def test_a_search_killed_around_a_write_ends_the_same(name, time, appeared, search, tmp_path):
    search(tmp_path / "whole")
    with killed_when(name, time, appeared=appeared):
        search(tmp_path / "cut")
    search(tmp_path / "cut")
    _assert_same_outcome(tmp_path / "cut", tmp_path / "whole")


def test_a_finished_search_is_continued_with_more_trials(search, tmp_path):
    search(tmp_path / "whole")
    search(tmp_path / "grown", trials=2)
    started = []
    search(tmp_path / "grown", progress=TuningProgress(trial=lambda name: started.append(name) or Progress()))
    assert len(started) == 1
    _assert_same_outcome(tmp_path / "grown", tmp_path / "whole")


def test_another_seed_draws_other_trials(search, short, tmp_path):
    rates = [
        search(tmp_path / str(seed), dataclasses.replace(short, seed=seed), trials=1).trials[0].recipe.learning_rate
        for seed in (0, 1, 2)
    ]
    assert len(set(rates)) == 3
    again = search(tmp_path / "again", dataclasses.replace(short, seed=0), trials=1)
    assert again.trials[0].recipe.learning_rate == rates[0]  # keras-tuner draws a seed of its own for 0.


@pytest.mark.slow
def test_the_search_learns_from_its_trials(search, settings, tmp_path):
    """The score rises with learning rate and auxiliary weight: after three random trials that is what it tries."""
    found = search(tmp_path / "search", search="bayesian", trials=9)
    scores = [trial.score for trial in found.trials]
    assert max(scores[3:]) > max(scores[:3])
    assert found.best.recipe.learning_rate > 0.09 and found.best.recipe.aux_weight == 2.0


def test_a_folder_in_which_another_process_searches_is_left_alone(search, tmp_path):
    with RunFolder(tmp_path).locked(), pytest.raises(FolderBusyError):
        search(tmp_path)


# Folders and files of which a kill may leave a part.
PARTIAL_FILES = [("", "oracle.json"), ("", "search.json"), ("trial_0/", "trial.json")]


def test_a_damaged_state_is_named(search, tmp_path):
    folder = tmp_path / "search"
    whole = search(folder, trials=2)
    best = f"{whole.best.name}/model.keras"
    # Of the files that the search cannot do without: what is in them, and what is said.
    for name, content, said in [
        ("oracle.json", "{", "oracle.json, or the trial.json of a trial, is damaged"),
        ("oracle.json", json.dumps({}), "oracle.json, or the trial.json of a trial, is damaged"),
        ("trial_0/trial.json", None, "names a trial whose file is missing: trial_0/trial.json"),
        ("search.json", "{", "search.json is damaged: it is not valid JSON"),
        (best, "PK", "model.keras is damaged: it cannot be read as a network"),
    ]:
        before = (folder / name).read_bytes()
        (folder / name).unlink() if content is None else (folder / name).write_text(content)
        with pytest.raises(RunFolderError, match=f"{said}.* Start the search again in another folder"):
            search(folder, trials=2)
        (folder / name).write_bytes(before)
    partial = [folder / f"{place}.half-written.0123456789ab.{name}" for place, name in PARTIAL_FILES]
    for file in partial:
        file.touch()
    assert search(folder, trials=2).best == whole.best
    assert not any(file.exists() for file in partial)
