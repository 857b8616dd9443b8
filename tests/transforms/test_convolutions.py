"""Gradients of convolutions in loops are those outside of loops."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_selfmodel import transforms


def residual():
    inputs = keras.Input((8, 8, 2))
    return keras.Model(inputs, layers.Add()([inputs, layers.Conv2D(2, 3, padding="same")(inputs)]))


KINDS = {
    "strided": lambda: [layers.Conv2D(3, 3, strides=2, padding="same", activation="relu"), layers.Conv2D(2, 2)],
    "depthwise": lambda: [layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)],
    "transposed": lambda: [layers.Conv2DTranspose(3, 3, strides=2)],
    "grouped": lambda: [layers.Conv2D(4, 3, groups=2)],
    "one-dimensional": lambda: [layers.Reshape((32, 4)), layers.Conv1D(3, 5, padding="causal")],
    "three-dimensional": lambda: [layers.Reshape((4, 4, 4, 2)), layers.Conv3D(2, 2)],
    "in a nested model": lambda: [residual(), residual()],
    "in a recurrent layer": lambda: [layers.Reshape((2, 16, 4)), layers.ConvLSTM1D(2, 3)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_in_loops_are_those_outside(kind):
    if kind == "grouped" and keras.config.backend() == "tensorflow":
        pytest.skip("TensorFlow has no gradient of grouped convolutions on a CPU")
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((8, 8, 2)), *KINDS[kind](), layers.Flatten(), layers.Dense(3)])
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(5, 8, 8, 2)).astype("float32"))
    weights = [ops.stop_gradient(ops.convert_to_tensor(v)) for v in model.trainable_variables]
    fixed = [ops.stop_gradient(ops.convert_to_tensor(v)) for v in model.non_trainable_variables]

    def loss(weights, x, fixed):
        scores, _ = model.stateless_call(weights, fixed, x)
        return ops.mean(ops.square(scores)), ()

    differentiate = transforms.value_and_grad(loss)
    mapped = transforms.map_chains(lambda weights, x, fixed: differentiate(weights, x, fixed))

    def run(state, x, fixed):
        def step(state, _):
            (losses, _), gradients = mapped(state, ops.stack([x, x]), shared=(fixed,))
            return [w - 0.01 * g for w, g in zip(state, gradients, strict=True)], losses

        return transforms.scan(step, state, ops.zeros((2,)))

    moved, losses = transforms.jit(run)([ops.stack([w, w + 0.1]) for w in weights], x, fixed)
    for chain, start in enumerate((weights, [w + 0.1 for w in weights])):
        for step in range(2):
            (expected, _), gradients = differentiate(start, x, fixed)
            # Float32 sums in another order.
            np.testing.assert_allclose(ops.convert_to_numpy(losses)[step, chain], float(expected), rtol=2e-5)
            start = [w - 0.01 * g for w, g in zip(start, gradients, strict=True)]
        for ours, theirs in zip(moved, start, strict=True):
            ours, theirs = ops.convert_to_numpy(ours)[chain], ops.convert_to_numpy(theirs)
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="the layout is JAX's")
def test_on_jax_no_convolution_of_a_loop_is_left_in_a_slow_layout():
    import jax

    from keras_selfmodel.transforms._jax_convolutions import with_fast_convolutions

    model = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Conv2DTranspose(2, 3, strides=2)])
    x, weights = np.ones((4, 8, 8, 2), "float32"), [np.array(w) for w in model.get_weights()]
    gradient = jax.grad(lambda weights: ops.sum(model.stateless_call(weights, [], x)[0] ** 2))
    as_written = str(jax.make_jaxpr(gradient)(weights))
    changed = str(jax.make_jaxpr(with_fast_convolutions(gradient))(weights))
    fast = "ConvDimensionNumbers(lhs_spec=(0, 3, 1, 2), rhs_spec=(3, 2, 0, 1), out_spec=(0, 3, 1, 2))"
    assert as_written.count("conv_general_dilated[") == changed.count("conv_general_dilated[") == 5
    assert as_written.count(fast) < 5 == changed.count(fast)
