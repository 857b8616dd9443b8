"""A custom training loop on TensorFlow: the auxiliary loss is among the losses of the model."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

import keras_selfmodel as ksm

x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = ksm.SelfModelingModel(ksm.models.mlp(16, inputs=8, classes=2, seed=1), "hidden", aux_weight=1.0, seed=1)
task = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.SGD(0.1)
batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(64)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        scores = model(x, training=True)
        loss = task(y, scores) + sum(model.losses)  # task loss + AW · auxiliary loss
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)
    return loss


optimizer.build(model.trainable_variables)
for epoch in range(5):
    for batch in batches:
        loss = step(*batch)
    print(f"epoch {epoch}: loss {float(loss):.3f}")
print(model.evaluate_self_prediction(x))
