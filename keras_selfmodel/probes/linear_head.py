"""The linear map by which a network predicts what its head reads."""

import keras
import numpy as np

from keras_selfmodel.models import SelfModelingModel
from keras_selfmodel.probes.network_tap import TappedValues


def linear_self_model(model: SelfModelingModel, values: TappedValues) -> tuple[np.ndarray, np.ndarray]:
    """W and b of â = W·a + b, a the features that the head reads.

    A head that predicts several layers holds that map in some of its outputs: those of the target whose activations
    are the features.

    Args:
        model: A network with a linear head.
        values: Its features, and the activations of its targets in their order.

    Returns:
        W `(features, features)`, whose row i predicts feature i, and b `(features,)`.

    Raises:
        ValueError: If the head is not one dense linear layer, if no target is what it reads, if that is not what the
            final layer reads, or if the targets are normalized or transformed.

    Example:

    >>> from keras_selfmodel.probes.network_tap import NetworkTap
    >>> from keras_selfmodel.models import mlp
    >>> model = SelfModelingModel(mlp(5, inputs=3), "hidden")
    >>> weights, bias = linear_self_model(model, NetworkTap(model, model.targets).read(np.ones((2, 3))))
    >>> weights.shape, bias.shape
    ((5, 5), (5,))
    """
    head = model.head
    if not (isinstance(head, keras.layers.Dense) and head.activation is keras.activations.linear):
        raise ValueError(
            "Only a head that is one linear map (a dense layer without activation) can be compared with the identity. "
            f"Received: {type(head).__name__} {head.name!r}"
        )
    if model.target_normalization is not None or model.target_transformation is not None:
        raise ValueError(
            "The targets of this network are normalized or transformed: its head does not "
            "predict the numbers that it reads, so it cannot learn the identity. Received: "
            f"normalization {model.target_normalization}, transformation {model.target_transformation}"
        )
    if model.features is not None or model.per_timestep:
        raise ValueError(
            "The head of this network does not read what the final layer reads, sample by sample, so it cannot be "
            "compared with the identity. Received: a head that reads "
            + ("each time step of " if model.per_timestep else "")
            + (repr(model.features) if model.features is not None else "what the final layer reads")
        )
    start = 0
    for target in values.activations:
        stop = start + target.shape[1]
        # By value, not by name: between target and head may lie a dropout or a flatten, which change nothing here.
        if np.array_equal(target, values.features):
            kernel = keras.ops.convert_to_numpy(head.kernel)
            bias = keras.ops.convert_to_numpy(head.bias) if head.use_bias else np.zeros(head.units)
            return kernel[:, start:stop].T, bias[start:stop]
        start = stop
    raise ValueError(
        "No target of this network is what its head reads (the input of the final layer), so there is no identity map "
        f"to compare with. Received: targets {', '.join(map(repr, model.targets))}"
    )
