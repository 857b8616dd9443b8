"""The linear head that predicts the targets."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_selfmodel.initializers import FanInUniform
from keras_selfmodel.initializers.seeds import checked_seed


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class SelfPredictionHead(keras.layers.Dense):
    """One linear unit for each target activation: â = features · kernel + bias.

    Side by side with the classifier's last dense layer this is the same function as one dense layer with
    `classes + units` outputs, which is how the paper's code writes it, because kernel and bias are drawn from
    U(±1/√fan_in) and the fan-in of both is the same.

    Args:
        units: Number of target activations.
        seed: Integer or sequence of integers that fixes the initial weights on every backend; `None` draws one.
        **kwargs: As for any Keras layer (`name`, `dtype`, `trainable`).

    Input shape: `(batch, features)`. Output shape: `(batch, units)`.

    Reference:
        arXiv 2407.10188, where the final layer is widened by one output for each target activation.

    Example:

    >>> head = SelfPredictionHead(3, seed=1)
    >>> tuple(head(keras.ops.zeros((2, 5))).shape)
    (2, 3)
    """

    def __init__(self, units: int, seed: int | Sequence[int] | None = None, **kwargs: Any) -> None:
        kernel_initializer = FanInUniform(_seed_of(0, seed))
        super().__init__(units, kernel_initializer=kernel_initializer, **kwargs)
        self.seed = checked_seed(seed)

    def build(self, input_shape: Sequence) -> None:
        self.bias_initializer = FanInUniform(_seed_of(1, self.seed), fan_in=int(input_shape[-1]))
        super().build(input_shape)

    def get_config(self) -> dict:
        config = keras.layers.Layer.get_config(self)
        return {**config, "units": self.units, "seed": self.seed}


def _seed_of(part: int, seed: int | Sequence[int] | None) -> list[int] | None:
    """A seed of its own for the kernel, 0, and for the bias, 1."""
    checked = checked_seed(seed)
    if checked is None:
        return None
    return [*(checked if isinstance(checked, list) else [checked]), part]
