"""A self-prediction head with a hidden layer."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_selfmodel.layers.self_prediction_head import SelfPredictionHead
from keras_selfmodel.transforms.tensors import Tensor


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class DeepSelfPredictionHead(keras.layers.Layer):
    """Predicts the target activations through a hidden layer: â = W₂·ReLU(W₁·features + b₁) + b₂.

    Both layers start as a `SelfPredictionHead` does, from U(±1/√fan_in).

    Args:
        units: Number of target activations.
        hidden_units: Units of the hidden layer; `None` for as many as there are features.
        seed: Integer or sequence of integers that fixes the initial weights on every backend; `None` draws one.
        **kwargs: As for any Keras layer.

    Input shape: `(batch, features)`. Output shape: `(batch, units)`.

    Example:

    >>> head = DeepSelfPredictionHead(3, seed=1)
    >>> tuple(head(ops.zeros((2, 5))).shape), head.count_params()
    ((2, 3), 48)
    """

    def __init__(
        self,
        units: int,
        hidden_units: int | None = None,
        seed: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.hidden_units = hidden_units
        self.seed = seed

    def build(self, input_shape: Sequence[int]) -> None:
        features = int(input_shape[-1])
        hidden_units = features if self.hidden_units is None else self.hidden_units
        self.hidden = SelfPredictionHead(hidden_units, self._seed(0), dtype=self.dtype_policy, name="hidden")
        self.linear = SelfPredictionHead(self.units, self._seed(1), dtype=self.dtype_policy, name="linear")
        self.hidden.build((None, features))
        self.linear.build((None, hidden_units))

    def call(self, inputs: Tensor) -> Tensor:
        return self.linear(ops.relu(self.hidden(inputs)))

    def compute_output_shape(self, input_shape: Sequence[int]) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units, "hidden_units": self.hidden_units, "seed": self.seed}

    def _seed(self, layer: int) -> list[int] | None:
        if self.seed is None:
            return None
        return [*([self.seed] if isinstance(self.seed, int) else self.seed), layer]
