"""Trains the three networks on one virtual device and divided among two; prints their weights and what was divided.

A process of its own, because the number of devices is fixed when the backend starts.
"""

import contextlib
import json
import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import keras  # noqa: E402
import numpy as np  # noqa: E402

from keras_selfmodel.models import SelfModelingModel, mlp, model_parallel, resnet18, text_classifier  # noqa: E402

RNG = np.random.default_rng(0)
NETWORKS = {
    "mlp": (lambda: mlp(8, inputs=6, classes=3, seed=7), RNG.normal(size=(16, 6)).astype("float32")),
    "resnet18": (
        lambda: resnet18(8, image=(4, 4, 3), widths=(4,), classes=3, seed=7),
        RNG.normal(size=(16, 4, 4, 3)).astype("float32"),
    ),
    "text_classifier": (
        lambda: text_classifier(11, embedding=4, hidden=8, classes=3, seed=7),
        RNG.integers(-1, 11, (16, 5)).astype("int32"),
    ),
}


def train(name: str, scope) -> dict:
    network, x = NETWORKS[name]
    with scope:
        model = SelfModelingModel(network(), "hidden", 5.0, seed=5)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss=loss)
        model.fit(x, np.arange(16) % 3, batch_size=8, epochs=2, shuffle=False, verbose=0)
        variables = [*model.trainable_variables, *model.optimizer.variables]
        return {
            "weights": {v.path: np.asarray(v.value).tolist() for v in model.trainable_variables},
            "parts": {v.path: [list(v.shape), list(v.value.addressable_shards[0].data.shape)] for v in variables},
        }


if __name__ == "__main__":
    found = {}
    for name in NETWORKS:
        one = train(name, contextlib.nullcontext())
        found[name] = {"one": one, "two": train(name, model_parallel(2).scope())}
    print(json.dumps(found))
