"""The loss of a network of words, as a function of the embeddings of the words that occur in a batch."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops

from keras_selfmodel.layers import MeanPooledEmbedding
from keras_selfmodel.models.words import stacked, word_batches


@dataclass(frozen=True)
class Words:
    """A network that starts with a `MeanPooledEmbedding`, and its data as words and their frequencies.

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
    _prepared: dict = field(default_factory=dict)

    @classmethod
    def of(cls, model: keras.Model, per_sample_loss: Callable, x, y, *, training: bool) -> "Words | None":
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

    def stack(self, batches: np.ndarray, batch_size: int) -> tuple[np.ndarray, ...]:
        """Batches for a loop over them, as `models.words.stacked` describes: always of the same shapes.

        Args:
            batches: Sample numbers `(batches, size)`, each row a batch of the pass over the data in their order.
            batch_size: Size of that pass's batches but the last.
        """
        if batch_size not in self._prepared:
            found = word_batches(self.texts, self.labels, batch_size)
            width = max(len(batch.words) for batch in found)
            self._prepared[batch_size] = found, width, max(len(batch.frequencies) for batch in found)
        found, width, entries = self._prepared[batch_size]
        chosen = [found[first // batch_size] for first in batches[:, 0]]
        (stack,) = stacked(chosen, width, self.vocabulary_size, entries)
        return stack
