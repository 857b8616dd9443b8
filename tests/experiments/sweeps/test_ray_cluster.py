"""What needs no Ray: arithmetic on what a cluster has."""

import pytest

from keras_selfmodel.experiments import RayCluster

NODES = [{"CPU": 8.0, "GPU": 2.0, "memory": 32e9}, {"CPU": 3.0, "memory": 64e9}]


@pytest.mark.parametrize(
    ("takes", "places"),
    [
        ({}, 8 + 3),
        ({"cpus_per_task": 4}, 2 + 0),
        ({"gpus_per_task": 0.5}, 4 + 0),
        ({"memory_per_task": 10e9}, 3 + 3),
        ({"cpus_per_task": 16}, 0),
    ],
)
def test_a_task_needs_all_it_takes_on_one_machine(takes, places):
    assert RayCluster(**takes).places(NODES) == places


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cpus_per_task": 0}, "Received: cpus_per_task=0"),
        ({"gpus_per_task": 1.5}, "Received: 1.5"),
        ({"gpus_per_task": float("nan")}, "Received: nan"),
        ({"memory_per_task": 0.0}, "Received: memory_per_task=0.0"),
        ({"runs_per_task": 2.5}, "Received: runs_per_task=2.5"),
        ({"retries": -1}, "Received: retries=-1"),
    ],
)
def test_what_no_task_can_take_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        RayCluster(**wrong)
