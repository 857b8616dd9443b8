"""A user's recipe: a TOML file that names data, network and settings."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_selfmodel._said_arguments import as_in_a_file
from keras_selfmodel._whole_files import UnreadableFileError, content_of
from keras_selfmodel.experiments.custom.custom_data import CustomData
from keras_selfmodel.experiments.custom.custom_network import CustomNetwork
from keras_selfmodel.experiments.custom.custom_task import CustomTask
from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError
from keras_selfmodel.experiments.custom.recipe_sections import (
    TASK_NAME,
    TrainingSection,
    given,
    read_sections,
    section_of,
)
from keras_selfmodel.experiments.paper_tasks import TASKS
from keras_selfmodel.experiments.recipe import Recipe, SettingError
from keras_selfmodel.rlct import SamplingSettings

OF_OPTIMIZER = {"sgd": {"learning_rate": 0.01, "momentum": 0.9}, "adam": {"learning_rate": 0.001, "momentum": 0.0}}
"""Defaults that depend on the optimizer."""


def read_recipe_file(file: str | Path) -> CustomTask:
    """Reads a recipe file, and checks it. The data are not read yet.

    The file has these parts; paths in it are relative to it:

    - `name = "digits"`: names the task, and the folders of its runs.
    - `[data]`: one of `arrays = "file.npz"` (x_train, y_train, x_test, y_test), `tfds = "fashion_mnist:3.0.1"`,
      `images = "folder"` (`train/CLASS/*.png` and `test/CLASS/*.png`, or .jpg; `size = [height, width]` brings them to
      one size) and `python = "my_file.py:load"` (a function that returns the four arrays); and `scaling`: "symmetric"
      (0 … 255 to −1 … 1, the default of images), "unit" (to 0 … 1) or "none" (the default of numbers other than uint8).
    - `[model]`: `keras = "model.keras"`, of which the architecture is taken, while the weights are drawn anew for each
      seed (`drawn_anew`); or `python = "my_file.py:build"`, a function that returns a functional or Sequential model
      and is called with those of the arguments input_shape, classes, hidden and seed that it takes; or neither, for
      `mlp`. `targets = ["hidden"]` are the layers predicted, `hidden = 64` the units of the hidden layer.
    - `[training]`: `aux_weight` (10), `objective` ("self-modeling", or another name in `OBJECTIVES`), `epochs` (50),
      `batch_size` (64), `optimizer` ("sgd", with Nesterov momentum, or "adam"), `learning_rate` (0.01, of Adam 0.001),
      `momentum` (0.9, of Adam none), `seed` (1), `precision` ("float32", "mixed_bfloat16" or
      "mixed_float16"), `label_noise` and `input_noise` (0; noise on the training data, see `datasets.disturbed`).
    - `[rlct]`: fields of `SamplingSettings` except the seed, which is the training's; with the defaults of the
      literature's convention, as `estimate_rlct` has them, and batches as in training, of 2 samples or more; and
      `descend = true` for a second estimate after descent in any case (by default where it is needed). Or
      `rlct = false`, before the first section, to leave the RLCT out.

    Args:
        file: The TOML file.

    Returns:
        A task; its `recipe` has the file's settings. `add_task` makes it known to `run`.

    Raises:
        RecipeFileError: If the file, or one that it names, cannot be used.

    Example:

    >>> from keras_selfmodel import experiments
    >>> task = experiments.add_task(experiments.read_recipe_file("my.toml"))  # doctest: +SKIP
    >>> experiments.run(task.recipe, task.load(), "runs/mine")  # doctest: +SKIP
    """
    file = Path(file)
    sections = read_sections(_toml(file), str(file))
    name = _name(file, sections.name)
    data = CustomData.of(f"{file}, [data]", sections.data, name, file.parent)
    network = CustomNetwork.of(f"{file}, [model]", sections.model, file.parent)
    training = _training(f"{file}, [training]", sections.training)
    try:
        plain = Recipe(
            task=name,
            hidden=network.hidden,
            targets=network.targets,
            rlct=None,
            scaling=data.scaling,
            network=network.description,
            **training,
        )
    except SettingError as error:
        raise RecipeFileError(f"{file}, [{section_of(error.setting)}]: {as_in_a_file(str(error))}") from error
    recipe = replace(
        plain,
        rlct=_rlct(f"{file}, [rlct]", sections.rlct, plain.batch_size),
        descend=getattr(sections.rlct, "descend", False),
    )
    return CustomTask.of(file, recipe, data, network)


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(content_of(file).decode("utf-8-sig"))  # Windows likes to put a byte order mark first.
    except FileNotFoundError as error:
        raise RecipeFileError(f"There is no file {file}.") from error
    except UnreadableFileError as error:
        raise RecipeFileError(f"{file} is not a recipe: {error}.") from error
    except UnicodeDecodeError as error:
        raise RecipeFileError(f"{file} is not TOML: it is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeFileError(f"{file} is not TOML: {_what_is_no_toml(file, str(error))}") from error
    except RecursionError as error:
        raise RecipeFileError(f"{file} is not a recipe: its brackets are nested too deeply.") from error


def _what_is_no_toml(file: Path, reason: str) -> str:
    """What the parser says, with the line; what is there twice by its name."""
    section = re.match(r"Cannot declare \((.+?),?\) twice", reason)
    if section:
        return f"the section [{section[1].replace(chr(39), '').replace(', ', '.')}] is there twice."
    found = re.search(r"Cannot overwrite a value \(at (?:line (\d+)|end of document)", reason)
    if found:
        lines = content_of(file).decode("utf-8-sig").splitlines()
        number = int(found[1] or len(lines))
        return f"{lines[number - 1].partition('=')[0].strip()} is there twice in its section (line {number})."
    return f"{reason}."


def _name(file: Path, name: str) -> str:
    if not re.match(TASK_NAME, name) or name.endswith("\n"):
        raise RecipeFileError(
            f"{file}: name becomes part of folders' names: letters, digits, _ and -, at most 64. Received: {name!r}"
        )
    if name.lower() in TASKS:
        raise RecipeFileError(f"{file}: name must not be that of a task of the paper. Received: {name!r}")
    return name


def _training(where: str, section: TrainingSection) -> dict[str, Any]:
    if section.optimizer not in OF_OPTIMIZER:
        raise RecipeFileError(
            f"{where}: optimizer must be one of {', '.join(map(repr, OF_OPTIMIZER))}. Received: {section.optimizer!r}"
        )
    if section.optimizer == "adam" and section.momentum:
        raise RecipeFileError(f"{where}: momentum has no meaning with adam. Received: momentum = {section.momentum}")
    return OF_OPTIMIZER[section.optimizer] | given(section)


def _rlct(where: str, section: Any, batch_size: int) -> SamplingSettings | None:
    if section is False:
        return None
    settings = given(section)
    settings.pop("descend", None)  # not of the sampling
    try:
        return SamplingSettings(**{"batch_size": max(batch_size, 2), **settings})
    except ValueError as error:
        raise RecipeFileError(f"{where}: {as_in_a_file(str(error))}") from error
