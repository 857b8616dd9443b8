"""Networks that start with a pooled embedding: training and chains that touch only the words of a batch."""

from keras_selfmodel.words.batches import WordBatch, frequency_matrix, stacked, word_batch, word_batches
from keras_selfmodel.words.network_of_words import NetworkOfWords
from keras_selfmodel.words.word_chains import WordChains
from keras_selfmodel.words.word_loss import WordLoss
from keras_selfmodel.words.word_trainer import WordTrainer

__all__ = [
    "NetworkOfWords",
    "WordBatch",
    "WordChains",
    "WordLoss",
    "WordTrainer",
    "frequency_matrix",
    "stacked",
    "word_batch",
    "word_batches",
]
