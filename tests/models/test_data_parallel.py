import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("data_parallel_program.py")


def test_two_devices_train_like_one():
    if keras.config.backend() == "torch":
        pytest.skip("keras.distribution has no PyTorch implementation")

    def train(devices: int) -> dict:
        finished = subprocess.run(
            [sys.executable, str(PROGRAM), str(devices)], capture_output=True, text=True, check=True
        )
        return json.loads(finished.stdout.splitlines()[-1])

    one, two = train(1), train(2)
    for ours, theirs in zip(two["weights"], one["weights"], strict=True):
        # Sums over halves of a batch, added up: float32 rounding only.
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert {"loss", "self_prediction_r2", "val_self_prediction_r2", "val_accuracy"} < one["history"].keys()
    for name, values in one["history"].items():
        np.testing.assert_allclose(two["history"][name], values, rtol=1e-4, err_msg=name)
