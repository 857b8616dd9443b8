"""N(0, 1), drawn with NumPy."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class StandardNormal(keras.initializers.Initializer):
    """Normal with mean 0 and variance 1, PyTorch's default for embeddings.

    Drawn with NumPy rather than by the backend, so that one seed gives the same network on TensorFlow, JAX
    and PyTorch.

    Args:
        seed: Integer or sequence of integers, as `numpy.random.default_rng` takes it. Every call with one seed
            gives the same numbers. `None` draws a seed from NumPy's global generator, which
            `keras.utils.set_random_seed` sets.

    Reference:
        arXiv 2407.10188: the embeddings there start from this distribution.

    Example:

    >>> table = keras.ops.convert_to_numpy(StandardNormal(seed=1)((1000, 64)))
    >>> bool(abs(table.std() - 1) < 0.01)
    True
    """

    def __init__(self, seed: int | Sequence[int] | None = None) -> None:
        if seed is None:
            seed = int(np.random.randint(2**31))
        self.seed = seed if isinstance(seed, int) else [int(s) for s in seed]

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        values = np.random.default_rng(self.seed).standard_normal(tuple(shape), dtype=np.float32)
        return keras.ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())

    def get_config(self) -> dict:
        return {"seed": self.seed}
