"""A user's recipe: a TOML file that names data, network and settings."""

import dataclasses
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_selfmodel.experiments.custom.custom_data import CustomData
from keras_selfmodel.experiments.custom.custom_network import CustomNetwork
from keras_selfmodel.experiments.custom.custom_task import CustomTask
from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError
from keras_selfmodel.experiments.custom.toml_section import checked_section
from keras_selfmodel.experiments.paper_tasks import TASKS
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.rlct import SamplingSettings

SECTIONS = {
    "name": "a text",
    "data": "a section",
    "model": "a section",
    "training": "a section",
    "rlct": "a section or false",
}
TRAINING = {
    "aux_weight": "a number",
    "epochs": "a whole number",
    "batch_size": "a whole number",
    "optimizer": "a text",
    "learning_rate": "a number",
    "momentum": "a number",
    "seed": "a whole number",
    "objective": "a text",
    "precision": "a text",
}
DEFAULTS = {"aux_weight": 10.0, "epochs": 50, "batch_size": 64, "optimizer": "sgd", "seed": 1}
OF_OPTIMIZER = {"sgd": {"learning_rate": 0.01, "momentum": 0.9}, "adam": {"learning_rate": 0.001, "momentum": 0.0}}
"""Defaults that depend on the optimizer."""


def read_recipe_file(file: str | Path) -> CustomTask:
    """Reads a recipe file, and checks it. The data are not read yet.

    The file has these parts; paths in it are relative to it:

    - `name = "digits"`: names the task, and the folders of its runs.
    - `[data]`: one of `arrays = "file.npz"` (x_train, y_train, x_test, y_test), `tfds = "fashion_mnist:3.0.1"`,
      `images = "folder"` (train/CLASS/*.png and test/CLASS/*.png, or .jpg; `size = [height, width]` brings them to one
      size) and `python = "my_file.py:load"` (a function that returns the four arrays); and `scaling`: "symmetric"
      (0 … 255 to −1 … 1, the default of images), "unit" (to 0 … 1) or "none" (the default of numbers other than uint8).
    - `[model]`: `keras = "model.keras"`, of which the architecture is taken, while the weights are drawn anew for each
      seed (`drawn_anew`); or `python = "my_file.py:build"`, a function that returns a functional or Sequential model
      and is called with those of the arguments input_shape, classes, hidden and seed that it takes; or neither, for
      `mlp`. `targets = ["hidden"]` are the layers predicted, `hidden = 64` the units of the hidden layer.
    - `[training]`: `aux_weight` (10), `objective` ("self-modeling", or another name in `OBJECTIVES`), `epochs` (50),
      `batch_size` (64), `optimizer` ("sgd", with Nesterov momentum, or "adam"), `learning_rate` (0.01, of Adam 0.001),
      `momentum` (0.9, of Adam none), `seed` (1), `precision` ("float32", "mixed_bfloat16" or
      "mixed_float16").
    - `[rlct]`: fields of `SamplingSettings` except the seed, which is the training's; with the defaults of the
      literature's convention, as `estimate_rlct` has them, and batches as in training. Or `rlct = false`, before the
      first section, to leave the RLCT out.

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
    values = checked_section(str(file), _toml(file), SECTIONS)
    missing = [key for key in ("name", "data") if key not in values]
    if missing:
        raise RecipeFileError(f"{file} must have {' and '.join(missing)}. Possible: {', '.join(SECTIONS)}.")
    name = _name(file, values["name"])
    data = CustomData.of(f"{file}, [data]", values["data"], name, file.parent)
    network = CustomNetwork.of(f"{file}, [model]", values.get("model", {}), file.parent)
    training = _training(f"{file}, [training]", values.get("training", {}))
    rlct = _rlct(f"{file}, [rlct]", values.get("rlct", {}), training["batch_size"])
    try:
        recipe = Recipe(
            task=name,
            hidden=network.hidden,
            targets=network.targets,
            rlct=rlct,
            scaling=data.scaling,
            network=network.description,
            **training,
        )
    except ValueError as error:
        raise RecipeFileError(f"{file}: {error}") from error
    return CustomTask.of(file, recipe, data, network)


def _toml(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            return tomllib.load(opened)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise RecipeFileError(f"There is no file {file}.") from error
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
        raise RecipeFileError(f"{file} is not TOML: {error}") from error


def _name(file: Path, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise RecipeFileError(
            f"{file}: name becomes part of folders' names: letters, digits, _ and -, at most 64. Received: {name!r}"
        )
    if name.lower() in TASKS:
        raise RecipeFileError(f"{file}: name must not be that of a task of the paper. Received: {name!r}")
    return name


def _training(where: str, values: Mapping[str, Any]) -> dict[str, Any]:
    values = DEFAULTS | checked_section(where, values, TRAINING)
    if values["optimizer"] not in OF_OPTIMIZER:
        raise RecipeFileError(
            f"{where}: optimizer must be one of {', '.join(map(repr, OF_OPTIMIZER))}. Received: {values['optimizer']!r}"
        )
    if values["optimizer"] == "adam" and values.get("momentum"):
        raise RecipeFileError(f"{where}: momentum has no meaning with adam. Received: momentum = {values['momentum']}")
    values = OF_OPTIMIZER[values["optimizer"]] | values
    return {key: float(value) if TRAINING[key] == "a number" else value for key, value in values.items()}


def _rlct(where: str, values: Mapping[str, Any] | bool, batch_size: int) -> SamplingSettings | None:
    if values is False:
        return None
    values = checked_section(where, values, _sampling_kinds())
    try:
        return SamplingSettings(**{"batch_size": batch_size, **values})
    except ValueError as error:
        raise RecipeFileError(f"{where}: {error}") from error


def _sampling_kinds() -> dict[str, str]:
    """What each field of `SamplingSettings` holds, except the seed."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    kinds = {}
    for field in dataclasses.fields(SamplingSettings):
        kind = typing.get_type_hints(SamplingSettings)[field.name]
        if typing.get_origin(kind) is types.UnionType:
            kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        kinds[field.name] = names[str if typing.get_origin(kind) is typing.Literal else kind]
    del kinds["seed"]
    return kinds
