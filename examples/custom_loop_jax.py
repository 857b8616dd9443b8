"""A custom training loop on JAX: `stateless_call` returns the auxiliary loss among the losses of the model."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

import keras_selfmodel as ksm

x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = ksm.SelfModelingModel(ksm.models.mlp(16, inputs=8, classes=2, seed=1), "hidden", aux_weight=1.0, seed=1)
task = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.SGD(0.1)
optimizer.build(model.trainable_variables)


def loss_of(trainable, non_trainable, x, y):
    scores, non_trainable, losses = model.stateless_call(trainable, non_trainable, x, training=True, return_losses=True)
    return task(y, scores) + sum(losses), non_trainable  # task loss + AW · auxiliary loss


@jax.jit
def step(trainable, non_trainable, state, x, y):
    (loss, non_trainable), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable, non_trainable, x, y)
    trainable, state = optimizer.stateless_apply(state, gradients, trainable)
    return loss, trainable, non_trainable, state


parts = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
values = [[variable.value for variable in part] for part in parts]
for epoch in range(5):
    for start in range(0, 256, 64):
        loss, *values = step(*values, x[start : start + 64], y[start : start + 64])
    print(f"epoch {epoch}: loss {float(loss):.3f}")
for variables, new in zip(parts, values, strict=True):
    for variable, value in zip(variables, new, strict=True):
        variable.assign(value)
print(model.evaluate_self_prediction(x))
