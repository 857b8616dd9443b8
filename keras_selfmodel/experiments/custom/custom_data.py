"""The data of a user's recipe: arrays, a TFDS name, a folder of images, or a function."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.datasets.any_tfds import read_any_tfds
from keras_selfmodel.datasets.array_file import read_array_file
from keras_selfmodel.datasets.arrays import ARRAYS, from_arrays
from keras_selfmodel.datasets.errors import DataCorruptedError, DataNotFoundError
from keras_selfmodel.datasets.image_folder import LARGEST_SIDE, SPLITS, read_image_folder
from keras_selfmodel.datasets.scaling import SCALINGS
from keras_selfmodel.experiments.custom.python_file import PythonFunction
from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError
from keras_selfmodel.experiments.custom.recipe_sections import DATA_KEYS, DataSection, the_one_of


@dataclass(frozen=True)
class CustomData:
    """The section `[data]`.

    Attributes:
        name: What the data set is called: the recipe's name.
        source: One of `DATA_KEYS`.
        value: What the section says of that source.
        folder: What paths are relative to.
        size: Height and width that images are resized to.
        function: The function, if that is the source.
        given_scaling: What the section says of `scaling`, a name in `SCALINGS`; `None` if nothing.
        where: The recipe file and the section, for the errors.
    """

    name: str
    source: str
    value: str
    folder: Path
    size: tuple[int, int] | None
    function: PythonFunction | None
    given_scaling: str | None
    where: str

    @classmethod
    def of(cls, where: str, section: DataSection, name: str, folder: Path) -> "CustomData":
        """Reads the section, not yet the data.

        Args:
            where: The section's place, for the errors.
            section: What it holds.
            name: The recipe's name.
            folder: Folder of the recipe file.

        Raises:
            RecipeFileError: If something is wrong with it.
        """
        source = the_one_of(where, section, DATA_KEYS, needed=True)
        scaling, size = section.scaling, section.size
        if scaling is not None and scaling not in SCALINGS:
            raise RecipeFileError(
                f"{where}: scaling must be one of {', '.join(map(repr, SCALINGS))}. Received: {scaling!r}"
            )
        if size is not None and (source != "images" or not 1 <= min(size) <= max(size) <= LARGEST_SIDE):
            raise RecipeFileError(
                f"{where}: size is the height and width, from 1 to {LARGEST_SIDE}, that the files of images = ... are "
                f"resized to. Received: size = {list(size)} with {source}"
            )
        value = getattr(section, source)
        function = PythonFunction.named(f"{where}: python", value, folder) if source == "python" else None
        return cls(name, source, value, folder, size, function, scaling, where)

    @property
    def scaling(self) -> str:
        """How inputs are scaled: as the section says; else pixels to −1 … 1, and arrays not at all."""
        if self.given_scaling is not None:
            return self.given_scaling
        return "symmetric" if self.source in ("tfds", "images") else "none"

    @property
    def sources(self) -> tuple[Path, ...]:
        """Files, and folders whose files are all data; none that are kept by TFDS."""
        if self.function is not None:
            return (self.function.file,)
        if self.source == "images":
            return tuple(self.folder / self.value / split for split in SPLITS)
        return (self.folder / self.value,) if self.source == "arrays" else ()

    def load(self, data_dir: str | os.PathLike | None = None) -> Dataset:
        """Reads the data.

        Args:
            data_dir: The TFDS data folder.

        Raises:
            OSError: If they are not there.
            ValueError: If they are damaged, or not classification data.
            ImportError: If a package is needed and not installed.
        """
        if self.source == "tfds":
            return read_any_tfds(self.name, self.value, data_dir)
        try:
            dataset = self._read()
        except (DataNotFoundError, DataCorruptedError, RecipeFileError) as error:
            raise type(error)(f"{self.where}: {error}") from error
        except ValueError as error:
            raise RecipeFileError(f"{self.where}: {error}") from error
        if self.source == "images":
            return dataset
        if dataset.x_train.dtype == "uint8" and self.given_scaling is None:
            raise RecipeFileError(
                f"{self.where}: {dataset.source} holds whole numbers of 8 bits, pixels perhaps: say how they are "
                f'scaled, scaling = "symmetric" (to −1 … 1), "unit" (to 0 … 1) or "none".'
            )
        return dataset

    def _read(self) -> Dataset:
        if self.source == "images":
            return read_image_folder(self.name, self.folder / self.value, self.size)
        if self.function is None:
            return read_array_file(self.name, self.folder / self.value)
        return from_arrays(self.name, *_returned(self.function), source=f"{self.function.file}:{self.function.name}")


def _returned(function: PythonFunction) -> list:
    returned = function()
    if isinstance(returned, Mapping) and set(returned) == set(ARRAYS):
        return [returned[key] for key in ARRAYS]
    if not isinstance(returned, tuple | list) or len(returned) != len(ARRAYS):
        got = f"{len(returned)} values" if isinstance(returned, tuple | list) else type(returned).__name__
        raise RecipeFileError(f"{function} must return {', '.join(ARRAYS)}. Received: {got}")
    return list(returned)
