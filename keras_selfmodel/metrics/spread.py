"""How narrow the distribution of the final layer's weights is."""

from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from keras_selfmodel._classifier_graph import final_kernel


class Spread(NamedTuple):
    """Three descriptions of the width of a distribution of weights.

    Attributes:
        standard_deviation: The paper's measure.
        interquartile_range: Width of the middle half; blind to the tails.
        excess_kurtosis: Fourth standardized moment minus 3: −1.2 for the uniform distribution that training
            starts from, 0 for a normal one, positive for heavy tails.
    """

    standard_deviation: float
    interquartile_range: float
    excess_kurtosis: float


def weight_spread(model: keras.Model, output_layer: str | None = None) -> Spread:
    """Measures the kernel of the classifier's final layer.

    The self-prediction head is not part of it, nor is the bias. The final layer is the last one that has weights; a
    nested model, also a `SelfModelingModel`, or a wrapper at the end is looked into. Its kernel is the weight called
    `kernel` (of an LSTM, that of its cell; of a separable convolution the pointwise one), else its largest matrix. A
    quantized kernel is that of its codes times their scale.

    Args:
        model: A built classifier, or a `SelfModelingModel`, of which the pruned classifier is measured.
        output_layer: Name of the final layer ("head/logits" inside a nested model), where it cannot be determined;
            `None` for that of the `SelfModelingModel`, or to find it.

    Returns:
        A `Spread`.

    Raises:
        ValueError: If the model has no final layer, or it cannot be determined; if that has no kernel.

    Reference:
        arXiv 2407.10188, whose first measure of complexity is the standard deviation of these weights.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, kernel_initializer="ones")])
    >>> weight_spread(model).standard_deviation
    0.0
    """
    return spread_of(final_kernel(model, output_layer))


def spread_of(weights: npt.ArrayLike) -> Spread:
    """The spread of any array of weights (population moments, in double precision).

    Args:
        weights: Array of any shape, at least one element.

    Returns:
        A `Spread`. Weights that are all equal have excess kurtosis NaN; where one is not finite, all is NaN.

    Example:

    >>> spread_of([-1.0, 1.0]).standard_deviation
    1.0
    """
    values = np.asarray(weights, dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        return Spread(float("nan"), float("nan"), float("nan"))
    deviation = values - values.mean()
    variance = float(np.mean(deviation**2))
    lower, upper = np.quantile(values, [0.25, 0.75])
    kurtosis = float(np.mean(deviation**4)) / variance**2 - 3.0 if variance > 0 else float("nan")
    return Spread(float(np.sqrt(variance)), float(upper - lower), kurtosis)
