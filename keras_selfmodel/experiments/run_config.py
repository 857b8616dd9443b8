"""What is written down of a run before it starts: `config.json`."""

import re
from dataclasses import dataclass

from keras_selfmodel._typed_files import TypedFile
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.computed_on import Provenance, provenance
from keras_selfmodel.experiments.recipe import Recipe


@dataclass(frozen=True)
class DataIdentity:
    """Which data a run is trained on.

    Attributes:
        name: Name of the data set.
        source: Where they came from.
        digest: Their SHA-256 (hex).
        examples: Training samples; `None` if that was not noted.
    """

    name: str
    source: str
    digest: str
    examples: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.digest):
            raise ValueError(f"digest must be a SHA-256 of 64 hexadecimal digits. Received: {self.digest!r}")
        if self.examples is not None and self.examples < 1:
            raise ValueError(f"examples must be positive. Received: {self.examples}")

    @classmethod
    def of(cls, dataset: Dataset) -> "DataIdentity":
        """That of data as loaded."""
        return cls(dataset.name, dataset.source, dataset.digest, len(dataset.y_train))

    def __str__(self) -> str:
        return f"{self.source} ({self.digest[:12]})"


@dataclass(frozen=True)
class RunConfig:
    """What decides the numbers of a run, and on what it is computed.

    Attributes:
        recipe: Its settings.
        data: Its data.
        provenance: Versions, backend and devices.
    """

    recipe: Recipe
    data: DataIdentity
    provenance: Provenance

    @classmethod
    def of(cls, recipe: Recipe, dataset: Dataset) -> "RunConfig":
        """The configuration of a run on this machine with data as loaded."""
        return cls(recipe, DataIdentity.of(dataset), provenance())

    def differences(self, recipe: Recipe, data: DataIdentity, backend: str) -> list[str]:
        """What decides the numbers and differs, in words; `self` is "there", the arguments are "here"."""
        there = {**self.recipe.settings(), "backend": self.provenance.backend}
        here = {**recipe.settings(), "backend": backend}
        words = differing_settings(there, here)
        if self.data.digest != data.digest:
            words.append(f"data: {self.data} there, {data} here")
        return words


def differing_settings(there: dict, here: dict) -> list[str]:
    """The settings of two records that both have and that differ, in words."""
    return [
        f"{name}: {_said(there[name])} there, {_said(here[name])} here"
        for name in here
        if name in there and there[name] != here[name]
    ]


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value)


CONFIG = TypedFile(RunConfig, format=1)
