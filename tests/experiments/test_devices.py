import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.experiments.devices import shared_by

PROGRAM = Path(__file__).with_name("devices_program.py")


@pytest.mark.skipif(keras.config.backend() == "torch", reason="one process for each device on PyTorch")
@pytest.mark.parametrize("task", ["mnist", pytest.param("cifar10", marks=pytest.mark.slow)])
def test_a_run_on_two_devices_finds_what_one_finds(task, tmp_path):
    command = [sys.executable, "-m", "tests.experiments.devices_program", task, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROGRAM.parents[2])
    found = json.loads(done.stdout.splitlines()[-1])
    one, two = found["1"], found["2"]
    replicas = keras.config.backend() == "tensorflow"
    # Sums over halves of a batch, added up: float32 rounding only, which the batch norms of ResNet-18 magnify where
    # 24 images are normalized. TensorFlow's replicas each normalize by their own half, which is another training.
    tolerance = 1e-5 if task == "mnist" else 1e-4 if not replicas else 5e-3
    assert two["measures"] == pytest.approx(one["measures"], rel=tolerance)
    # Replicas of TensorFlow each merge their own batches into the variance of R², which those add up.
    names = {name for name in one["history"][0] if not (replicas and name.endswith("self_prediction_r2"))}
    for ours, theirs in zip(two["history"], one["history"], strict=True):
        np.testing.assert_allclose([ours[n] for n in names], [theirs[n] for n in names], rtol=tolerance, atol=tolerance)


@pytest.fixture
def four_devices(monkeypatch):
    monkeypatch.setattr(transforms, "devices", lambda: ["a", "b", "c", "d"])


def test_more_devices_than_there_are_are_refused(recipe, tiny, four_devices):
    with pytest.raises(ValueError, match="The backend has only 4 devices: a, b, c, d. Received: devices=5"):
        shared_by(5, TASKS["mnist"], recipe, tiny)
    with pytest.raises(ValueError, match="Received: devices=0"):
        shared_by(0, TASKS["mnist"], recipe, tiny)


@pytest.mark.parametrize(
    ("devices", "batch_size", "said"),
    [(3, 48, "A batch of 8 samples"), (4, 66, "A batch of 66 samples"), (4, 300, "A batch of 30 samples")],
)
def test_batches_that_cannot_be_divided_are_refused(recipe, tiny, four_devices, devices, batch_size, said):
    """200 training samples and 30 test samples."""
    with pytest.raises(ValueError, match=f"{said} cannot be divided among {devices} devices"):
        shared_by(devices, TASKS["mnist"], dataclasses.replace(recipe, batch_size=batch_size), tiny)


def test_imdb_is_trained_by_one_device_alone(tiny, four_devices):
    with pytest.raises(ValueError, match="Networks of imdb can only be trained on one device. Received: devices=2"):
        shared_by(2, TASKS["imdb"], TASKS["imdb"].recipe, tiny)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="Keras has data parallelism on JAX and TensorFlow")
def test_pytorch_says_that_keras_has_no_data_parallelism(recipe, tiny, four_devices):
    even = dataclasses.replace(tiny, x_test=tiny.x_test[:20], y_test=tiny.y_test[:20])
    with pytest.raises(NotImplementedError, match="On PyTorch.*in one process for each"):
        shared_by(2, TASKS["mnist"], dataclasses.replace(recipe, batch_size=50), even)
