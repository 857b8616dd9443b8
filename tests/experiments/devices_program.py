"""The same run on one virtual device and on two; prints measures and history of both.

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


def main(folder: Path) -> None:
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    rng = np.random.default_rng(7)
    images, labels = rng.integers(0, 256, (80, 4, 4, 1), dtype=np.uint8), np.arange(80, dtype=np.int32) % 3
    data = Dataset("mnist", images[:60], labels[:60], images[60:], labels[60:], 3, "made up", "d1" * 32, False)
    rlct = SamplingSettings(convention="paper", step_size=1e-4, num_chains=1, num_draws=4, burn_in=4, batch_size=20)
    recipe = dataclasses.replace(TASKS["mnist"].recipe, hidden=6, epochs=3, batch_size=16, rlct=rlct)
    found = {}
    for devices in (1, 2):
        result = run(recipe, data, folder / str(devices), devices=devices)
        history = RunFolder(result.folder).read_history()
        names = ("accuracy", "weight_spread", "self_prediction_r2", "self_prediction_loss", "rlct", "rlct_descended")
        found[devices] = {"measures": {name: getattr(result, name) for name in names}, "history": history}
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
