"""What self-modeling is, built by hand as a Keras model with two outputs."""

import keras
import numpy as np
from keras import ops


def flat(tensor):
    return tensor if len(tensor.shape) == 2 else keras.layers.Flatten()(tensor)


def mean_square(values, weights=1.0) -> float:
    """The mean over samples and units of weighted squares, in double precision."""
    return float(np.mean(np.square(np.asarray(values, np.float64)) * weights))


def array(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def step_equals_plain_keras(
    model, features, targets, x, y, loss, *, sample_weight=None, auxiliary_weight=None, atol=2e-6, **fit
) -> dict:
    """One step of SGD on all samples moves the weights as that of a plain Keras model of two outputs does.

    Args:
        model: A `SelfModelingModel`. Its head is shared.
        features: What the head reads, a symbolic tensor of the classifier.
        targets: What it predicts, symbolic tensors.
        x: Inputs.
        y: Labels.
        loss: The task's loss.
        sample_weight: Weights for the task.
        auxiliary_weight: Weights of the second output; those of the task unless given.
        atol: float32 rounding of weights of size 1, of sums of some dozen terms.
        **fit: More arguments of `fit` for the `SelfModelingModel`.

    Returns:
        The logs of the `SelfModelingModel`.
    """
    classifier, before = model.classifier, model.get_weights()
    samples = len(keras.tree.flatten(x)[0])
    common = {"batch_size": samples, "shuffle": False, "verbose": 0}
    model.compile(keras.optimizers.SGD(0.1), loss=loss, run_eagerly=True)
    keras.utils.set_random_seed(3)
    logs = model.fit(x, y, sample_weight=sample_weight, **common, **fit).history
    after = model.get_weights()

    model.set_weights(before)
    prediction = model.head(flat(features))
    target = ops.concatenate([flat(target) for target in targets], axis=-1)
    both = ops.concatenate([prediction, ops.stop_gradient(target) if model.stop_gradient else target], axis=-1)
    inputs = classifier.inputs[0] if len(classifier.inputs) == 1 else classifier.input
    by_hand = keras.Model(inputs, [classifier.outputs[0], both])
    units = prediction.shape[-1]
    by_hand.compile(
        keras.optimizers.SGD(0.1),
        loss=[loss, lambda _, pair: ops.mean(ops.square(pair[:, :units] - pair[:, units:]), axis=-1)],
        loss_weights=[1.0, model.aux_weight],
        run_eagerly=True,
    )
    if sample_weight is not None:
        sample_weight = [sample_weight, sample_weight if auxiliary_weight is None else auxiliary_weight]
    keras.utils.set_random_seed(3)
    wanted = by_hand.fit(x, [y, np.zeros((samples, 1))], sample_weight=sample_weight, **common).history
    moved = max(np.abs(a - b).max() for a, b in zip(after, before, strict=True) if a.size)
    assert moved > 1e-4
    for ours, theirs in zip(after, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)
    np.testing.assert_allclose(logs["loss"], wanted["loss"], rtol=1e-5)
    return {name: values[0] for name, values in logs.items()}
