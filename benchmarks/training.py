"""Seconds an epoch: self-modeling in `fit`, the plain classifier in `fit`, and the best hand-written loop.

    KERAS_BACKEND=jax python -m benchmarks training
    KERAS_BACKEND=jax python -m benchmarks training --rounds 3 --check

784-512-(10 + 512) network, AW 10, batch 512, 60,000 rows, SGD with Nesterov momentum, float32. The hand-written loop
is written for the running backend alone, without Keras, metrics or callbacks. On PyTorch, `fit` has its steps played
back, as `ksm` has, and is run without that too. All run in turn, several rounds in one process. Two ratios are printed:
of the best rounds, which other load on the machine disturbs least, and the median of the rounds' ratios. With `--check`
the exit code is 1 if the first of them leaves its bound by half: a ratio, not a time, because it is about the same on
fast and slow machines.
"""

import argparse
import statistics
import sys
import time

import keras
import numpy as np

import keras_selfmodel as ksm
from keras_selfmodel import transforms
from keras_selfmodel.callbacks import PlayedBackSteps

ROWS, INPUTS, HIDDEN, CLASSES, BATCH = 60_000, 784, 512, 10, 512
AUX_WEIGHT, RATE, MOMENTUM = 10.0, 0.005, 0.9
# What `SelfModelingModel.fit` took on a quiet machine of two cores, in units of the hand-written loop.
BOUNDS, EXCESS = {"jax": 1.1, "tensorflow": 1.17, "torch": 1.36}, 1.5
OURS = "SelfModelingModel.fit"
BATCHES = [slice(start, start + BATCH) for start in range(0, ROWS, BATCH)]


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (ROWS, INPUTS)).astype("float32"), rng.integers(0, CLASSES, ROWS).astype("int32")


def widened_weights() -> list[np.ndarray]:
    """Hidden kernel and bias, and one final layer of classes and targets."""
    rng = np.random.default_rng(1)
    shapes = [((INPUTS, HIDDEN), INPUTS), ((HIDDEN,), INPUTS), ((HIDDEN, CLASSES + HIDDEN), HIDDEN)]
    shapes.append(((CLASSES + HIDDEN,), HIDDEN))
    return [(rng.uniform(-1, 1, shape) / np.sqrt(fan_in)).astype("float32") for shape, fan_in in shapes]


def keras_epoch(aux_weight: float, x, y, callbacks=()):
    model = classifier = ksm.models.mlp(HIDDEN, seed=1)
    if aux_weight:
        model = ksm.SelfModelingModel(classifier, "hidden", aux_weight, seed=1)
    model.compile(
        keras.optimizers.SGD(RATE, momentum=MOMENTUM, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **transforms.compile_options(model),
    )
    if keras.config.backend() == "torch":
        # As in the hand-written loop, the data are tensors already; Keras's other backends slice NumPy arrays faster.
        x, y = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0, callbacks=list(callbacks))


def jax_epoch(x, y):
    import jax
    import jax.numpy as jnp

    def loss(weights, x, y):
        w, b, v, c = weights
        hidden = jax.nn.relu(x @ w + b)
        outputs = hidden @ v + c
        scores, prediction = outputs[:, :CLASSES], outputs[:, CLASSES:]
        task = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1))
        return task + AUX_WEIGHT * jnp.mean((prediction - jax.lax.stop_gradient(hidden)) ** 2)

    def step(weights, velocities, x, y):
        gradients = jax.grad(loss)(weights, x, y)
        velocities = [MOMENTUM * m - RATE * g for m, g in zip(velocities, gradients, strict=True)]
        weights = [w + MOMENTUM * m - RATE * g for w, m, g in zip(weights, velocities, gradients, strict=True)]
        return weights, velocities

    step = jax.jit(step, donate_argnums=(0, 1))
    weights = [jnp.asarray(w) for w in widened_weights()]
    state = weights, [jnp.zeros_like(w) for w in weights]

    def epoch():
        nonlocal state
        for batch in BATCHES:
            state = step(*state, x[batch], y[batch])
        jax.block_until_ready(state)

    return epoch


