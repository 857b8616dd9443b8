"""Trains one model on one virtual device or on several and prints its logs and weights.

A process of its own, because the number of devices is fixed when the backend starts.
"""

import contextlib
import json
import os
import sys


def train(devices: int) -> dict:
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    import keras
    import numpy as np

    import keras_selfmodel as ksm

    scope = contextlib.nullcontext()
    if devices > 1 and keras.config.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=keras.distribution.list_devices()))
    elif devices > 1:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
        scope = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(devices)]).scope()

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)
    with scope:
        classifier = ksm.models.mlp(8, inputs=6, classes=3, seed=7)
        model = ksm.SelfModelingModel(classifier, "hidden", 5.0, seed=5)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss=loss, metrics=["accuracy"])
    # On TensorFlow 6 and 5 of the last samples of the validation; Keras cannot divide 11 on JAX.
    tested = 23 if keras.config.backend() == "tensorflow" else 24
    validation = {"validation_data": (x[:tested], y[:tested]), "validation_batch_size": 12}
    history = model.fit(x, y, batch_size=12, epochs=3, shuffle=False, verbose=0, **validation).history
    history["tested"] = model.evaluate(*validation["validation_data"], batch_size=12, verbose=0)
    return {"history": history, "weights": [w.tolist() for w in model.get_weights()]}


if __name__ == "__main__":
    print(json.dumps(train(int(sys.argv[1]))))
