"""The same run of a task on one virtual device and on two; prints measures and history of both.

    python -m tests.experiments.devices_program mnist FOLDER

A process of its own, because the number of devices is fixed when the backend starts.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras  # noqa: E402
import numpy as np  # noqa: E402

from keras_selfmodel.datasets import Dataset  # noqa: E402
from keras_selfmodel.experiments import TASKS, run  # noqa: E402
from keras_selfmodel.experiments.run_folder import RunFolder  # noqa: E402
from keras_selfmodel.rlct import SamplingSettings  # noqa: E402

IMAGES = {"mnist": (80, 4, 4, 1), "cifar10": (36, 32, 32, 3)}
TRAINING = {"mnist": 60, "cifar10": 24}
RLCT = SamplingSettings(convention="paper", step_size=1e-4, num_chains=1, num_draws=4, burn_in=4, batch_size=20)
CHANGES = {"mnist": {"epochs": 3, "rlct": RLCT}, "cifar10": {"epochs": 2, "rlct": None}}
MEASURES = ("accuracy", "weight_spread", "self_prediction_r2", "self_prediction_loss", "rlct", "rlct_descended")


def main(task: str, folder: Path) -> None:
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    images = np.random.default_rng(7).integers(0, 256, IMAGES[task], dtype=np.uint8)
    labels = np.arange(len(images), dtype=np.int32) % 3
    train, test = slice(TRAINING[task]), slice(TRAINING[task], None)
    data = Dataset(task, images[train], labels[train], images[test], labels[test], 3, "made up", "d1" * 32, False)
    recipe = dataclasses.replace(TASKS[task].recipe, hidden=6, batch_size=16, **CHANGES[task])
    found = {}
    for devices in (1, 2):
        result = run(recipe, data, folder / str(devices), devices=devices)
        history = RunFolder(result.folder).read_history()
        measures = {name: result.number(name) for name in MEASURES}
        found[devices] = {"measures": {n: v for n, v in measures.items() if v is not None}, "history": history}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
