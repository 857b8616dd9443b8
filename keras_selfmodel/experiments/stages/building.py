"""The second stage: the network of a run before training."""

from dataclasses import replace

import keras

from keras_selfmodel import transforms
from keras_selfmodel._said_arguments import as_in_a_file
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.objectives import Subject, find_objective
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.task import Task
from keras_selfmodel.models.precision import building_in, computes_in


def compiled_model(task: Task, recipe: Recipe, dataset: Dataset) -> keras.Model:
    """The network of a run before training, wrapped by its objective if the auxiliary weight is not 0.

    Args:
        task: The run's task.
        recipe: Its settings.
        dataset: Its data as the task prepared them.

    Raises:
        ValueError: If a setting does not fit the network or the data.
    """
    task.check(recipe)
    if recipe.rlct is not None:
        try:
            recipe.rlct.check_batch(len(dataset.y_train))
        except ValueError as error:
            # Options of the same names set the training's batches.
            raise ValueError(f"RLCT estimation: {as_in_a_file(str(error))}") from error
    with building_in(recipe.precision):
        classifier = task.network(recipe, dataset)
        if not computes_in(classifier, recipe.precision):
            raise ValueError(
                f"No layer of the network computes in {recipe.precision}, because each has its own dtype. "
                "Leave the dtypes out of the network, or use the precision it was built with."
            )
        model = classifier
        if recipe.aux_weight > 0:
            subject = Subject(
                classifier,
                recipe.targets,
                recipe.aux_weight,
                recipe.seed,
                network=lambda seed: task.network(replace(recipe, seed=seed), dataset),
            )
            model = find_objective(recipe.objective).model(subject)
    model.compile(
        task.optimizer(recipe),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        # Replicas take one step at a time: TensorFlow fails at several in one call.
        **(transforms.compile_options(model) if transforms.replicas() == 1 else {}),
    )
    return model
