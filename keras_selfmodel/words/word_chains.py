"""Chains of a network of words by steps that touch only the embeddings of the words of the batch.

All other embeddings have no gradient: they are pulled towards w* and shaken, w − w* ← a·(w − w*) + √ε·z with
a = 1 − εγ/2. After k such steps w − w* is normal with mean aᵏ·(w − w*) and variance ε·(1 − a²ᵏ)/(1 − a²), so that a row
is brought up to date by one draw when its word comes up again. The chains have the law that they have step by step.
Of IMDB's 100,683 words, 3,600 occur in a batch of 64 reviews.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.samplers import Position
from keras_selfmodel.transforms.tensors import Key, Tensor
from keras_selfmodel.words.batches import frequency_matrix

if TYPE_CHECKING:  # It makes these chains.
    from keras_selfmodel.words.word_loss import WordLoss


class WordChains(Chains):
    """Chains by SGLD under the paper's convention, in which all chains see the same batches; see `Chains`.

    The state holds, besides weights, the number of steps that each row of the table has seen. The tables of all chains
    are one array, `(chains · vocabulary, units)`.
    """

    @staticmethod
    def fit(energy: Energy, settings: ResolvedSettings) -> bool:
        """Whether these chains can sample by these settings."""
        return (
            settings.convention == "paper"
            and settings.sampler == "sgld"
            # Beyond, rows jump from one side of w* to the other.
            and settings.step_size is not None
            and 0.5 * settings.step_size * settings.localization < 1
        )

    @property
    def _word_loss(self) -> "WordLoss":
        return cast("WordLoss", self._energy.shortcut)  # Which alone makes these chains.

    def _start(self, key: Key) -> tuple:
        weights, _, other, key = super()._start(key)
        table, *others = weights
        rows = math.prod(table.shape[:2])
        return [ops.reshape(table, (rows, -1)), *others], [ops.zeros((rows,), "int32")], other, key

    def _data(self, indices: np.ndarray) -> tuple:
        (stack,) = self._word_loss.stacks(indices[:, 0], self._settings.batch_size)
        now = np.arange(self.done, self.done + len(indices), dtype=np.int32)
        return (ops.convert_to_tensor(now), *stack), self._energy.anchor

    def _draw(self) -> list:
        """The weights of the last draw, every row up to date."""

        def catch_up(state, now, anchor, _, localization, step_size, __):
            weights, (seen,), other, key = state
            table, *others = weights
            reference = ops.tile(anchor[0], (table.shape[0] // anchor[0].shape[0], 1))
            key, (normal,) = transforms.normals(key, [table])
            away = _later(table - reference, now - seen, normal, step_size, localization)
            return ([reference + away, *others], [ops.full_like(seen, now)], other, key), ops.zeros(())

        program = self._energy.program(("words caught up",), lambda: catch_up, fuse=True)
        now = ops.convert_to_tensor(self.done, "int32")
        self._state, _ = program(self._state, now, self._energy.anchor, *self._numbers())
        table, *others = self._state[0]
        return [ops.reshape(table, (self._number, *self._energy.anchor[0].shape)), *others]

    def _compiled(self, *, several: bool = False) -> Callable:
        """Compiles `(state, stack, anchor, …, step_size, friction) -> (state, trace (steps, 3, chains))`."""
        if several:
            raise NotImplementedError("Chains of words are sampled one network after another.")
        sampler = self._sampler
        differentiate = transforms.value_and_grad(self._word_loss.loss_of)

        def gradient(weights, matrix, y):
            (loss, _), gradients = differentiate(weights, matrix, y)
            return loss, gradients

        all_gradients = transforms.map_chains(gradient)

        def run(state, stack, anchor, nbeta, localization, step_size, friction):
            vocabulary, units = anchor[0].shape

            def step(state, item):
                (table, *others), (seen,), other, key = state
                now, words, places, frequencies, y = item
                chains, width = table.shape[0] // vocabulary, words.shape[0]
                matrix = frequency_matrix(places, frequencies, y.shape[0], width)
                numbers = ops.reshape(words[None] + vocabulary * ops.arange(chains, dtype="int32")[:, None], (-1,))
                reference = ops.tile(ops.take(anchor[0], words, axis=0), (chains, 1))
                stale = ops.take(table, numbers, axis=0) - reference
                of_chains = ops.reshape(stale, (chains, width, units))
                key, (since, *normals) = transforms.normals(key, [stale, of_chains, *others])
                away = _later(stale, now - ops.take(seen, numbers, axis=0), since, step_size, localization)

                anchors = [ops.reshape(reference, (chains, width, units)), *anchor[1:]]
                weights = [anchors[0] + ops.reshape(away, (chains, width, units)), *others]

                losses, gradients = all_gradients(weights, shared=(matrix, y))

                def force(i: int):
                    return transforms.add_scaled_in_place(
                        localization * (anchors[i] - weights[i]), -nbeta, gradients[i]
                    )

                here = Position(weights, losses, gradients, force, None, nbeta)
                (rows, *others), _, losses, heat, acceptance = sampler.step(here, [], normals, step_size, friction)
                table = transforms.put_rows_in_place(table, numbers, ops.reshape(rows, (-1, units)))
                seen = transforms.put_rows_in_place(seen, numbers, ops.full_like(numbers, now + 1))
                state = ([table, *others], [seen], other, key)
                return state, ops.stack([losses, heat, acceptance])

            return transforms.scan(step, state, stack)

        return self._energy.program(("word chains",), lambda: run, fuse=True)


def _decay(steps: Tensor, step_size: Tensor, localization: Tensor) -> Tensor:
    """aᵏ, and the variance ε·(1 − a²ᵏ)/(1 − a²), after k steps without a gradient; without localization that is εk."""
    steps = ops.cast(steps, step_size.dtype)
    logarithm = ops.log1p(-0.5 * step_size * localization)
    pulled = logarithm < 0
    safe = ops.where(pulled, ops.expm1(2 * logarithm), -1.0)
    times = ops.where(pulled, ops.expm1(2 * logarithm * steps) / safe, steps)
    return ops.exp(logarithm * steps), step_size * times


def _later(away: Tensor, steps: Tensor, normal: Tensor, step_size: Tensor, localization: Tensor) -> Tensor:
    """w − w* of rows after `steps` steps without a gradient."""
    decay, variance = _decay(steps, step_size, localization)
    return decay[:, None] * away + ops.sqrt(variance)[:, None] * normal
