"""What is predicted, or penalized: activations of one or several layers as one vector a sample."""

from collections.abc import Sequence
from typing import Literal

import keras
from keras import ops

TargetNormalization = Literal["unit_rms"] | None


def checked_names(targets: str | Sequence[str]) -> tuple[str, ...]:
    """The names of the target layers.

    Raises:
        ValueError: If there is none, or one is named twice.
    """
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    if not names:
        raise ValueError("targets must name at least one layer. Received: targets=[]")
    if len(set(names)) != len(names):
        raise ValueError(f"Each target may be named once. Received: targets={list(names)}")
    return names


def check_sizes(targets: dict[str, tuple]) -> None:
    """Checks that the shapes of target layers, by name, are known but for the batch.

    Raises:
        ValueError: If one is not.
    """
    for name, shape in targets.items():
        if None in shape[1:]:
            raise ValueError(
                f"Target {name!r} has shape {shape}; all axes but the batch must be known, because each activation "
                "gets its own output of the head."
            )


def target_tensor(activations: Sequence, normalization: TargetNormalization = None):
    """Flattens symbolic activations per sample and concatenates them: `(batch, n)`.

    Args:
        activations: One for each layer, `(batch, ...)`.
        normalization: "unit_rms" divides each by its root mean square over the batch and its units.
    """
    # The loss is formed in single precision at least, whatever precision the layers compute in.
    precision = keras.config.floatx()
    activations = [flat(activation) for activation in activations]
    activations = [a if a.dtype == precision else ops.cast(a, precision) for a in activations]
    if normalization == "unit_rms":
        activations = [_unit_rms(activation) for activation in activations]
    return ops.concatenate(activations, axis=-1) if len(activations) > 1 else activations[0]


def flat(tensor):
    """Flattens all axes but the batch: `(batch, ...)` to `(batch, n)`."""
    return tensor if len(tensor.shape) == 2 else keras.layers.Reshape((-1,))(tensor)


def _unit_rms(activation):
    return activation * ops.rsqrt(ops.mean(ops.square(activation)) + keras.config.epsilon())
