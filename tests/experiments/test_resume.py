import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel._typed_files import plain
from keras_selfmodel.experiments import FolderTakenError, Progress, RunFolderError, one_run, run
from keras_selfmodel.experiments.stages import concluding
from tests.experiments.conftest import interrupted_after_epoch
from tests.killed import killed_when


def _assert_same_outcome(folder: Path, finished: Path) -> None:
    """The files of both folders have the same names, and those that hold numbers the same bytes."""
    names = [sorted(path.relative_to(f).as_posix() for path in f.rglob("*")) for f in (folder, finished)]
    assert names[0] == names[1]
    for name in ("metrics.json", "history.csv"):
        assert (folder / name).read_bytes() == (finished / name).read_bytes()


@pytest.mark.every_backend
def test_a_run_interrupted_in_training_ends_as_if_it_had_not_been(interrupted, finished, recipe, tiny):
    first = json.loads((interrupted / "seconds.json").read_text())["parts"]
    epochs = []
    progress = Progress(epoch=lambda done, *_: epochs.append(done))
    result = run(recipe, tiny, interrupted, resume=True, progress=progress)
    assert epochs == [2, 3, 4]  # it tells where it goes on, and repeats nothing
    assert result.seconds["training"] > first["training"] > 0  # both sessions together
    _assert_same_outcome(interrupted, finished.folder)


def test_a_run_interrupted_before_its_first_checkpoint_ends_the_same(
    short, tiny, tmp_path, without_figures, uninterrupted
):
    with pytest.raises(KeyboardInterrupt):
        run(short, tiny, tmp_path, progress=interrupted_after_epoch(2), seconds_between_checkpoints=1e9)
    run(short, tiny, tmp_path, resume=True)
    _assert_same_outcome(tmp_path, uninterrupted)


