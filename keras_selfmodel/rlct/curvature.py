"""The largest curvature of the loss, which decides how long a step may be."""

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.batches import random_batches
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.samplers.sampler import total


class Curvature:
    """Finds the largest eigenvalue of ∇²L_B at the weights of each chain, by power iteration.

    Products with the Hessian are differences of gradients on either side, which needs nothing of the network but its
    gradient. Where a chain has been before, its last direction is a good start and a few iterations do.

    Args:
        energy: The loss.
        batch_size: Samples of one product, at most the number of samples.
        seed: Seed of the batches and first directions.

    Attributes:
        evaluations: Gradients of a batch computed so far, all chains together.
        directions: The last direction of each chain, arrays of the weights' shapes with a leading axis of chains;
            `None` before the first call.
    """

    def __init__(self, energy: Energy, batch_size: int, seed: int) -> None:
        differentiate, separately = transforms.value_and_grad(energy.batch_loss), energy.separately

        def product(direction, weights, other, index, context):
            length = difference_length(ops.sqrt(sum(ops.sum(w * w) for w in weights)))

            def gradient(away):
                moved = [w + away * v for w, v in zip(weights, direction, strict=True)]
                return differentiate(moved, other, context, index)[1]

            return [(a - b) / (2 * length) for a, b in zip(gradient(length), gradient(-length), strict=True)]

        products = transforms.map_chains(product, separately=separately)

        def iterate(directions, weights, other, indices, context):
            return _normalized(products(directions, weights, other, indices, shared=(context,)))

        self._iterate = energy.program(("curvature",), lambda: iterate)
        self._energy = energy
        self._batch_size = batch_size
        self._seed = seed
        self.directions: list | None = None
        self.evaluations = 0

    def __call__(self, weights: list, other: list, iterations: int) -> float:
        """The largest curvature over the chains; NaN if a gradient is not finite.

        Args:
            weights: Weights with a leading axis of chains.
            other: Other variables, likewise.
            iterations: Steps of the power iteration.
        """
        chains = weights[0].shape[0]
        # Nothing but the count decides the numbers, so that an interrupted sampling can go on.
        rng = np.random.default_rng([self._seed, self.evaluations, 1])
        if self.directions is None:
            drawn = [ops.convert_to_tensor(rng.normal(size=w.shape), keras.config.floatx()) for w in weights]
            self.directions, _ = _normalized(drawn)
            del drawn
        for _ in range(iterations):
            index = random_batches(rng, chains, self._energy.num_samples, self._batch_size)
            self.directions, curvatures = self._iterate(
                self.directions, weights, other, self._energy.rows(index), self._energy.context
            )
        self.evaluations += 2 * iterations * chains
        largest = float(np.max(ops.convert_to_numpy(curvatures)))
        if not 0 < largest < np.inf:
            self.directions = None  # No direction: it would stay zero wherever the chains go.
        return largest

    def near(self, weights: list, other: list, width: float) -> float:
        """As a call, for weights that lie so far from these as normal numbers of this width."""
        rng = np.random.default_rng([self._seed, self.evaluations, 3])
        drawn = [ops.convert_to_tensor(width * rng.normal(size=w.shape), keras.config.floatx()) for w in weights]
        return self([w + away for w, away in zip(weights, drawn, strict=True)], other, 2)


def difference_length(norm: float) -> float:
    """How far on either side of weights of this norm gradients are taken: their difference keeps three digits."""
    return 1e-3 * (1 + norm)


def _normalized(arrays: list) -> tuple[list, list]:
    """The arrays of each chain as one vector of length 1, and its length before."""
    lengths = ops.sqrt(sum(total(a * a) for a in arrays))
    inverse = 1 / ops.where(lengths > 0, lengths, 1.0)
    return [a * ops.reshape(inverse, (-1,) + (1,) * (len(a.shape) - 1)) for a in arrays], lengths
