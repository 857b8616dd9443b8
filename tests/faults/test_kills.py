"""Every command that writes, killed by SIGKILL at several moments and started again, ends with the files of one that
was not. With `-s` the numbers of docs/hardening.md are printed."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel import datasets

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")]

RECIPE = """name = "tiny"
[data]
arrays = "data.npz"
[model]
hidden = 4
[training]
epochs = 3
batch_size = 10
learning_rate = 0.1
[rlct]
num_chains = 2
num_draws = 100
burn_in = 20
batch_size = 50
"""
TINY = ["--recipe", "recipe.toml"]
IMAGES = ["--examples", "300", "--epochs", "2", "--no-rlct"]
RUN = ["run", *TINY, "--keep-epochs", "0,1", "--aux-weight", "1"]
SPREAD = ["--no-rlct", "--score", "spread"]
RLCT = ["rlct", "../one/model.keras", *TINY, "--draws", "3000", "--burn-in", "200"]

# What is killed. The folder that it works in is `cut` beside `one`, a finished run, and `grid`, four of them.
COMMANDS = {
    "run": [*RUN, "--out", "out", "--resume"],
    "run, RLCT after descent": ["run", *TINY, "--aux-weight", "5", "--seed", "2", "--out", "out", "--resume"],
    "sweep": ["sweep", *TINY, "--aux-weight", "0,1", "--seeds", "1-2", "--workers", "1", "--out", "out"],
    "sweep in two processes": ["sweep", *TINY, "--aux-weight", "0,1", "--seeds", "1-2", "--workers", "2"]
    + ["--out", "out"],
    "controls": ["controls", "mnist", *IMAGES, "--hidden", "3", "--seeds", "1", "--objective", "weight-decay=0.01"]
    + ["--workers", "2", "--out", "out"],
    "tune": ["tune", *TINY, *SPREAD, "--hidden", "3,4", "--search", "random", "--trials", "4", "--out", "out"],
    "observer": ["observer", "../grid", *TINY, "--capacities", "0,4", "--epochs", "3", "--out", "out"],
    "identity": ["identity", "one", *TINY],
    "compress": ["compress", "grid", *TINY, "--noise-draws", "2", "--out", "out"],
    "rlct": [*RLCT, "--checkpoint", "sampling.npz", "--traces", "traces.nc", "--plot", "chains.png"],
    "report": ["report", "grid", "--out", "report.html"],
    "plot": ["plot", "grid", "--out", "figures"],
    "data --prepare": ["data", "--prepare", "mnist", "--data-dir", "tfds"],
}
PROGRAM = "from ksm_cli.main import main; main(prog_name='ksm')"
# What prepares MNIST from the web server of these tests.
LOCAL = """import dataclasses
from tensorflow_datasets.image_classification import mnist
from keras_selfmodel.datasets import catalog
mnist._TRAIN_EXAMPLES, mnist._TEST_EXAMPLES, mnist.MNIST.URL = 150, 20, {url!r}
catalog.KNOWN["mnist"] = dataclasses.replace(catalog.KNOWN["mnist"], url={url!r} + "train-labels-idx1-ubyte.gz")
"""
# What is copied into the folder first, because the command writes there.
GIVEN = {"identity": ("one",), "compress": ("grid",), "report": ("grid",), "plot": ("grid",)}
# What TFDS leaves beside a data set: its downloads, and folders of what it had begun to prepare.
TFDS_LEAVES = ("downloads", "incomplete.*")
KILLS = 4
# How long something took, the notes of keras-tuner on when trials began, and locks; archives hold the time of day.
DIFFERENT = ("seconds.json", ".lock", ".results.lock", "oracle.json")
ARCHIVES = (".keras", ".npz", ".h5", ".nc")


def ksm(folder: Path, arguments: list[str]) -> subprocess.Popen:
    before = folder.parent / "before.py"  # only what prepares data needs one
    program = (before.read_text() if before.exists() and "--prepare" in arguments else "") + PROGRAM
    program = [sys.executable, "-c", program, *arguments, "--json"]
    printed = (folder.parent / f"{folder.name}.printed").open("w")
    environment = {**os.environ, "KERAS_BACKEND": keras.config.backend()}
    with printed:
        return subprocess.Popen(program, cwd=folder, stdout=printed, stderr=subprocess.STDOUT, env=environment)


def finished(folder: Path, arguments: list[str]) -> None:
    process = ksm(folder, arguments)
    assert process.wait() == 0, (folder.parent / f"{folder.name}.printed").read_text()


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Time and size of each file."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                there = os.stat(os.path.join(place, name))
            except FileNotFoundError:  # moved to its place meanwhile
                continue
            found[os.path.join(place, name)] = there.st_mtime_ns, there.st_size
    return found


def killed_after(changes: int, delay: float, folder: Path, arguments: list[str]) -> bool:
    """Kills a command a moment after files of its folder have changed so many times; `False` if it ended before."""
    process = ksm(folder, arguments)
    before, seen = stamps(folder), 0
    while process.poll() is None:
        time.sleep(0.002)
        now = stamps(folder)
        seen, before = seen + (now != before), now
        if seen >= changes:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
    return False


def written(folder: Path) -> dict[str, str]:
    """The files of a folder, partial ones too, with digests of those in which nothing tells the time."""
    found = {}
    for file in sorted(folder.rglob("*")):
        left_out = any(fnmatchcase(part, pattern) for part in file.parts for pattern in TFDS_LEAVES)
        if file.is_file() and file.name not in DIFFERENT and not left_out:
            same = file.suffix not in ARCHIVES and ".array_record" not in file.name
            found[file.relative_to(folder).as_posix()] = hashlib.sha256(file.read_bytes()).hexdigest() if same else ""
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a finished run and a grid of four, and room for what is killed."""
    folder = tmp_path_factory.mktemp("kills")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(100, 4)).astype("float32"), rng.integers(0, 2, 100)
    for name in ("start", "whole", "cut"):
        (folder / name).mkdir()
        np.savez(folder / name / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
        (folder / name / "recipe.toml").write_text(RECIPE)
    finished(folder / "start", [*RUN, "--out", "../one"])
    finished(folder / "start", ["sweep", *TINY, "--aux-weight", "0,1", "--seeds", "1-2", "--out", "../grid"])
    return folder


@pytest.fixture
def fresh(place) -> Callable[[str], Path]:
    """A folder of `place` as before any command, for one of them."""

    def call(name: str, *given: str) -> Path:
        folder = place / name
        for there in folder.iterdir():
            if there.name not in ("data.npz", "recipe.toml"):
                shutil.rmtree(there) if there.is_dir() else there.unlink()
        for one in given:
            shutil.copytree(place / one, folder / one)
        return folder

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_again_and_again_ends_as_if_it_had_not_been(command, place, fresh, request):
    """The moments are drawn once for all, from the times at which files change."""
    arguments, given = COMMANDS[command], GIVEN.get(command, ())
    if command == "data --prepare":
        request.getfixturevalue("local_mnist")
        request.getfixturevalue("monkeypatch").setenv("NO_PROXY", "127.0.0.1")
        (place / "before.py").write_text(LOCAL.format(url=request.getfixturevalue("web")[1]))
    whole, cut = fresh("whole", *given), fresh("cut", *given)
    finished(whole, arguments)
    rng = random.Random(request.node.name)
    moments = [(rng.randint(1, 4), rng.choice((0.0, 0.0, 0.02, 0.2))) for _ in range(KILLS)]
    kills = sum(killed_after(*moment, cut, arguments) for moment in moments)
    finished(cut, arguments)
    assert written(cut) == written(whole)
    if command == "data --prepare":
        request.getfixturevalue("local_mnist").check(datasets.load("mnist", cut / "tfds"))
    print(f"\n{command}: {kills} kills")
    assert kills > 0
