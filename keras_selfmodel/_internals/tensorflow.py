"""TensorFlow: whether products of float32 may round their factors to TF32.

Relied on: `tf.config.experimental` reads and sets it for what runs from then on, compiled programs included.
"""

import tensorflow as tf


def rounds_products() -> bool:
    """Whether they may."""
    return tf.config.experimental.tensor_float_32_execution_enabled()


def set_rounding_of_products(allowed: bool) -> None:
    """Sets whether they may, on GPUs that can."""
    tf.config.experimental.enable_tensor_float_32_execution(allowed)
