"""The loss of a network of words, as a function of the embeddings of the words that occur in a batch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel.layers import MeanPooledEmbedding
from keras_selfmodel.rlct.conventions import ResolvedSettings
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.shortcut import offers_shortcuts
from keras_selfmodel.transforms.tensors import Tree
from keras_selfmodel.words.batches import frequency_matrix, stacked, word_batch, word_batches
from keras_selfmodel.words.word_chains import WordChains


@dataclass(frozen=True)
class WordLoss:
    """A `Shortcut` of networks that start with a `MeanPooledEmbedding`: the data as words and their frequencies.

    Attributes:
        texts: Tokens of each text.
        labels: Class of each text.
        vocabulary_size: Number of different tokens.
        loss_of: `function(weights, frequencies, y) -> (mean loss, losses)`, where the first of the weights holds the
            rows of the words alone.
    """

    texts: list[np.ndarray]
    labels: np.ndarray
    vocabulary_size: int
    loss_of: Callable
    _known: dict = field(default_factory=dict)

    @classmethod
    def of(
        cls, model: keras.Model, per_sample_loss: Callable, x: Tree, y: Tree, *, training: bool
    ) -> "WordLoss | None":
        """What the loss depends on, or `None` if the model does not start with a `MeanPooledEmbedding`.

        Args:
            model: A built classifier.
            per_sample_loss: `function(y, scores)` that returns the loss of each sample.
            x: Tokens `(samples, length)`, behind the end of a text negative.
            y: Labels, `(samples,)`.
            training: Whether layers behave as in training.
        """
        if not isinstance(model, keras.Sequential) or not isinstance(model.layers[0], MeanPooledEmbedding):
            return None
        if model.non_trainable_variables or not all(layer.trainable for layer in model.layers):
            return None
        embedding, *others = model.layers
        behind = keras.Sequential([keras.Input((embedding.units,)), *others])

        def loss_of(weights, frequencies, y):
            rows, *weights = weights
            scores, _ = behind.stateless_call(weights, [], ops.matmul(frequencies, rows), training=training)
            losses = per_sample_loss(y, scores)
            return ops.mean(losses), losses

        x = ops.convert_to_numpy(x)
        texts = [row[row >= 0] for row in x]
        return cls(texts, ops.convert_to_numpy(y), embedding.vocabulary_size, loss_of)

    def stacks(self, batches: Iterable[np.ndarray], batch_size: int) -> list[tuple]:
        """Batches for loops over them, as `stacked` describes, mostly of the same shapes.

        Args:
            batches: Sample numbers of each batch.
            batch_size: Their size, but for smaller ones.
        """
        width, entries = self._bounds(batch_size)
        found = [word_batch([self.texts[i] for i in batch], self.labels[batch]) for batch in batches]
        width = max(width, _rounded_up(max(len(batch.words) for batch in found), self.vocabulary_size))
        entries = max(entries, _rounded_up(max(len(batch.frequencies) for batch in found)))
        stacks = stacked(found, width, self.vocabulary_size, entries)
        return [tuple(ops.convert_to_tensor(array) for array in stack) for stack in stacks]

    def _bounds(self, batch_size: int) -> tuple[int, int]:
        """The most words and entries of a batch of the data in their order."""
        if batch_size not in self._known:
            batches = word_batches(self.texts, self.labels, batch_size)
            words, entries = zip(*((len(batch.words), len(batch.frequencies)) for batch in batches), strict=True)
            self._known[batch_size] = _rounded_up(max(words), self.vocabulary_size), _rounded_up(max(entries))
        return self._known[batch_size]

    def losses(self, weights: list, batches: list[np.ndarray], program: Callable) -> list[np.ndarray]:
        """As `Shortcut.losses`; the table is the first of the weights."""
        loss_of = self.loss_of  # Not `self`: what is compiled must not keep the data alive.

        def evaluate(state, stack, weights):
            table, *others = weights

            def step(state, item):
                words, matrix, y = _read(item)
                return state, loss_of([ops.take(table, words, axis=0), *others], matrix, y)[1]

            return transforms.scan(step, state, stack)

        compiled, results = program(("losses by words",), lambda: evaluate, fuse=True), []
        for stack in self.stacks(batches, len(batches[0])):
            _, losses = compiled(ops.zeros(()), stack, weights)
            results.extend(ops.convert_to_numpy(losses).astype(np.float64))
        return results

    def gradient(self, weights: list, batches: list[np.ndarray], program: Callable) -> list:
        """As `Shortcut.gradient`."""
        differentiate = transforms.value_and_grad(self.loss_of)

        def add(total, stack, weights, part):
            table, *others = weights

            def step(total, item):
                words, matrix, y = _read(item)
                (loss, _), gradients = differentiate([ops.take(table, words, axis=0), *others], matrix, y)
                rows, *added = (
                    t + part * g
                    for t, g in zip([ops.take(total[0], words, axis=0), *total[1:]], gradients, strict=True)
                )
                return [transforms.put_rows_in_place(total[0], words, rows), *added], loss

            return transforms.scan(step, total, stack)

        compiled = program(("gradient by words",), lambda: add, fuse=True)
        total, samples = [ops.zeros_like(w) for w in weights], sum(len(batch) for batch in batches)
        for stack in self.stacks(batches, len(batches[0])):
            part = ops.convert_to_tensor(stack[-1].shape[1] / samples, keras.config.floatx())
            total, _ = compiled(total, stack, weights, part)
        return total

    def chains(self, energy: Energy, settings: ResolvedSettings) -> type[WordChains] | None:
        """As `Shortcut.chains`."""
        return WordChains if WordChains.fit(energy, settings) else None


offers_shortcuts(WordLoss.of)


def _rounded_up(number: int, limit: int | None = None) -> int:
    """Little more, so that stacks of other batches often have the same shape."""
    number = -(-number // 512) * 512
    return number if limit is None else min(number, limit)


def _read(item: tuple) -> Any:
    """Words, matrix of frequencies and labels of one batch of a stack."""
    words, places, frequencies, y = item
    return words, frequency_matrix(places, frequencies, y.shape[0], words.shape[0]), y
