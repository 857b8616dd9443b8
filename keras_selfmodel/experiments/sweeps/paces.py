"""How fast this machine computes runs of a kind, from those that it has finished."""

import contextlib
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_selfmodel import transforms
from keras_selfmodel._cache_folder import cache_root
from keras_selfmodel._typed_files import DamagedFileError, TypedFile
from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments.recipe import Recipe
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.stages.measuring import PARTS

# Settings that change how many steps there are, or no time at all.
WITHOUT_EFFECT_ON_TIME = ("aux_weight", "seed", "epochs", "keep_epochs", "descend", "learning_rate", "momentum")
# Of a sampling, what makes one step longer.
OF_A_STEP = (
    "rlct.convention",
    "rlct.sampler",
    "rlct.num_chains",
    "rlct.batch_size",
    "rlct.chains_at_once",
    "rlct.control_variate",
)
# Kinds that are kept, the latest.
KINDS = 500
# Seconds per step contain what is compiled once a run, which a longer run divides by more steps. So they are taken for
# runs of at most so many times the steps, or of any number where they come from so many seconds.
MOST_STEPS_RATIO = 2
SECONDS_THAT_SUFFICE = 30.0


@dataclass(frozen=True)
class Pace:
    """What the parts of a run take.

    Attributes:
        training: Seconds of one training step.
        sampling: Seconds of one step of sampling; `None` if nothing was sampled.
        other: Seconds of the rest: testing, figures, and what is compiled for them.
        steps_trained: How many steps `training` is the mean of; infinity if nothing was compiled among them.
        steps_sampled: The same for `sampling`.
    """

    training: float
    sampling: float | None
    other: float = 0.0
    steps_trained: float = math.inf
    steps_sampled: float = math.inf

    @classmethod
    def of(cls, result: RunResult, samples: int) -> "Pace":
        """The pace of a finished run.

        Args:
            result: The run.
            samples: Number of its training samples.
        """
        parts = ("training", *PARTS.values())
        training, *sampling = (result.seconds.get(name, 0.0) for name in parts)
        trained = training_steps(result.recipe, samples)
        sampled = sampling_steps(result.recipe, after_descent=result.rlct_descended is not None)
        return cls(
            training / trained,
            sum(sampling) / sampled if sampled else None,
            sum(seconds for name, seconds in result.seconds.items() if name not in parts),
            trained,
            sampled,
        )

    @classmethod
    def of_the_longest(cls, paces: "Sequence[Pace]") -> "Pace":
        """The mean of the paces of those runs of one kind that trained longest."""
        longest = max(pace.steps_trained for pace in paces)
        paces = [pace for pace in paces if pace.steps_trained == longest]
        sampled = [pace.sampling for pace in paces if pace.sampling is not None]
        return cls(
            sum(pace.training for pace in paces) / len(paces),
            sum(sampled) / len(sampled) if sampled else None,
            sum(pace.other for pace in paces) / len(paces),
            longest,
            min(pace.steps_sampled for pace in paces),
        )

    def holds_for(self, recipe: Recipe, samples: int) -> bool:
        """Whether a run is not so much longer that its seconds per step would be fewer."""
        parts = (
            (training_steps(recipe, samples), self.training, self.steps_trained),
            (sampling_steps(recipe, after_descent=recipe.descend), self.sampling or 0.0, self.steps_sampled),
        )
        return all(
            steps <= MOST_STEPS_RATIO * measured or seconds * measured >= SECONDS_THAT_SUFFICE
            for steps, seconds, measured in parts
        )

    def seconds(self, recipe: Recipe, samples: int) -> float:
        """Seconds that a run takes at this pace."""
        sampling = (self.sampling or 0.0) * sampling_steps(recipe, after_descent=recipe.descend)
        return self.training * training_steps(recipe, samples) + sampling + self.other


@dataclass(frozen=True)
class Paces:
    """`seconds-per-step.json` in the folder of the cache: the paces by kind of run, the latest last."""

    kinds: dict[str, Pace]


PACES = TypedFile(Paces, format=2)


def training_steps(recipe: Recipe, samples: int) -> int:
    """Steps of a run's training."""
    return recipe.epochs * math.ceil(samples / recipe.batch_size)


def sampling_steps(recipe: Recipe, *, after_descent: bool) -> int:
    """Steps of the samplings of a run: that after descent descends for as long as its burn-in before it samples."""
    if recipe.rlct is None:
        return 0
    once = recipe.rlct.num_steps
    return 2 * once + (recipe.rlct.burn_in or 0) if after_descent else once


def kind_of(recipe: Recipe, dataset: Dataset) -> str:
    """What runs share that take equally long for a step on this machine, as a short text."""
    settings = {
        name: value
        for name, value in recipe.settings().items()
        if name not in WITHOUT_EFFECT_ON_TIME and (not name.startswith("rlct") or name in OF_A_STEP)
    }
    shapes = [dataset.x_train.shape[1:], dataset.num_classes]
    kind = [sorted(settings.items()), recipe.aux_weight > 0, shapes, keras.config.backend(), transforms.devices()]
    return hashlib.sha256(repr(kind).encode()).hexdigest()[:16]


def known_paces() -> dict[str, Pace]:
    """The paces of earlier runs on this machine by `kind_of`; nothing where the file is missing or damaged."""
    try:
        return PACES.read(_file()).kinds
    except (OSError, DamagedFileError):
        return {}


def paces_of(results: Iterable[RunResult], dataset: Dataset) -> dict[str, Pace]:
    """Mean paces of finished runs by `kind_of`; of those whose time is unknown, none."""
    found: dict[str, list[Pace]] = {}
    for result in results:
        if "training" in result.seconds:
            pace = Pace.of(result, len(dataset.y_train))
            found.setdefault(kind_of(result.recipe, dataset), []).append(pace)
    return {kind: Pace.of_the_longest(paces) for kind, paces in found.items()}


def remember_paces(results: Iterable[RunResult], dataset: Dataset) -> None:
    """Keeps the paces of runs that this machine has finished; does nothing if the folder cannot be written."""
    new = paces_of(results, dataset)
    if not new:
        return
    known = known_paces()
    # A short run, such as a trial, tells less than a long one before it.
    shorter = [
        kind for kind in new if kind in known and new[kind].steps_trained * MOST_STEPS_RATIO < known[kind].steps_trained
    ]
    kept = {kind: pace for kind, pace in known.items() if kind not in new or kind in shorter}
    kinds = kept | {kind: pace for kind, pace in new.items() if kind not in shorter}
    with contextlib.suppress(OSError):
        PACES.write(_file(), Paces(dict(list(kinds.items())[-KINDS:])))


def _file() -> Path:
    return cache_root() / "seconds-per-step.json"