def tensorflow_epoch(x, y):
    import tensorflow as tf

    weights = [tf.Variable(w) for w in widened_weights()]
    velocities = [tf.Variable(tf.zeros_like(w)) for w in weights]
    x, y = tf.constant(x), tf.constant(y)

    @tf.function
    def epoch():
        for i in tf.range(len(BATCHES)):
            xb, yb = x[i * BATCH : (i + 1) * BATCH], y[i * BATCH : (i + 1) * BATCH]
            with tf.GradientTape() as tape:
                w, b, v, c = weights
                hidden = tf.nn.relu(xb @ w + b)
                outputs = hidden @ v + c
                scores, prediction = outputs[:, :CLASSES], outputs[:, CLASSES:]
                task = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(yb, scores))
                error = prediction - tf.stop_gradient(hidden)
                loss = task + AUX_WEIGHT * tf.reduce_mean(tf.square(error))
            for w, m, g in zip(weights, velocities, tape.gradient(loss, weights), strict=True):
                m.assign(MOMENTUM * m - RATE * g)
                w.assign_add(MOMENTUM * m - RATE * g)

    return epoch


def torch_epoch(x, y):
    import torch
    from torch.nn import functional

    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = [torch.tensor(w, device=device, requires_grad=True) for w in widened_weights()]
    optimizer = torch.optim.SGD(weights, RATE, momentum=MOMENTUM, nesterov=True)
    x, y = torch.from_numpy(x).to(device), torch.from_numpy(y).long().to(device)

    def epoch():
        for batch in BATCHES:
            w, b, v, c = weights
            hidden = functional.relu(torch.addmm(b, x[batch], w))
            outputs = torch.addmm(c, hidden, v)
            task = functional.cross_entropy(outputs[:, :CLASSES], y[batch])
            loss = task + AUX_WEIGHT * functional.mse_loss(outputs[:, CLASSES:], hidden.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        loss.item()  # a GPU is waited for

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="Default: 7.")
    parser.add_argument("--check", action="store_true", help="Fail if the ratio leaves its bound by half.")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    x, y = data()
    backend = keras.config.backend()
    by_hand = {"jax": jax_epoch, "tensorflow": tensorflow_epoch, "torch": torch_epoch}[backend]
    candidates = {
        "hand-written loop": by_hand(x, y),
        OURS: keras_epoch(AUX_WEIGHT, x, y, [PlayedBackSteps()]),
        "plain classifier fit": keras_epoch(0.0, x, y),
    }
    if backend == "torch":
        candidates["without PlayedBackSteps"] = keras_epoch(AUX_WEIGHT, x, y)
    seconds = {name: [] for name in candidates}
    for round_number in range(rounds + 1):
        for name, epoch in candidates.items():
            start = time.perf_counter()
            epoch()
            if round_number:  # the first round compiles
                seconds[name].append(time.perf_counter() - start)
    print(f"{backend} on {transforms.devices()[0]}: seconds an epoch, best and median of {rounds} rounds")
    reference = seconds["hand-written loop"]
    for name, times in seconds.items():
        best = min(times) / min(reference)
        median = statistics.median(t / r for t, r in zip(times, reference, strict=True))
        print(
            f"  {name:<22} {min(times):6.2f} {statistics.median(times):6.2f}   "
            f"{best:.2f} and {median:.2f} × the hand-written loop"
        )
    ratio, most = min(seconds[OURS]) / min(reference), EXCESS * BOUNDS[backend]
    if arguments.check and ratio > most:
        sys.exit(f"{OURS} takes {ratio:.2f} × the hand-written loop, more than {most:.2f}.")


if __name__ == "__main__":
    main()
