"""Deep linear networks whose RLCT is known, to try estimators on."""

import math
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from keras_selfmodel.rlct.exact import LearningCoefficient, deep_linear

Kind = Literal["generic", "singular"]

# Inputs are uniform in ± this.
INPUT_RANGE = 10.0


@dataclass(frozen=True)
class DeepLinearNetwork:
    """A deep linear network at a true parameter, with the RLCT that an estimator has to find there.

    Attributes:
        widths: H₀ … H_L, inputs and outputs included.
        rank: r, the rank of the true map.
        weights: The matrices `(H₀, H₁)` … of the true parameter, float32.
        coefficient: Exact RLCT and multiplicity.
    """

    widths: tuple[int, ...]
    rank: int
    weights: tuple[np.ndarray, ...]
    coefficient: LearningCoefficient

    @property
    def num_parameters(self) -> int:
        """Number of weights."""
        return sum(matrix.size for matrix in self.weights)

    def model(self) -> keras.Model:
        """A Keras model at the true parameter: dense layers without bias or activation."""
        layers = [keras.layers.Dense(width, use_bias=False) for width in self.widths[1:]]
        model = keras.Sequential([keras.Input((self.widths[0],)), *layers])
        model.set_weights(self.weights)
        return model

    def data(self, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs from U[−10, 10] and what the true map makes of them, without noise: `(samples, H₀)`, `(samples, H_L)`.

        The mean squared error of the model on them is its loss, and 0 at the true parameter.
        """
        x = np.random.default_rng(seed).uniform(-INPUT_RANGE, INPUT_RANGE, (samples, self.widths[0]))
        x = x.astype("float32")
        y = x
        for matrix in self.weights:
            y = y @ matrix
        return x, y


def deep_linear_network(parameters: int, kind: Kind, seed: int) -> DeepLinearNetwork:
    """Draws a deep linear network of about the given size.

    Two to five layers below 5,000 parameters, two to ten above, of widths that differ up to five times. In a random
    basis of each layer's inputs and outputs, a block of r × r carries the true map; its singular values are log-normal
    about 1, so that n = 10⁵ samples tell the true rank. The rest of each matrix is

    - "generic": Gaussian, so that no layer is reduced, and r is the least width;
    - "singular": zero, so that all partial products have rank r, drawn below the least width.

    In both cases the RLCT at this parameter is Aoyagi's value, the least of all true parameters; where layers are
    reduced in other ways, it can be larger.

    Args:
        parameters: Number of weights wanted, at least 100; the network has nearly as many.
        kind: "generic" or "singular".
        seed: Fixes everything.

    Raises:
        ValueError: If the size or the kind is not possible.

    Reference:
        After Lau et al., arXiv 2308.12108, appendix J, and Hitchcock & Hoogland, arXiv 2507.21449.

    Example:

    >>> network = deep_linear_network(1000, "singular", seed=1)
    >>> network.widths, network.rank, float(network.coefficient.value)
    ((26, 22, 10, 21), 4, 134.0)
    """
    if parameters < 100:
        raise ValueError(f"parameters must be at least 100. Received: {parameters}")
    if kind not in ("generic", "singular"):
        raise ValueError(f"kind must be 'generic' or 'singular'. Received: {kind!r}")
    rng = np.random.default_rng([seed, parameters, kind == "singular"])
    layers = int(rng.integers(2, 6 if parameters < 5000 else 11))
    factors = np.exp(rng.uniform(math.log(0.3), math.log(1.5), layers + 1))
    scale = math.sqrt(parameters / np.sum(factors[1:] * factors[:-1]))
    widths = tuple(max(3, round(factor * scale)) for factor in factors)
    rank = min(widths) if kind == "generic" else int(rng.integers(1, min(widths)))
    bases = [_orthogonal(rng, width) for width in widths]
    weights = []
    for i, shape in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        matrix = np.zeros(shape)
        singular_values = np.exp(rng.normal(size=rank) * 0.5 / math.sqrt(layers))
        matrix[:rank, :rank] = _orthogonal(rng, rank) * singular_values
        if kind == "generic":
            matrix[rank:, rank:] = rng.normal(size=(shape[0] - rank, shape[1] - rank)) / math.sqrt(shape[0])
        weights.append((bases[i] @ matrix @ bases[i + 1].T).astype("float32"))
    return DeepLinearNetwork(widths, rank, tuple(weights), deep_linear(widths, rank))


def _orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(size, size)))[0]
