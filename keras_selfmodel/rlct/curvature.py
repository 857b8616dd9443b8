"""The largest curvature of the loss, which decides how long a step may be."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.batches import random_batches
from keras_selfmodel.rlct.energy import take
from keras_selfmodel.rlct.samplers.sampler import total


class Curvature:
    """Finds the largest eigenvalue of ∇²L_B at the weights of each chain, by power iteration.

    Products with the Hessian are differences of gradients on either side, which needs nothing of the network but its
    gradient. Where a chain has been before, its last direction is a good start and a few iterations do.

    Args:
        batch_loss: As `energy` returns it.
        data: x and y on the device.
        num_samples: Number of samples.
        batch_size: Samples of one product, at most the number of samples.
        seed: Seed of the batches and first directions.
        separately: As for `transforms.map_chains`.

    Attributes:
        evaluations: Gradients of a batch computed so far, all chains together.
    """

    def __init__(
        self, batch_loss: Callable, data: tuple, num_samples: int, batch_size: int, seed: int, *, separately: bool
    ) -> None:
        differentiate = transforms.value_and_grad(batch_loss)

        def product(direction, weights, other, index, x, y):
            batch = take(x, index), take(y, index)
            length = 1e-3 * (1 + ops.sqrt(sum(ops.sum(w * w) for w in weights)))
            sides = [
                differentiate([w + sign * length * v for w, v in zip(weights, direction, strict=True)], other, *batch)
                for sign in (1.0, -1.0)
            ]
            (_, above), (_, below) = sides
            return [(a - b) / (2 * length) for a, b in zip(above, below, strict=True)]

        def iterate(directions, weights, other, indices, x, y):
            def one(direction, weights, other, index):
                return product(direction, weights, other, index, x, y)

            products = transforms.map_chains(one, separately=separately)(directions, weights, other, indices)
            return _normalized(products)

        self._iterate = transforms.jit(iterate)
        self._data = data
        self._num_samples = num_samples
        self._batch_size = batch_size
        self._rng = np.random.default_rng([seed, 1])
        self._directions = None
        self.evaluations = 0

    def __call__(self, weights: list, other: list, iterations: int) -> float:
        """The largest curvature over the chains; NaN if a gradient is not finite.

        Args:
            weights: Weights with a leading axis of chains.
            other: Other variables, likewise.
            iterations: Steps of the power iteration.
        """
        chains = weights[0].shape[0]
        if self._directions is None:
            drawn = [self._rng.normal(size=w.shape).astype(keras.config.floatx()) for w in weights]
            self._directions, _ = _normalized([ops.convert_to_tensor(v) for v in drawn])
        for _ in range(iterations):
            index = random_batches(self._rng, chains, self._num_samples, self._batch_size)
            self._directions, curvatures = self._iterate(
                self._directions, weights, other, ops.convert_to_tensor(index), *self._data
            )
        self.evaluations += 2 * iterations * chains
        largest = float(np.max(ops.convert_to_numpy(curvatures)))
        if not np.isfinite(largest):
            self._directions = None
        return largest


def _normalized(arrays: list) -> tuple[list, list]:
    """The arrays of each chain as one vector of length 1, and its length before."""
    lengths = ops.sqrt(sum(total(a * a) for a in arrays))
    inverse = 1 / ops.where(lengths > 0, lengths, 1.0)
    return [a * ops.reshape(inverse, (-1,) + (1,) * (len(a.shape) - 1)) for a in arrays], lengths
