"""What a recipe file may hold: its sections as types, from which its reader and its JSON schema come."""

import dataclasses
import re
import typing
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from keras_selfmodel._precisions import PRECISIONS
from keras_selfmodel._ranges import NumberRange
from keras_selfmodel._typed_files import DamagedFileError, typed
from keras_selfmodel._wrong_values import misfits, quoted
from keras_selfmodel.datasets.image_folder import LARGEST_SIDE
from keras_selfmodel.datasets.scaling import SCALINGS
from keras_selfmodel.experiments.custom.recipe_file_error import RecipeFileError
from keras_selfmodel.experiments.objectives import OBJECTIVES
from keras_selfmodel.experiments.recipe import OPTIMIZERS, SETTING_RANGES
from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.conventions import SAMPLING_RANGES
from keras_selfmodel.rlct.samplers import SAMPLERS

DATA_KEYS = ("arrays", "tfds", "images", "python")
NETWORK_KEYS = ("keras", "python")
"""Keys of `[data]` and `[model]` that exclude each other."""
TASK_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


def _meta(
    description: str,
    possible: typing.Iterable[str] | None = None,
    allowed: NumberRange | None = None,
    min_length: int | None = None,
) -> msgspec.Meta:
    """What editors show of a field, the words that they offer, and the numbers that they let pass.

    Words and numbers are checked by the records that are made of the sections, such as `Recipe`.
    """
    words = {} if possible is None else {"enum": [*possible]}
    keywords = words | (allowed.schema if allowed else {})
    return msgspec.Meta(description=description, extra_json_schema=keywords, min_length=min_length)


def _number(setting: str, description: str) -> msgspec.Meta:
    """The same of a setting of a recipe that is a number."""
    return _meta(description, allowed=SETTING_RANGES[setting])


STRENGTH = "Weight of the self-prediction loss, or strength of another objective"
_side = msgspec.Meta(extra_json_schema=NumberRange(1, LARGEST_SIDE, whole=True).schema)


@dataclass(frozen=True, kw_only=True)
class DataSection:
    """`[data]`: exactly one of arrays, tfds, images, python."""

    arrays: Annotated[str, _meta(".npz file with x_train, y_train, x_test, y_test", min_length=1)] | None = None
    tfds: Annotated[str, _meta("TFDS name, such as fashion_mnist:3.0.1", min_length=1)] | None = None
    images: (
        Annotated[str, _meta("Folder with train/CLASS/*.png and test/CLASS/*.png, or .jpg", min_length=1)] | None
    ) = None
    python: Annotated[str, _meta("Function that returns the arrays, such as my_file.py:load", min_length=1)] | None = (
        None
    )
    scaling: Annotated[str, _meta("How inputs are scaled", SCALINGS)] | None = None
    size: (
        Annotated[
            tuple[Annotated[int, _side], Annotated[int, _side]], _meta("Height and width that images are resized to")
        ]
        | None
    ) = None


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """`[model]`: at most one of keras, python; else the package's `mlp`."""

    keras: Annotated[str, _meta("Saved model whose architecture is used", min_length=1)] | None = None
    python: Annotated[str, _meta("Function that builds the network, such as my_file.py:build", min_length=1)] | None = (
        None
    )
    hidden: Annotated[int, _number("hidden", "Units of the hidden layer")] | None = None
    targets: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description="Layers whose activations are predicted",
            extra_json_schema={"minItems": 1, "uniqueItems": True},
        ),
    ] = ("hidden",)


