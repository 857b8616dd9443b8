import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.models import model_parallel


@pytest.mark.skipif(keras.config.backend() != "jax", reason="Keras divides weights on JAX alone")
def test_a_network_divided_among_two_devices_trains_as_on_one():
    command = [sys.executable, "-m", "tests.models.model_parallel_program"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    trainings = json.loads(done.stdout.splitlines()[-1])
    assert trainings
    for found in trainings.values():
        one, two = found["one"]["weights"], found["two"]["weights"]
        for ours, theirs in zip(two.values(), one.values(), strict=True):
            # Sums over halves, added up: float32 rounding only.
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        halves = {path for path, (whole, part) in found["two"]["parts"].items() if np.prod(whole) == 2 * np.prod(part)}
        large = {path for path, (whole, _) in found["two"]["parts"].items() if len(whole) > 1}
        assert large and large <= halves  # every kernel and embedding, and its momentum
        assert all(whole == part for whole, part in found["one"]["parts"].values())


def test_more_devices_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr(transforms, "devices", lambda: ["a", "b", "c"])
    with pytest.raises(ValueError, match="3 devices: a, b, c. Received: devices=2, replicas=2"):
        model_parallel(2, replicas=2)


@pytest.mark.skipif(keras.config.backend() == "jax", reason="Keras divides weights on JAX")
def test_other_backends_say_that_keras_divides_no_weights():
    with pytest.raises(NotImplementedError, match="on JAX alone"):
        model_parallel(1)
