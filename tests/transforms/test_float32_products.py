"""The precision that each backend's own setting has inside the context, and in what drives an estimate."""

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.rlct.chains_together import together
from keras_selfmodel.rlct.stepwise import alone


def rounds() -> bool:
    """Whether the backend is allowed to round the factors of products of float32 on devices that can."""
    match keras.config.backend():
        case "jax":
            import jax

            return "HIGHEST" not in str(jax.make_jaxpr(lambda a: a @ a)(np.ones((2, 2), "float32")))
        case "torch":
            import torch

            return torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32
        case _:
            import tensorflow as tf

            return tf.config.experimental.tensor_float_32_execution_enabled()


def test_products_keep_all_bits_inside_and_the_setting_is_as_before_afterwards():
    assert rounds()
    with pytest.raises(KeyError), transforms.float32_products():
        assert not rounds()
        raise KeyError
    assert rounds()


@pytest.mark.parametrize("drive", [alone, lambda steps: together([steps])[0]], ids=["alone", "together"])
def test_estimates_are_computed_in_it(drive):
    def estimating():
        return rounds()
        yield

    assert drive(estimating()) is False
