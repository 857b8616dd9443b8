"""How narrow the distribution of the final layer's weights is."""

from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from keras_selfmodel._classifier_graph import classifier_of, final_kernel_layer


class Spread(NamedTuple):
    """Three descriptions of the width of a distribution of weights.

    Attributes:
        standard_deviation: The paper's measure.
        interquartile_range: Width of the middle half; blind to the tails.
        excess_kurtosis: Fourth standardised moment minus 3: −1.2 for the uniform distribution that training
            starts from, 0 for a normal one, positive for heavy tails.
    """

    standard_deviation: float
    interquartile_range: float
    excess_kurtosis: float


def weight_spread(model: keras.Model) -> Spread:
    """Measures the kernel of the classifier's final layer.

    The self-prediction head is not part of it, nor is the bias.

    Args:
        model: A built classifier, or a `SelfModelingModel`, of which the pruned classifier is measured.

    Returns:
        A `Spread`.

    Raises:
        ValueError: If the model has no layer with a kernel.

    Reference:
        arXiv 2407.10188, whose first measure of complexity is the standard deviation of these weights.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, kernel_initializer="ones")])
    >>> weight_spread(model).standard_deviation
    0.0
    """
    layer = final_kernel_layer(classifier_of(model))
    return spread_of(keras.ops.convert_to_numpy(layer.kernel))


def spread_of(weights: npt.ArrayLike) -> Spread:
    """The spread of any array of weights (population moments, in double precision).

    Args:
        weights: Array of any shape, at least one element.

    Returns:
        A `Spread`. Weights that are all equal have excess kurtosis NaN.

    Example:

    >>> spread_of([-1.0, 1.0]).standard_deviation
    1.0
    """
    values = np.asarray(weights, dtype=np.float64).ravel()
    deviation = values - values.mean()
    variance = float(np.mean(deviation**2))
    lower, upper = np.quantile(values, [0.25, 0.75])
    kurtosis = float(np.mean(deviation**4)) / variance**2 - 3.0 if variance > 0 else float("nan")
    return Spread(float(np.sqrt(variance)), float(upper - lower), kurtosis)
