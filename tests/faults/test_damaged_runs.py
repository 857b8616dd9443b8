"""Folders in which one of several runs is damaged: it is left out and listed, and the others are worked on."""

import dataclasses
import json
import math
import os
from pathlib import Path

import pytest

from keras_selfmodel._typed_files import plain
from keras_selfmodel.experiments import TASKS, RunWarning, find_runs, finished_runs, shortcomings, spread_history
from keras_selfmodel.experiments.run_folder import RunFolder
from tests.studies.made_up import estimate, made_up_grid, made_up_run, written

DESCENT = {"trained_loss": 0.5, "loss": 0.4, "distance": 1.0, "steps": 9}
DESCENDED = plain(estimate(50.0, anchor="descend"))
VICTIM = "hidden64-aux10-seed1-jax"


def changed(**values):
    """Puts other values into a JSON file."""

    def damage(file: Path) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    return damage


def section_with(name: str, **values):
    def damage(file: Path) -> None:
        stored = json.loads(file.read_text())
        file.write_text(json.dumps({**stored, name: {**stored[name], **values}}))

    return damage


def without(name: str):
    def damage(file: Path) -> None:
        stored = json.loads(file.read_text())
        del stored[name]
        file.write_text(json.dumps(stored))

    return damage


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:700])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def in_its_place(make):
    """Puts something else where the file is; reading a pipe would wait for ever, and /dev/zero has no end."""

    def damage(file: Path) -> None:
        file.unlink()
        make(file)

    return damage


