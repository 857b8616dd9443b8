"""The curvatures of the loss: the largest, which decides how long a step may be, and all of a small network at w*."""

import math

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.batches import random_batches
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.samplers.sampler import total

# Batches over which all curvatures are averaged: the number of gradients in all, and the least and most batches.
SPECTRUM_GRADIENTS, FEWEST_BATCHES, MOST_BATCHES = 8000, 4, 32
# A curvature below this number of its standard errors over these batches is taken to be zero.
SEEN = 3.0


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

    def spectrum(self, chains: int) -> np.ndarray:
        """All eigenvalues of ∇²L at w*, `(d,)`, over some batches: 0 where they cannot be told from it, NaN if a
        gradient is not finite.

        Args:
            chains: How many directions are looked at together.
        """
        energy = self._energy
        size, shapes = energy.num_parameters, [tuple(w.shape) for w in energy.anchor]
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])[:-1]
        weights, other = ([ops.stack([a] * chains) for a in arrays] for arrays in (energy.anchor, energy.other))
        batches = min(max(SPECTRUM_GRADIENTS // (2 * size), FEWEST_BATCHES), MOST_BATCHES)
        rng = np.random.default_rng([self._seed, 6])
        drawn = random_batches(rng, batches, energy.num_samples, self._batch_size)[:, None].repeat(chains, axis=1)
        hessians = np.zeros((batches, size, size))
        for start in range(0, size, chains):
            parts = np.split(np.eye(chains, size, start), ends, axis=1)  # Rows beyond the last weight are zero.
            directions = [part.reshape(chains, *shape) for part, shape in zip(parts, shapes, strict=True)]
            for number, index in enumerate(drawn):
                # New ones each time: their memory is used again.
                asked = [ops.convert_to_tensor(part, keras.config.floatx()) for part in directions]
                unit, lengths = self._iterate(asked, weights, other, energy.rows(index), energy.context)
                rows = [ops.convert_to_numpy(part).reshape(chains, -1) for part in unit]
                found = np.concatenate(rows, axis=1) * ops.convert_to_numpy(lengths)[:, None]
                hessians[number, start : start + chains] = found[: size - start]
        self.evaluations += 2 * size * batches
        if not np.isfinite(hessians).all():
            return np.full(size, np.nan)
        hessian = hessians.mean(axis=0)
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        # What a batch sees of a direction that is flat over all data is noise of either sign.
        seen = np.einsum("ik,bij,jk->bk", vectors, hessians, vectors, optimize=True)
        return np.where(np.abs(values) > SEEN * seen.std(axis=0, ddof=1) / math.sqrt(batches), values, 0.0)


def difference_length(norm: float) -> float:
    """How far on either side of weights of this norm gradients are taken: their difference keeps three digits."""
    return 1e-3 * (1 + norm)


def _normalized(arrays: list) -> tuple[list, list]:
    """The arrays of each chain as one vector of length 1, and its length before."""
    lengths = ops.sqrt(sum(total(a * a) for a in arrays))
    inverse = 1 / ops.where(lengths > 0, lengths, 1.0)
    return [a * ops.reshape(inverse, (-1,) + (1,) * (len(a.shape) - 1)) for a in arrays], lengths
