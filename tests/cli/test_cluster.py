"""The options of `ksm sweep` for Ray clusters; no cluster is started."""

import importlib.util

import pytest

from keras_selfmodel import experiments
from keras_selfmodel._installation import installing
from keras_selfmodel.experiments import RayCluster


@pytest.fixture
def asked(monkeypatch, tiny_mnist):
    """The clusters that the package is asked to compute on. Nothing is run."""
    clusters = []

    def stop(*_, cluster, together, **__):
        clusters.append((cluster, together))
        raise ValueError("stopped here")

    monkeypatch.setattr(experiments, "sweep", stop)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: name == "ray" or find(name, *rest))
    return clusters


def test_the_options_reach_the_cluster(ksm, asked):
    options = (
        "--address head:6379 --cpus-per-task 2 --gpus-per-task 0.5 --memory-per-task 8 --runs-per-task 3 --retries 1"
    )
    result = ksm("sweep", "mnist", "--seeds", "1", "--executor", "ray", *options.split(), "--one-by-one")
    assert asked == [(RayCluster("head:6379", 2, 0.5, 8e9, 3, 1), False)]
    assert "Ray at head:6379: up to 3 runs per task, 2 CPU and 0.5 GPU per task" in result.stderr
    assert "expected time" not in result.stderr  # of this machine, which computes nothing
    ksm("sweep", "mnist", "--executor", "ray")
    assert asked[1] == (RayCluster(), False)


def test_networks_are_trained_together_where_tasks_have_gpus(ksm, asked, monkeypatch):
    monkeypatch.setattr(experiments, "can_be_trained_together", lambda job: True)
    ksm("sweep", "mnist", "--executor", "ray", "--gpus-per-task", "1")
    assert asked == [(RayCluster(gpus_per_task=1), True)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--address", "auto"), "--address needs --executor ray"),
        (("--gpus-per-task", "1"), "--gpus-per-task needs --executor ray"),
        (("--executor", "ray", "--workers", "2"), "--workers needs --executor local"),
    ],
)
def test_options_of_the_other_executor_are_refused(ksm, arguments, said):
    result = ksm("sweep", "mnist", *arguments)
    assert result.exit_code == 2 and said in result.stderr


def test_gpus_that_cannot_be_divided_are_refused(ksm, asked):
    result = ksm("sweep", "mnist", "--executor", "ray", "--gpus-per-task", "1.5")
    assert result.exit_code == 1 and "--gpus-per-task must be a part of one GPU or a whole number" in result.stderr


def test_without_ray_the_line_that_brings_it_is_shown(ksm, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else find(name, *rest))
    result = ksm("sweep", "mnist", "--executor", "ray")
    assert result.exit_code == 1
    assert f"This command needs ray: {installing('distributed')}" in result.stderr