@dataclass(frozen=True, kw_only=True)
class TrainingSection:
    """`[training]`."""

    aux_weight: Annotated[float, _number("aux_weight", STRENGTH)] = 10.0
    epochs: Annotated[int, _number("epochs", "Passes over the training data")] = 50
    batch_size: Annotated[int, _number("batch_size", "Samples per step")] = 64
    optimizer: Annotated[str, _meta("SGD with Nesterov momentum, or Adam", OPTIMIZERS)] = "sgd"
    learning_rate: Annotated[float, _number("learning_rate", "Learning rate. Default: 0.01; adam 0.001")] | None = None
    momentum: Annotated[float, _number("momentum", "Nesterov momentum of sgd; 0 for none. Default: 0.9")] | None = None
    seed: Annotated[int, _number("seed", "Seed of initial weights, sample order and RLCT sampling")] = 1
    objective: Annotated[str, _meta("What the network is trained on besides the task", OBJECTIVES)] | None = None
    precision: Annotated[str, _meta("Number format the network computes in", PRECISIONS)] | None = None
    label_noise: Annotated[float, _number("label_noise", "Fraction of training labels changed to another class")] = 0.0
    input_noise: Annotated[float, _number("input_noise", "Noise on the training inputs, in units of their range")] = 0.0


SAMPLING = {
    "convention": "Inverse temperature nβ from the data set (n/ln n), or from a batch as in the paper (B/ln B)",
    "sampler": "Sampler. Default: underdamped; paper sgld",
    "step_size": "Step size ε. Default: from the curvature; paper 0.0001",
    "localization": "Localization γ. Default: from the scale of the weights; paper 100",
    "inverse_temperature": "Inverse temperature nβ, or auto. Default: by the convention",
    "num_chains": "Number of chains. Default: 2, or 8 for fewer than 500 weights; paper 4",
    "num_draws": "Draws per chain. Default: 1600; paper 500",
    "target_error": "Sample until the sampling error is at most this fraction of the estimate",
    "burn_in": "Steps before the first draw. Default: 3000; paper 500",
    "thinning": "Steps per draw",
    "batch_size": "Samples per step. Default: as in training, but at least 2",
    "chains_at_once": "Number of chains sampled together, to save memory. Default: all",
    "control_variate": "Whether to correct each batch's gradient by that at the trained weights",
}


def _rlct_fields() -> list[tuple[str, Any, Any]]:
    """The fields of `SamplingSettings`, each left out unless it is given, without the seed, which is the training's."""
    hints, words = typing.get_type_hints(SamplingSettings), {"sampler": SAMPLERS, "convention": ("dataset", "paper")}
    return [
        (
            one.name,
            # A convention of another name is refused by the settings, as the other fields' values are.
            Annotated[
                str if one.name in words else hints[one.name],
                _meta(SAMPLING[one.name], words.get(one.name), SAMPLING_RANGES.get(one.name)),
            ]
            | None,
            field(default=None),
        )
        for one in dataclasses.fields(SamplingSettings)
        if one.name != "seed"
    ] + [
        ("descend", Annotated[bool, _meta("Whether to estimate after descent too, in any case")], field(default=False))
    ]


RLCTSection = dataclasses.make_dataclass("RLCTSection", _rlct_fields(), frozen=True, kw_only=True)
RLCTSection.__doc__ = "`[rlct]`: the sampling; `rlct = false` leaves the RLCT out."


@dataclass(frozen=True, kw_only=True)
class RecipeSections:
    """A recipe file."""

    name: Annotated[
        str,
        msgspec.Meta(
            description="Name of the task, used for the folders of its runs", extra_json_schema={"pattern": TASK_NAME}
        ),
    ]
    data: DataSection
    model: ModelSection = ModelSection()
    training: TrainingSection = TrainingSection()
    # A class made from the sampling settings above, which mypy does not take for a type.
    rlct: RLCTSection | bool = RLCTSection()  # type: ignore[valid-type]


