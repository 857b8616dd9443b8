"""Texts as the words that occur in them: all that a mean of embeddings depends on."""

from keras_selfmodel.models.words.word_batches import WordBatch, frequency_matrix, stacked, word_batch, word_batches

__all__ = ["WordBatch", "frequency_matrix", "stacked", "word_batch", "word_batches"]
