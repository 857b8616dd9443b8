"""One network trained on several devices."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from keras_selfmodel import transforms
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task

Scope = Callable[[], AbstractContextManager]
"""Returns the context in which a network is made, loaded and trained."""

ONE_DEVICE: Scope = nullcontext


def shared_by(devices: int, task: Task, recipe: Recipe, dataset: Dataset) -> Scope:
    """The scope of networks that several devices train, each on its part of every batch.

    Args:
        devices: How many.
        task: The run's task.
        recipe: Settings of the run.
        dataset: Its data.

    Raises:
        ValueError: If there are fewer devices, a batch cannot be divided evenly among them, or the networks of the
            task are not trained by Keras's `fit`.
        NotImplementedError: If Keras has no such training for the backend.
    """
    if devices < 1:
        raise ValueError(f"devices must be at least 1. Received: devices={devices}")
    if devices == 1:
        return ONE_DEVICE
    if not task.by_fit:
        raise ValueError(f"Networks of {recipe.task} can only be trained on one device. Received: devices={devices}")
    there = transforms.devices()
    if devices > len(there):
        number = "one device" if len(there) == 1 else f"{len(there)} devices"
        raise ValueError(f"The backend has only {number}: {', '.join(there)}. Received: devices={devices}")
    for samples in (len(dataset.y_train), len(dataset.y_test)):
        for batch in {min(recipe.batch_size, samples), samples % recipe.batch_size}:
            if batch % devices:
                raise ValueError(
                    f"A batch of {batch} samples cannot be divided among {devices} devices ({samples} samples in "
                    f"batches of {recipe.batch_size}). Choose another batch_size or number of devices."
                )
    return transforms.data_parallel(devices).scope
