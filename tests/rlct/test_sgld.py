import math

import numpy as np
from keras import ops

from keras_selfmodel.rlct.sgld import sgld_step


def test_step_equals_the_formula():
    rng = np.random.default_rng(0)
    weight, gradient, noise = (rng.normal(size=(4, 3, 2)).astype("float32") for _ in range(3))
    anchor = rng.normal(size=(3, 2)).astype("float32")
    stepped = sgld_step(
        ops.convert_to_tensor(weight),
        ops.convert_to_tensor(anchor),
        ops.convert_to_tensor(gradient),
        ops.convert_to_tensor(noise),
        step_size=0.02,
        inverse_temperature=30.0,
        localization=5.0,
    )
    # Equation of arXiv 2308.12108 in double precision; float32 loses 1e-7 of numbers up to 3.
    wanted = weight.astype(float)
    wanted -= 0.01 * (30.0 * gradient + 5.0 * (weight - anchor))
    wanted += math.sqrt(0.02) * noise
    np.testing.assert_allclose(ops.convert_to_numpy(stepped), wanted, atol=1e-6)
