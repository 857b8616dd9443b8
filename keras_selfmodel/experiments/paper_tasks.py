"""The tasks of the paper by name."""

from keras_selfmodel.experiments.cifar10 import CIFAR10
from keras_selfmodel.experiments.imdb import IMDB
from keras_selfmodel.experiments.mnist import MNIST
from keras_selfmodel.experiments.task import Task

TASKS: dict[str, Task] = {"mnist": MNIST, "cifar10": CIFAR10, "imdb": IMDB}
"""The paper's tasks by name."""
