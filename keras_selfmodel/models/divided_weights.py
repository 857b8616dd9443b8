"""Networks wider than one device: their weights divided among several."""

from typing import Any

from keras_selfmodel import transforms

# By the end of a variable's path: which of its axes is divided. A layer's outputs are, where the next one takes them
# up by its inputs; biases follow. What is not named here, such as batch normalization, is small: every device has it.
DIVIDED = {
    "hidden/kernel": (None, "model"),
    "hidden/bias": ("model",),
    "logits/kernel": ("model", None),
    "self_prediction_head/kernel": (None, "model"),
    "self_prediction_head/bias": ("model",),
    # Of the vector of each word: the number of words need not be even.
    "pooled/embeddings": (None, "model"),
    r"conv2d(_\d+)?/kernel": (None, None, None, "model"),
}


def model_parallel(devices: int, *, replicas: int = 1) -> Any:
    """The distribution in whose `scope()` `mlp`, `resnet18`, `text_classifier` and their heads are divided.

    Each device holds its part of every large weight, and of the optimizer's state for it. Sizes that are divided must
    be multiples of `devices`: hidden units, channels, embedding, and the number of target activations.

    Args:
        devices: Devices that share one copy of the weights.
        replicas: Copies of the weights, each with its part of every batch; `devices * replicas` are needed.

    Returns:
        A `keras.distribution.ModelParallel`.

    Raises:
        ValueError: If there are fewer devices.
        NotImplementedError: If Keras has no model parallelism for the backend.

    Reference:
        Shoeybi et al., "Megatron-LM", arXiv 1909.08053: outputs of one layer, inputs of the next.

    Example:

    >>> with model_parallel(1).scope():  # doctest: +SKIP
    ...     classifier = mlp(1024, seed=1)
    """
    there = transforms.devices()
    if min(devices, replicas) < 1 or devices * replicas > len(there):
        raise ValueError(
            f"The backend has {len(there)} devices: {', '.join(there)}. Received: devices={devices}, "
            f"replicas={replicas}"
        )
    return transforms.model_parallel(DIVIDED, devices, replicas)
