"""U(±1/√fan_in), drawn with NumPy."""

import math
from collections.abc import Sequence

import keras
import numpy as np

from keras_selfmodel.initializers.seeds import checked_seed
from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class FanInUniform(keras.initializers.Initializer):
    """Uniform on ±1/√fan_in, PyTorch's default for dense and convolution kernels and biases.

    Drawn with NumPy rather than by the backend, so that one seed gives the same network on TensorFlow, JAX
    and PyTorch.

    Args:
        seed: Integer or sequence of integers, as `numpy.random.default_rng` takes it. Every call with one seed
            gives the same numbers, so each kernel and bias needs its own: `(seed, layer, 0)`, `(seed, layer, 1)`.
            `None` draws a seed from NumPy's global generator, which `keras.utils.set_random_seed` sets.
        fan_in: Number of inputs of one output unit. `None` reads it from the shape (all axes but the last),
            which is right for kernels; for a bias it must be given.

    Raises:
        ValueError: If `fan_in` is not positive, or is missing for a shape of fewer than two axes.

    Reference:
        arXiv 2407.10188: the networks there start from this distribution, biases included.

    Example:

    >>> initializer = FanInUniform(seed=(1, 0))
    >>> kernel = keras.ops.convert_to_numpy(initializer((25, 3)))
    >>> bool(abs(kernel).max() <= 0.2)
    True
    """

    def __init__(self, seed: int | Sequence[int] | None = None, fan_in: int | None = None) -> None:
        if fan_in is not None and fan_in <= 0:
            raise ValueError(f"fan_in must be a positive number of inputs. Received: fan_in={fan_in}")
        if seed is None:
            seed = int(np.random.randint(2**31))
        self.seed = checked_seed(seed)
        self.fan_in = fan_in

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        fan_in = self.fan_in
        if fan_in is None:
            if len(shape) < 2:
                raise ValueError(
                    "The fan-in of a bias cannot be read from its shape: pass fan_in=<inputs of one unit>. "
                    f"Received: shape={tuple(shape)}"
                )
            fan_in = math.prod(shape[:-1])
        bound = 1.0 / math.sqrt(fan_in)
        values = np.random.default_rng(self.seed).uniform(-bound, bound, size=tuple(shape))
        return keras.ops.convert_to_tensor(values.astype("float32"), dtype=dtype or keras.config.floatx())

    def get_config(self) -> dict:
        return {"seed": self.seed, "fan_in": self.fan_in}