# What is done to which file, and the field that has to be named.
DAMAGES = {
    "truncated metrics": ("metrics.json", truncated, "not valid JSON"),
    "empty metrics": ("metrics.json", emptied, "not valid JSON"),
    "text accuracy": ("metrics.json", changed(accuracy="high"), "accuracy must be a number. Received: 'high'"),
    "list spread": ("metrics.json", changed(weight_spread=[0.1]), "weight_spread must be a number. Received: [0.1]"),
    "null accuracy": ("metrics.json", changed(accuracy=None), "accuracy must be a number. Received: null"),
    "missing accuracy": ("metrics.json", without("accuracy"), "accuracy is missing"),
    "number for an RLCT": ("metrics.json", changed(rlct=50.0), "rlct must be a section. Received: 50.0"),
    "unknown field": ("metrics.json", changed(sharpness=1), "sharpness is unknown"),
    "older format": ("metrics.json", changed(format=0), "format must be 1. Received: 0"),
    "no format": ("metrics.json", without("format"), "format is missing."),
    "backend that is a path": ("metrics.json", changed(backend="x/../../../ESCAPED"), "backend must be one of 'jax', "),
    "negative spread": ("metrics.json", changed(weight_spread=-0.1), "weight_spread must not be negative"),
    "R² above one": ("metrics.json", changed(self_prediction_r2=2.0), "self_prediction_r2 must be at most 1"),
    "no chains": ("metrics.json", section_with("rlct", num_chains=0), "rlct: num_chains must be positive"),
    "negative distance": ("metrics.json", section_with("rlct", distance=-1.0), "distance must not be negative"),
    "integer task": ("metrics.json", section_with("recipe", task=3), "recipe.task must be text. Received: 3"),
    "markup as task": ("metrics.json", section_with("recipe", task="[x[/nosuch]"), "recipe.task must be a name"),
    "task that is a path": ("metrics.json", section_with("recipe", task="../../x"), "recipe.task must be a name"),
    "unknown objective": ("metrics.json", section_with("recipe", objective="joy"), "objective must be one of"),
    "negative epochs": ("metrics.json", section_with("recipe", epochs=-1), "epochs must be a whole number"),
    "accuracy of seven": ("metrics.json", changed(accuracy=7), "accuracy must lie between 0 and 1. Received: 7"),
    "unknown sampler": ("metrics.json", section_with("rlct", sampler="joy"), "sampler must be one of underdamped, "),
    "negative error": ("metrics.json", section_with("rlct", std_error=-1.0), "std_error must not be negative"),
    "another anchor": ("metrics.json", section_with("rlct", anchor="descend", descent=DESCENT), "must be 'trained'"),
    "no descent": ("metrics.json", section_with("rlct", anchor="descend"), "descent must be given where anchor is"),
    "two recipes": (
        "config.json",
        section_with("recipe", learning_rate=0.5),
        "the recipe differs from the one there (learning_rate: ",
    ),
    "text seconds": ("seconds.json", changed(parts={"training": "long"}), "must be a number"),
    "list config": ("config.json", lambda file: file.write_text("[]"), "not hold a JSON object"),
    "negative seconds": ("seconds.json", changed(parts={"training": -3.0}), "parts.training must lie between 0 and"),
    "huge seconds": ("seconds.json", changed(parts={"RLCT": 1e300}), "parts.RLCT must lie between 0 and 1e+09"),
    "unknown seconds": ("seconds.json", changed(parts={"walking": 1.0}), "parts.walking is unknown. Possible: data, "),
    "huge spread": ("metrics.json", changed(weight_spread=1e308), "weight_spread must be at most 3.5e+38"),
    "no chain values": (
        "metrics.json",
        section_with("rlct", chain_values=[]),
        "rlct: chain_values must hold 4 values, one per chain",
    ),
    "reliable with warnings": ("metrics.json", section_with("rlct", warnings=["No."]), "warnings must be empty where"),
    "unusable without warnings": (
        "metrics.json",
        section_with("rlct", verdict="not to be used"),
        "rlct: warnings must be given where verdict is 'not to be used'",
    ),
    "reliable and negative": ("metrics.json", section_with("rlct", value=-1.0), "verdict must be 'not to be used'"),
    "reliable and no number": ("metrics.json", section_with("rlct", value=None), "verdict must be 'not to be used'"),
    "descent of the trained": (
        "metrics.json",
        section_with("rlct", descent=DESCENT),
        "rlct: descent must be missing where anchor is 'trained'",
    ),
    "descent upwards": (
        "metrics.json",
        section_with("rlct", descent={**DESCENT, "loss": 0.6}),
        "loss must be at most trained_loss, 0.5. Received: 0.6",
    ),
    "NaN accuracy": ("metrics.json", changed(accuracy=math.nan), "JSON has no NaN (line "),
    "byte order mark": ("config.json", lambda file: file.write_bytes(b"\xef\xbb\xbf{}"), "byte order mark"),
    "folder for metrics": (
        "metrics.json",
        in_its_place(lambda file: (file / "another").mkdir(parents=True)),
        "it is a folder",
    ),
    "endless metrics": ("metrics.json", in_its_place(lambda file: file.symlink_to("/dev/zero")), "a device, not"),
    "huge metrics": ("metrics.json", lambda file: os.truncate(file, 10**12), "it has 1,000,000,000,000 bytes"),
    "pipe for config": ("config.json", in_its_place(lambda file: os.mkfifo(file)), "it is a pipe"),
    "folder for seconds": ("seconds.json", in_its_place(Path.mkdir), "it is a folder"),
    "deep config": ("config.json", lambda file: file.write_bytes(b"[" * 100_000), "not valid JSON"),
    "seed of 400 digits": ("metrics.json", section_with("recipe", seed=10**400), "seed must be a whole number"),
    "another backend": (
        "config.json",
        section_with("provenance", backend="torch"),
        "backend is 'jax' there, and provenance.backend 'torch' here",
    ),
    "R̂ far below one": (
        "metrics.json",
        section_with("rlct", r_hat=0.5),
        "r_hat must be at least 0.998 with 500 draws",
    ),
    "value beside the mean of its chains": (
        "metrics.json",
        section_with("rlct", value=51.0, chain_values=[50.0, 51.0, 50.0, 51.0]),
        "rlct: value must be the mean of chain_values, 50.5. Received: 51.0",
    ),
    "value of lost chains": (
        "metrics.json",
        section_with("rlct", chain_values=[50.0, None, 50.0, 50.0]),
        "rlct: value must be null where one of chain_values is. Received: ",
    ),
    "no value of finite chains": (
        "metrics.json",
        section_with("rlct", value=None, verdict="not to be used", warnings=["No."]),
        "rlct: value must be the mean of chain_values, ",
    ),
    "another convention": (
        "metrics.json",
        section_with("rlct", convention="dataset"),
        "rlct.convention must be 'paper'",
    ),
    "another localization": (
        "metrics.json",
        section_with("rlct", localization=3.7),
        "rlct.localization must be 100.0, as in the recipe. Received: 3.7",
    ),
    "fewer draws": ("metrics.json", section_with("rlct", num_draws=50), "rlct.num_draws must be 500, as in the recipe"),
    "no estimate": (
        "metrics.json",
        changed(rlct=None),
        "rlct must be given, as the recipe asks for it. Received: null",
    ),
    "another seed": (
        "metrics.json",
        section_with("rlct", seed=7),
        "rlct.seed must be 1, as in the recipe. Received: 7",
    ),
    "another sampler": ("metrics.json", section_with("rlct", sampler="mala"), "rlct.sampler must be 'sgld', as in the"),
    "acceptance of seven": (
        "metrics.json",
        section_with("rlct", acceptance_rate=7.0),
        "rlct: acceptance_rate must lie between 0 and 1. Received: 7.0",
    ),
    # 4 chains of 500 draws: 2000·log10(2000).
    "more draws than any": (
        "metrics.json",
        section_with("rlct", ess=1e9),
        "rlct: ess must be at most 6602 with 2000 draws. Received: ",
    ),
    "batch beyond the data": (
        "metrics.json",
        section_with("rlct", batch_size=60_001),
        "rlct: batch_size must be at most num_samples, 60000. Received: 60001",
    ),
    "impossible kurtosis": (
        "metrics.json",
        changed(weight_excess_kurtosis=-5),
        "weight_excess_kurtosis must be at least -2. Received: -5",
    ),
    "key that is there twice": (
        "metrics.json",
        lambda file: file.write_text(file.read_text().replace('"accuracy"', '"accuracy": 0.5, "accuracy"', 1)),
        "accuracy is there twice.",
    ),
    "another encoding": (
        "config.json",
        lambda file: file.write_bytes(file.read_bytes().replace(b'"jax"', b'"ja\xff"')),
        "it is not valid JSON: it is not UTF-8 text.",
    ),
    "descended alone": (
        "metrics.json",
        changed(rlct=None, rlct_descended=DESCENDED),
        "rlct must be given where rlct_descended is",
    ),
    "another loss at w*": (
        "metrics.json",
        changed(rlct_descended={**DESCENDED, "convention": "dataset", "initial_loss": 0.3}),
        "rlct_descended: initial_loss must be descent.loss, 0.4. Received: 0.3",
    ),
    "no samples": ("config.json", section_with("data", examples=0), "data: examples must be positive. Received: 0"),
    "digest of other letters": (
        "config.json",
        section_with("data", digest="xy" * 32),
        "data: digest must be a SHA-256 of 64",
    ),
    "config without digest": ("config.json", changed(data={"name": "mnist", "source": "s"}), "data.digest is missing"),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """H = 64, AW 0 and 10, two seeds."""
    for run in made_up_grid(hiddens=(64,), weights=(0, 10), seeds=(1, 2), epochs=3):
        written(run, tmp_path / "sweep" / run.folder.name)
    return tmp_path / "sweep"


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_run_is_left_out_with_file_and_field(folder, name):
    file, damage, said = DAMAGES[name]
    damage(folder / VICTIM / file)
    found = find_runs(folder)
    assert len(found.results) == 3 and VICTIM not in [run.folder.name for run in found.results]
    (error,) = found.damaged
    assert error.file == folder / VICTIM / file and said in error.reason
    with pytest.warns(RunWarning, match=f"Left out: .*{file} is {error.state}"):
        assert finished_runs(folder) == list(found.results)
    RunFolder(folder / VICTIM).discard()
    assert not os.path.lexists(folder / VICTIM / file)


def test_of_two_files_that_contradict_each_other_neither_is_called_damaged(folder):
    section_with("recipe", learning_rate=0.5)(folder / VICTIM / "metrics.json")
    (error,) = find_runs(folder).damaged
    assert "config.json is inconsistent with metrics.json: the recipe differs" in str(error)
    assert "damaged" not in str(error)


def test_what_the_largest_and_least_chains_give_is_read(tmp_path):
    """Bounds of what a file may hold are those of what the program can write."""
    mnist = TASKS["mnist"].recipe
    whole = dataclasses.replace(mnist, rlct=dataclasses.replace(mnist.rlct, batch_size=60_000))
    kept = {
        "antithetic": made_up_run(0.0, 1, rlct=estimate(50.0, ess=2000 * math.log10(2000), acceptance_rate=1.0)),
        "whole": made_up_run(0.0, 2, recipe=whole, rlct=50.0, weight_excess_kurtosis=-2.0),
        "lost": made_up_run(0.0, 3, rlct=estimate(None, chain_values=(50.0, None, 50.0, 50.0))),
        "cancelled": made_up_run(0.0, 4, rlct=estimate(1e-9, chain_values=(1e4, -1e4, 1e4, -1e4))),
        "text": made_up_run(0.0, 5, data_source='a source with "accuracy": in it'),
    }
    for name, run in kept.items():
        written(run, tmp_path / name)
    assert len(find_runs(tmp_path).results) == len(kept)


@pytest.mark.parametrize("command", ["report", "plot"])
@pytest.mark.parametrize("name", ["truncated metrics", "backend that is a path", "text seconds"])
def test_commands_go_on_without_it_and_say_so(ksm, folder, tmp_path, command, name):
    file, damage, _ = DAMAGES[name]
    damage(folder / VICTIM / file)
    before = set(tmp_path.parent.iterdir())
    result = ksm(command, "sweep", *(["--format", "svg"] if command == "plot" else []))
    assert result.exit_code == 0
    assert f"Left out: sweep/{VICTIM}/{file} is damaged: " in result.stderr and "--retry-failed" in result.stderr
    assert set(tmp_path.parent.iterdir()) == before
    if command == "report":
        page = Path("sweep/report.html").read_text(encoding="utf-8")
        assert f"Left out: {file} is damaged" in page and VICTIM in page


@pytest.mark.parametrize("command", ["report", "plot"])
def test_commands_fail_where_nothing_is_left(ksm, folder, command):
    for file in folder.rglob("metrics.json"):
        truncated(file)
    result = ksm(command, "sweep")
    assert result.exit_code == 1 and result.stderr.count("Left out: ") == 4
    assert "Error: sweep contains no run that can be read." in result.stderr


@pytest.mark.parametrize("name", ["history.csv", "seconds.json", "config.json"])
def test_a_missing_file_is_reported_on_the_page_and_on_the_terminal(ksm, folder, name):
    (folder / VICTIM / name).unlink()
    result = ksm("report", "sweep")
    assert result.exit_code == 0 and f"sweep/{VICTIM}: {name} is missing: " in result.stderr
    assert f"{name} is missing: " in Path("sweep/report.html").read_text(encoding="utf-8")
    (folder / VICTIM / name).symlink_to(name)  # leads nowhere, and must not block the others
    assert len(find_runs(folder).results) == 4


HISTORIES = {
    "1,none": "is damaged: line 2: weight_spread must be a number. Received: 'none'",
    "": "is damaged: it has no epochs",
    "1,0.1\n1,0.1\n2,0.1": "is damaged: line 3: epoch must be 2. Received: 1",
    "1,0.1\n2,0.1": "has 2 of the run's 3 epochs: it is left out",
    "1,0.1\n2,0.1\n3,0.1\n4,0.1": "has 4 epochs, but the run only 3: it is left out",
    "1,0.1\n2,nan\n3,0.1": "has no weight_spread after some epochs: it is left out",
}


def test_what_is_wrong_with_a_history_is_reported_and_its_run_stays(ksm, folder):
    run = next(run for run in find_runs(folder).results if run.folder.name == VICTIM)
    for rows, said in HISTORIES.items():
        (folder / VICTIM / "history.csv").write_text(f"epoch,weight_spread\n{rows}\n" if rows else "epoch,loss\n")
        assert [f"history.csv {said}" in sentence for sentence in shortcomings(run)] == [True], rows
    (folder / VICTIM / "history.csv").unlink()
    os.mkfifo(folder / VICTIM / "history.csv")
    assert "history.csv is damaged: it is a pipe" in shortcomings(run)[0]
    (folder / VICTIM / "history.csv").unlink()
    (folder / VICTIM / "history.csv").write_text("epoch,weight_spread\n1,0.1\n2,nan\n3,0.1\n")
    result = ksm("report", "sweep")
    assert result.exit_code == 0 and "has no weight_spread after some epochs" in result.stderr
    assert len(find_runs(folder).results) == 4


def test_escape_sequences_and_markup_are_shown(ksm, tmp_path):
    hostile = "\x1b[2J[red]made up[/red]"
    warned = estimate(50.0, verdict="doubtful", warnings=(hostile,))
    for weight in (0.0, 10.0):
        run = made_up_run(weight, 1, data_source=hostile, rlct=warned, epochs=2)
        written(run, tmp_path / f"aw{weight:g}")
    metrics = tmp_path / "aw0" / "metrics.json"
    metrics.write_text(metrics.read_text().replace("\x1b", "\\u001b"))
    result = ksm("compare", "aw0", "aw10")
    assert result.exit_code == 0 and "\x1b" not in result.stdout + result.stderr
    page = ksm("report", ".")
    assert page.exit_code == 0 and "\x1b" not in page.stdout + page.stderr
    text = Path("report.html").read_text(encoding="utf-8")
    assert "\x1b" not in text and "\\x1b[2J[red]made up[/red]" in text


def test_a_file_that_changes_is_read_again(tmp_path):
    """Runs that were read are kept while their files stay what they were."""
    run = written(made_up_run(10, 1), tmp_path / "run")
    (before,) = finished_runs(tmp_path)
    assert finished_runs(tmp_path)[0] is before and len(spread_history(before).epochs) == run.recipe.epochs
    written(made_up_run(10, 1, accuracy=0.5), tmp_path / "run", history=[{"epoch": 1, "weight_spread": 0.25}])
    (after,) = finished_runs(tmp_path)
    assert after.accuracy == 0.5 and before.accuracy != 0.5
    assert list(spread_history(after).epochs) == [1] and list(spread_history(after).weight_spread) == [0.25]
    (tmp_path / "run" / "history.csv").unlink()
    assert len(spread_history(after).epochs) == 0
