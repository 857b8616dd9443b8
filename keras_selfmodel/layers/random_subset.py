"""A fixed random choice of units."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel._numbers import real_number
from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class RandomSubset(keras.layers.Layer):
    """Keeps a random part of the units, always the same ones.

    The numbers of the units are a weight that is not trained, so that they are saved with a model, and differ between
    models of different seeds that are trained by one program.

    Args:
        fraction: Part of the units that are kept, 0 < fraction ≤ 1; at least one unit is.
        seed: Integer or sequence of integers that fixes the choice on every backend; `None` draws one.
        **kwargs: As for any Keras layer.

    Input shape: `(batch, units)`. Output shape: `(batch, kept units)`, in their order.

    Raises:
        ValueError: If the fraction is out of its range.

    Example:

    >>> ops.convert_to_numpy(RandomSubset(0.5, seed=1)(ops.array([[10, 11, 12, 13]]))).tolist()
    [[11, 12]]
    """

    def __init__(self, fraction: float, seed: int | Sequence[int] | None = None, **kwargs: Any) -> None:
        fraction = real_number("fraction", fraction, "a number in 0 < fraction ≤ 1", lambda part: 0 < part <= 1)
        super().__init__(**kwargs)
        self.fraction = fraction
        if seed is None:
            seed = int(np.random.randint(2**31))
        self.seed = seed if isinstance(seed, int) else [int(s) for s in seed]

    def build(self, input_shape: Sequence[int]) -> None:
        units, kept = int(input_shape[-1]), self._kept(input_shape)
        chosen = np.sort(np.random.default_rng(self.seed).choice(units, kept, replace=False))
        self.places = self.add_weight(
            shape=(kept,),
            dtype="int32",
            initializer=lambda shape, dtype: ops.convert_to_tensor(chosen, dtype),
            trainable=False,
            name="places",
        )

    def call(self, inputs: Tensor) -> Tensor:
        return ops.take(inputs, self.places, axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int]) -> tuple:
        return (*input_shape[:-1], self._kept(input_shape))

    def get_config(self) -> dict:
        return {**super().get_config(), "fraction": self.fraction, "seed": self.seed}

    def _kept(self, input_shape: Sequence[int]) -> int:
        return max(1, round(self.fraction * int(input_shape[-1])))
