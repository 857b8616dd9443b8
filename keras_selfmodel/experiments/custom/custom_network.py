"""The network of a user's recipe: a saved Keras model, a function, or the package's `mlp`."""

import dataclasses
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_selfmodel._registered_rooms import import_registered_rooms
from keras_selfmodel._whole_files import why_no_file
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.datasets.reshaping import reshaped
from keras_selfmodel.experiments.custom.python_file import PythonFunction
from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError
from keras_selfmodel.experiments.custom.recipe_sections import NETWORK_KEYS, ModelSection, the_one_of
from keras_selfmodel.experiments.recipe import Recipe

if TYPE_CHECKING:
    import keras

HIDDEN = 64
"""Units of the hidden layer where nothing says."""


def _as_it_is(x: np.ndarray) -> np.ndarray:
    return x


@dataclass(frozen=True)
class CustomNetwork:
    """The section `[model]`.

    Attributes:
        description: What it is, with the digest of its file: what a run's folder notes.
        targets: Names of the layers whose activations are predicted.
        hidden: Units of the hidden layer, unless a recipe has others.
        takes_hidden: Whether a recipe can have others.
        build: `build(recipe, input_shape, classes)`.
        shaped: Brings samples into the shape that it takes.
        sources: The file that the section names, if any.
    """

    description: str
    targets: tuple[str, ...]
    hidden: int
    takes_hidden: bool
    build: Callable[[Recipe, tuple[int, ...], int], Any]
    shaped: Callable[[np.ndarray], np.ndarray] = _as_it_is
    sources: tuple[Path, ...] = ()

    @classmethod
    def of(cls, where: str, section: ModelSection, folder: Path) -> "CustomNetwork":
        """Reads the section.

        Args:
            where: The section's place, for the errors.
            section: What it holds.
            folder: Folder of the recipe file.

        Raises:
            RecipeFileError: If something is wrong with it.
        """
        the_one_of(where, section, NETWORK_KEYS, needed=False)
        targets, hidden = section.targets, section.hidden
        if not targets:
            raise RecipeFileError(f"{where}: targets must name at least one layer. Received: []")
        if section.keras is not None:
            return _saved(where, folder / section.keras, targets, hidden)
        if section.python is not None:
            function = PythonFunction.named(f"{where}: python", section.python, folder)
            return _called(where, function, targets, hidden)
        return cls("mlp", targets, HIDDEN if hidden is None else hidden, True, _mlp, _flat)

    def prepare(self, dataset: Dataset) -> Dataset:
        """The data in the shape that the network takes."""
        return dataclasses.replace(dataset, x_train=self.shaped(dataset.x_train), x_test=self.shaped(dataset.x_test))

    def network(self, recipe: Recipe, dataset: Dataset) -> "keras.Model":
        """The classifier of a recipe.

        Raises:
            ValueError: If the recipe was made of another network, or the network does not fit the data.
        """
        if recipe.network != self.description:
            raise ValueError(
                f"The network's file has changed since the recipe was read: it was {recipe.network}, and now is "
                f"{self.description}."
            )
        if recipe.hidden != self.hidden and not self.takes_hidden:
            raise ValueError(
                f"The network {self.description} has one size, hidden = {self.hidden}. A function that takes hidden "
                f"builds networks of several sizes. Received: hidden={recipe.hidden}."
            )
        shape = tuple(dataset.x_train.shape[1:])
        import keras

        from keras_selfmodel.experiments.custom.classifier_check import check_classifier

        # For whatever the network draws without a seed.
        keras.utils.set_random_seed(recipe.seed)
        model = self.build(recipe, shape, dataset.num_classes)
        check_classifier(model, shape, dataset.num_classes, f"The network {self.description}")
        return model


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _mlp(recipe: Recipe, input_shape: tuple[int, ...], classes: int) -> "keras.Model":
    from keras_selfmodel.models import mlp

    return mlp(recipe.hidden, inputs=math.prod(input_shape), classes=classes, seed=recipe.seed)


def _called(where: str, function: PythonFunction, targets: tuple[str, ...], hidden: int | None) -> CustomNetwork:
    takes_hidden = function.accepts("hidden")
    if hidden is None:
        hidden = function.default("hidden") if takes_hidden else None
    if hidden is None and takes_hidden:
        hidden = HIDDEN
    if hidden is None:
        raise RecipeFileError(
            f"{where}: {function} takes no argument 'hidden', so hidden = ... must say how many units its hidden "
            "layer has, for the names of folders and tables."
        )
    return CustomNetwork(
        f"{function} (sha256 {function.digest[:12]})",
        targets,
        hidden,
        takes_hidden,
        lambda recipe, shape, classes: function(
            input_shape=shape, classes=classes, hidden=recipe.hidden, seed=recipe.seed
        ),
        sources=(function.file,),
    )


def _saved(where: str, file: Path, targets: tuple[str, ...], hidden: int | None) -> CustomNetwork:
    lack = why_no_file(file)
    if lack:
        raise RecipeFileError(f"{where}: {lack}.")
    import_registered_rooms()
    from keras_selfmodel._classifier_graph import ClassifierGraph, classifier_of
    from keras_selfmodel.experiments.custom.initial_weights import drawn_anew
    from keras_selfmodel.models.saved_model import UnreadableModelError, read_model

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        saved = classifier_of(read_model(file, compiled=False))
    except UnreadableModelError as error:
        raise RecipeFileError(f"{where}: {file} is not a Keras model that can be loaded: {error}") from error
    try:
        graph = ClassifierGraph(saved)
        units = math.prod(graph.activation(targets[0]).shape[1:])
        shape = tuple(graph.functional.inputs[0].shape[1:])
    except ValueError as error:
        raise RecipeFileError(f"{where}: {file}: {error}") from error
    return CustomNetwork(
        f"{file.name} (sha256 {digest[:12]})",
        targets,
        units if hidden is None else hidden,
        False,
        lambda recipe, *_: drawn_anew(saved, recipe.seed),
        lambda x: reshaped(x, shape),
        (file,),
    )
