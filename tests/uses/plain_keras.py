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
    model,
    features,
    targets,
    x,
    y,
    loss,
    *,
    errors=None,
    scores=None,
    sample_weight=None,
    auxiliary_weight=None,
    atol=2e-6,
    **fit,
) -> dict:
    """One step of SGD on all samples moves the weights as that of a plain Keras model of one more output does.

    Args:
        model: A `SelfModelingModel`. Its head is shared.
        features: What the head reads, a symbolic tensor of the classifier, or several.
        targets: What it predicts, symbolic tensors.
        x: Inputs.
        y: Labels.
        loss: The task's loss; of several outputs a list.
        errors: What is squared, symbolic, instead of the head's prediction from the flattened features less the
            flattened targets.
        scores: The classifier's outputs, symbolic, where they are not `classifier.outputs`.
        sample_weight: Weights for the task.
        auxiliary_weight: Weights of the second output; those of the task unless given.
        atol: float32 rounding of weights of size 1, of sums of some dozen terms.
        **fit: More arguments of `fit` for the `SelfModelingModel`.

    Returns:
        The logs of the `SelfModelingModel`.
    """
    classifier, before = model.classifier, model.get_weights()
    draws = [(v, array(v)) for v in model.non_trainable_variables if "seed_generator" in v.path]
    samples = len(keras.tree.flatten(x)[0])
    common = {"batch_size": samples, "shuffle": False, "verbose": 0}
    model.compile(keras.optimizers.SGD(0.1), loss=loss, run_eagerly=True)
    keras.utils.set_random_seed(3)
    logs = model.fit(x, y, sample_weight=sample_weight, **common, **fit).history
    after = model.get_weights()

    model.set_weights(before)
    for state, value in draws:
        state.assign(value)
    if errors is None:
        read = features if isinstance(features, list) else [features]
        target = ops.concatenate([flat(target) for target in targets], axis=-1)
        prediction = model.head(ops.concatenate([flat(one) for one in read], axis=-1))
        errors = prediction - (ops.stop_gradient(target) if model.stop_gradient else target)
    inputs = classifier.inputs[0] if len(classifier.inputs) == 1 else classifier.input
    outputs = list(classifier.outputs if scores is None else [scores])
    several = len(outputs) > 1
    by_hand = keras.Model(inputs, [*outputs, errors])
    by_hand.compile(
        keras.optimizers.SGD(0.1),
        loss=[*(loss if several else [loss]), lambda _, errors: ops.mean(ops.square(errors), axis=-1)],
        loss_weights=[*[1.0] * len(outputs), model.aux_weight],
        run_eagerly=True,
    )
    if sample_weight is not None:
        sample_weight = [sample_weight, sample_weight if auxiliary_weight is None else auxiliary_weight]
    keras.utils.set_random_seed(3)
    labels = [*(y if several else [y]), np.zeros((samples, *[1] * (len(errors.shape) - 1)))]
    wanted = by_hand.fit(x, labels, sample_weight=sample_weight, **common).history
    moved = max(np.abs(a - b).max() for a, b in zip(after, before, strict=True) if a.size)
    assert moved > 1e-4
    for ours, theirs in zip(after, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)
    np.testing.assert_allclose(logs["loss"], wanted["loss"], rtol=1e-5)
    return {name: values[0] for name, values in logs.items()}