@pytest.mark.every_backend
def test_a_run_interrupted_in_sampling_ends_the_same_without_training_again(finished, recipe, tiny, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(recipe, tiny, tmp_path, progress=Progress(sampling=interrupt))
    epochs = []
    run(recipe, tiny, tmp_path, resume=True, progress=Progress(epoch=lambda done, *_: epochs.append(done)))
    assert epochs == [4]
    _assert_same_outcome(tmp_path, finished.folder)


PROGRAM = """
import json, sys, time
import numpy as np
from keras_selfmodel._typed_files import typed
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import Progress, Recipe, run

folder, data, recipe = sys.argv[1:]
with np.load(data) as arrays:
    dataset = Dataset("mnist", **arrays, num_classes=3, source="made up", digest="d1" * 32, is_subset=False)
progress = Progress(epoch=lambda done, *_: print(done, flush=True), sampling=lambda *_: time.sleep(600))
run(typed(Recipe, json.loads(recipe), "argument"), dataset, folder, progress=progress, seconds_between_checkpoints=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_process_can_be_resumed(finished, recipe, tiny, tmp_path):
    data, folder = tmp_path / "data.npz", tmp_path / "run"
    np.savez(data, **{name: getattr(tiny, name) for name in ("x_train", "y_train", "x_test", "y_test")})
    arguments = [sys.executable, "-c", PROGRAM, str(folder), str(data), json.dumps(plain(recipe))]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() not in ("2\n", ""):
            pass
        process.kill()
    assert process.returncode == -signal.SIGKILL
    run(recipe, tiny, folder, resume=True)
    _assert_same_outcome(folder, finished.folder)


@pytest.fixture(scope="module")
def short(recipe):
    """Without sampling, so that many kills can be tried."""
    return dataclasses.replace(recipe, rlct=None, epochs=3)


@pytest.fixture(scope="module")
def uninterrupted(short, tiny, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "short"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concluding, "run_figures", lambda *_: {})
        run(short, tiny, folder)
    return folder


@pytest.mark.parametrize(
    ("name", "appeared"),
    [
        ("checkpoint.keras", True),
        ("model.keras", False),
        ("history.csv", True),
        ("checkpoint.keras", False),
        ("model.keras", True),
        ("metrics.json", True),
    ],
)
def test_a_run_killed_around_a_write_ends_the_same(
    name, appeared, without_figures, uninterrupted, short, tiny, tmp_path
):
    time = 2 if name in ("history.csv", "checkpoint.keras") else 1
    with killed_when(name, time, appeared=appeared):
        run(short, tiny, tmp_path, seconds_between_checkpoints=0)
    run(short, tiny, tmp_path, resume=True)
    _assert_same_outcome(tmp_path, uninterrupted)


def test_resuming_a_finished_run_returns_its_result(finished, recipe, tiny):
    def forbidden(*_):
        raise AssertionError("it was trained or sampled again")

    progress = Progress(epoch=forbidden, sampling=forbidden)
    assert run(recipe, tiny, finished.folder, resume=True, progress=progress) == finished


def test_resuming_in_a_new_folder_starts_a_run(short, tiny, tmp_path, without_figures, uninterrupted):
    run(short, tiny, tmp_path / "new", resume=True)
    _assert_same_outcome(tmp_path / "new", uninterrupted)


def test_a_finished_run_is_not_overwritten(finished, recipe, tiny):
    with pytest.raises(FolderTakenError, match="a finished run.*resume=True"):
        run(recipe, tiny, finished.folder)


def test_an_unfinished_run_is_not_overwritten(interrupted, recipe, tiny):
    with pytest.raises(FolderTakenError, match="an unfinished run.*resume=True"):
        run(recipe, tiny, interrupted)


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 5}, "epochs: 4 there, 5 here"),
        ({"aux_weight": 1.0}, r"aux_weight: 2\.0 there, 1\.0 here"),
        ({"targets": ("hidden", "hidden2")}, r"targets: hidden there, hidden,hidden2 here"),
        ({"seed": 2}, r"seed: 1 there, 2 here"),
        ({"rlct": None}, r"rlct: measured there, not measured here\. "),
    ],
)
def test_other_settings_are_refused_and_named(interrupted, recipe, tiny, monkeypatch, changes, words, resume):
    monkeypatch.setattr(one_run, "compiled_model", lambda *_: None)  # which would refuse the target before
    with pytest.raises(RunFolderError, match=words):
        run(dataclasses.replace(recipe, **changes), tiny, interrupted, resume=resume)


def test_other_data_are_refused_and_named(interrupted, recipe, tiny):
    other = dataclasses.replace(tiny, source="elsewhere", digest="e2" * 32)
    with pytest.raises(RunFolderError, match=r"data: made up \(d1d1.*\) there, elsewhere \(e2e2.*\) here"):
        run(recipe, other, interrupted, resume=True)


@pytest.mark.every_backend
def test_another_backend_is_refused_and_named(interrupted, recipe, tiny):
    config = json.loads((interrupted / "config.json").read_text())
    other = "jax" if keras.config.backend() != "jax" else "torch"
    config["provenance"]["backend"] = other
    (interrupted / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunFolderError, match=f"backend: {other} there"):
        run(recipe, tiny, interrupted, resume=True)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("config.json", b"{"),
        ("config.json", b"{}"),
        ("config.json", b'{"recipe": 1, "data": 2, "provenance": 3}'),
        ("history.csv", b"epoch,loss\n1,much\n"),
        ("history.csv", b""),
        ("checkpoint.keras", b"no archive"),
        ("checkpoint.keras", "half"),
        ("checkpoint.keras", "flipped"),
        ("model.keras", b""),
    ],
)
def test_a_damaged_file_is_named(interrupted, recipe, tiny, name, damage):
    file = interrupted / name
    if isinstance(damage, str):
        whole = file.read_bytes()
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 200]) + whole[middle + 200 :]
        damage = whole[:middle] if damage == "half" else flipped
    file.write_bytes(damage)
    with pytest.raises(RunFolderError, match=name):
        run(recipe, tiny, interrupted, resume=True)


def test_damaged_metrics_are_named(finished, recipe, tiny, tmp_path):
    folder = shutil.copytree(finished.folder, tmp_path / "run")
    (folder / "metrics.json").write_text('{"accuracy": 1}')
    with pytest.raises(RunFolderError, match="metrics.json"):
        run(recipe, tiny, folder, resume=True)


def test_a_trained_network_without_its_history_is_refused(finished, recipe, tiny, tmp_path):
    folder = shutil.copytree(finished.folder, tmp_path / "run")
    (folder / "metrics.json").unlink()
    (folder / "history.csv").unlink()
    with pytest.raises(RunFolderError, match="history.csv is damaged: it has 0 epochs, but the network 4"):
        run(recipe, tiny, folder, resume=True)


def test_a_run_of_another_backend_is_refused_with_both_ways_out(tmp_path):
    import click

    from keras_selfmodel._installation import backend_of_keras
    from keras_selfmodel.experiments.run_folder import RunFolder
    from keras_selfmodel.experiments.stages.claiming import claim
    from ksm_cli.arguments_as_options import in_options
    from ksm_cli.commands.run import run_command
    from tests.studies.made_up import made_up_run, written

    other = "jax" if backend_of_keras() != "jax" else "torch"
    there = written(made_up_run(0.0, 1, backend=other), tmp_path / "run")
    here = dataclasses.replace(
        there.config, provenance=dataclasses.replace(there.config.provenance, backend=backend_of_keras())
    )
    with pytest.raises(RunFolderError) as refused:
        claim(RunFolder(there.folder), here, resume=True)
    assert str(refused.value).endswith(f"(folder=…), or compute on the run's backend: KERAS_BACKEND={other}.")
    said = in_options(str(refused.value), click.Context(run_command))
    assert said.endswith(f"(--out DIR), or compute on the run's backend: --backend {other}.")


def test_resuming_a_finished_run_needs_no_disk_that_can_be_written(finished, recipe, tiny, monkeypatch):
    def read_only(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    for call in ("mkdir", "unlink", "remove", "replace"):
        monkeypatch.setattr(os, call, read_only)
    monkeypatch.setattr("filelock.FileLock.acquire", read_only)
    assert run(recipe, tiny, finished.folder, resume=True) == finished