def read_sections(values: dict[str, Any], file: str) -> RecipeSections:
    """The sections of a recipe file, once all names and types are known to be right.

    Args:
        values: What the TOML file holds.
        file: Its name, for the errors.

    Raises:
        RecipeFileError: If a name is unknown, or a value missing or of another type.

    Example:

    >>> read_sections({"name": "mine", "data": {}, "training": {"momentun": 0.5}}, "my.toml")
    Traceback (most recent call last):
    ...
    keras_selfmodel.experiments.custom.recipe_file_error.RecipeFileError: my.toml, [training]: unknown key 'momentun'.
    Possible: aux_weight, epochs, batch_size, optimizer, learning_rate, momentum, seed, objective, precision,
    label_noise, input_noise.
    """
    unknown: dict[str, list[str]] = {}
    possible = {}
    for misfit in misfits(RecipeSections, values):
        if not misfit.is_field:
            raise RecipeFileError(_in_its_section(f"{misfit.sentence}.", file))
        unknown.setdefault(misfit.path, []).append(misfit.received)
        possible[misfit.path] = misfit.possible
    for path, names in unknown.items():
        keys = "key" if len(names) == 1 else "keys"
        where = f"{file}, [{path}]" if path else file
        reason = f"unknown {keys} {', '.join(map(repr, names))}. Possible: {', '.join(possible[path])}."
        raise RecipeFileError(f"{where}: {reason}")
    missing = [key for key in ("name", "data") if key not in values]
    if missing:
        sections = ", ".join(one.name for one in dataclasses.fields(RecipeSections))
        verb = "is" if len(missing) == 1 else "are"
        raise RecipeFileError(f"{file}: {' and '.join(missing)} {verb} missing. Possible: {sections}.")
    if (rlct := values.get("rlct", False)) is not False and not isinstance(rlct, dict):
        raise RecipeFileError(f"{file}: rlct must be a section or false. Received: {quoted(rlct)}")
    try:
        return typed(RecipeSections, values, file)
    except DamagedFileError as error:
        raise RecipeFileError(_in_its_section(error.reason, file)) from error


def _in_its_section(reason: str, file: str) -> str:
    """A sentence that starts with a field, such as "rlct.burn_in must be …", after the file and the section."""
    section = re.match(r"(data|model|training|rlct)\.", reason)
    where = f"{file}, [{section[1]}]" if section else file
    return f"{where}: {reason[section.end() if section else 0 :]}"


def section_of(setting: str) -> str:
    """The section that a setting of a `Recipe` stands in."""
    kinds = {"data": DataSection, "model": ModelSection, "training": TrainingSection}
    return next(name for name, kind in kinds.items() if any(one.name == setting for one in dataclasses.fields(kind)))


def given(section: Any) -> dict[str, Any]:
    """The fields of a section that are not `None`."""
    values = {one.name: getattr(section, one.name) for one in dataclasses.fields(section)}
    return {name: value for name, value in values.items() if value is not None}


@typing.overload
def the_one_of(where: str, section: Any, keys: tuple[str, ...], *, needed: Literal[True]) -> str: ...


@typing.overload
def the_one_of(where: str, section: Any, keys: tuple[str, ...], *, needed: bool) -> str | None: ...


def the_one_of(where: str, section: Any, keys: tuple[str, ...], *, needed: bool) -> str | None:
    """Which of several keys that exclude each other is there.

    Args:
        where: The section's place, for the error.
        section: The section.
        keys: The keys.
        needed: Whether there must be one.

    Raises:
        RecipeFileError: If there is more than one, or none and one is needed.
    """
    there = [key for key in keys if getattr(section, key) is not None]
    if len(there) > 1 or (needed and not there):
        amount = "exactly one" if needed else "at most one"
        raise RecipeFileError(
            f"{where}: give {amount} of {', '.join(keys)}. Received: {', '.join(there) or 'none of them'}."
        )
    return there[0] if there else None


def recipe_schema() -> dict[str, Any]:
    """The JSON schema of recipe files, by which editors complete and check them."""
    schema = msgspec.json.schema(RecipeSections)
    for kind in schema["$defs"].values():
        if kind.get("type") == "object":
            kind["additionalProperties"] = False
    schema["$defs"]["DataSection"]["oneOf"] = [{"required": [key]} for key in DATA_KEYS]
    schema["$defs"]["ModelSection"]["not"] = {"required": [*NETWORK_KEYS]}
    rlct = schema["$defs"]["RecipeSections"]["properties"]["rlct"]
    rlct["anyOf"] = [{"const": False} if kind == {"type": "boolean"} else kind for kind in rlct["anyOf"]]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Recipe of keras_selfmodel", **schema}
