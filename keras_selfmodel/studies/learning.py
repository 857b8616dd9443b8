"""What networks gain from more training samples, and lose by wrong labels."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keras_selfmodel.experiments import RunResult, spread_history
from keras_selfmodel.statistics.differences import Difference, difference
from keras_selfmodel.statistics.interval import Interval, mean_interval
from keras_selfmodel.studies.grouping import differing, settings_of_run, without_self_model
from keras_selfmodel.studies.setting_texts import setting_text

# What curves vary besides size, weight and seed.
ALONG_A_CURVE = ("data", "objective", "label_noise")
RLCT_BATCH, AS_IN_TRAINING = "rlct.batch_size", "as in training"


@dataclass(frozen=True)
class LearningPoint:
    """Networks that differ only in their seeds.

    Attributes:
        hidden: Their hidden units.
        objective: What they were trained on besides the task; the baseline has "self-modeling".
        aux_weight: Its strength.
        label_noise: Fraction of the training labels that are wrong.
        examples: Training samples.
        seeds: How many networks.
        accuracy: On the test data; mean and 95 % interval.
        gap: Accuracy during the last epoch of training, on labels with their noise, minus that on the test data; `None`
            without a history.
        rlct: Estimates that are to be used; `None` without any.
        tax: Accuracy minus that of the baseline with as many samples and as much noise: below 0, it costs accuracy;
            `None` for the baseline, or without one.
    """

    hidden: int
    objective: str
    aux_weight: float
    label_noise: float
    examples: int
    seeds: int
    accuracy: Interval
    gap: Interval | None
    rlct: Interval | None
    tax: Difference | None


@dataclass(frozen=True)
class LearningCurves:
    """Points that differ in size, objective, samples and label noise alone.

    Attributes:
        title: Task and backend, and what sets them apart from the other curves of the task.
        points: By size, label noise, objective, strength and samples.
    """

    title: str
    points: tuple[LearningPoint, ...]


def learning_curves(results: Iterable[RunResult]) -> list[LearningCurves]:
    """Accuracy, generalization gap and RLCT against the number of training samples and the label noise.

    Runs without the number of their samples in `config.json` are left out, and repeats of a seed. Subsets of one data
    set are taken for the same data, so results must not mix data sets of one task's name.

    Args:
        results: Runs, such as those of sweeps with several `--examples` and `--label-noise`.

    Returns:
        One for each task, backend and other settings in which there are two numbers of samples, or two of noise.

    Raises:
        ImportError: If SciPy is missing.

    Example:

    >>> from keras_selfmodel import experiments
    >>> for curves in learning_curves(experiments.finished_runs("sweeps")):  # doctest: +SKIP
    ...     print(curves.title, len(curves.points))
    mnist on jax 24
    """
    weighted: dict[frozenset, list[RunResult]] = defaultdict(list)
    baselines: dict[frozenset, list[RunResult]] = defaultdict(list)
    for result, settings in _with_what_curves_share(results):
        if result.recipe.aux_weight:
            weighted[frozenset(settings.items())].append(result)
        else:
            baselines[frozenset(without_self_model(settings).items())].append(result)
    adopting = {key: frozenset(without_self_model(dict(key)).items()) for key in weighted}
    groups = {key: [*runs, *baselines.get(adopting[key], [])] for key, runs in weighted.items()}
    groups |= {key: runs for key, runs in baselines.items() if key not in adopting.values()}
    found = {key: points for key, runs in groups.items() if _are_a_curve(points := _points(runs))}
    return [LearningCurves(_title(dict(key), [dict(other) for other in found]), found[key]) for key in found]


def _with_what_curves_share(results: Iterable[RunResult]) -> list[tuple[RunResult, dict]]:
    """Runs whose number of samples is known, each with the settings that all runs of its curve share.

    Batches of an RLCT end with the data (`clipped_to`): those that take all of few samples belong to the larger batches
    that take a part of more.
    """
    found = []
    for run in results:
        examples = None if run.config is None else run.config.data.examples
        if examples is not None:
            settings = {name: value for name, value in settings_of_run(run).items() if name not in ALONG_A_CURVE}
            batch = settings.pop(RLCT_BATCH, None)
            batch, takes_all = AS_IN_TRAINING if batch == run.recipe.batch_size else batch, batch == examples
            found.append((run, settings, batch, takes_all))
    parts: dict[frozenset, set] = defaultdict(set)
    for _, settings, batch, takes_all in found:
        if not takes_all:
            parts[frozenset(settings.items())].add(batch)

    def shared(settings: dict, batch: Any, takes_all: bool) -> dict:
        others = parts[frozenset(settings.items())]
        if takes_all and batch not in others:
            larger = [one for one in others if one == AS_IN_TRAINING or (isinstance(one, int) and one > batch)]
            batch = larger[0] if len(larger) == 1 else AS_IN_TRAINING
        return {**settings, RLCT_BATCH: batch}

    return [(run, shared(settings, batch, takes_all)) for run, settings, batch, takes_all in found]


def _are_a_curve(points: Sequence[LearningPoint]) -> bool:
    return len({(point.examples, point.label_noise) for point in points}) > 1


def _title(settings: dict, others: Sequence[dict]) -> str:
    peers = [other for other in others if (other["task"], other["backend"]) == (settings["task"], settings["backend"])]
    words = [setting_text(name, settings[name]) for name in differing(settings, peers)]
    return f"{settings['task']} on {settings['backend']}" + (f" ({', '.join(words)})" if words else "")


def learning_rows(curves: LearningCurves) -> list[dict]:
    """Every point as one row, by column."""
    return [
        {
            **{name: getattr(point, name) for name in ("hidden", "objective", "aux_weight", "label_noise", "examples")},
            "seeds": point.seeds,
            **_columns("accuracy", point.accuracy),
            **_columns("gap", point.gap),
            **_columns("rlct", point.rlct),
            **_columns("accuracy minus baseline", None if point.tax is None else point.tax.estimate),
            "p": None if point.tax is None else point.tax.p,
        }
        for point in curves.points
    ]


def _points(runs: Sequence[RunResult]) -> tuple[LearningPoint, ...]:
    groups: dict[tuple, dict[int, RunResult]] = defaultdict(dict)
    for run in sorted(runs, key=lambda run: str(run.folder)):
        recipe, examples = run.recipe, run.config.data.examples if run.config else None
        place = recipe.hidden, recipe.label_noise, recipe.objective, recipe.aux_weight, examples
        groups[place].setdefault(recipe.seed, run)
    baselines = {
        (hidden, noise, examples): {seed: run.accuracy for seed, run in group.items()}
        for (hidden, noise, _, weight, examples), group in groups.items()
        if weight == 0
    }
    points = []
    for (hidden, noise, objective, weight, examples), group in sorted(groups.items()):
        accuracies = {seed: run.accuracy for seed, run in group.items()}
        baseline = baselines.get((hidden, noise, examples)) if weight else None
        accuracy = mean_interval(accuracies.values())
        if accuracy is not None:
            points.append(
                LearningPoint(
                    hidden=hidden,
                    objective=objective,
                    aux_weight=weight,
                    label_noise=noise,
                    examples=examples,
                    seeds=len(group),
                    accuracy=accuracy,
                    gap=mean_interval(gap for run in group.values() if (gap := _gap(run)) is not None),
                    rlct=mean_interval(v for run in group.values() if (v := run.number("rlct")) is not None),
                    tax=difference(accuracies, baseline) if baseline else None,
                )
            )
    return tuple(points)


def _gap(run: RunResult) -> float | None:
    # Of a history that cannot be read it is not a number; `experiments.shortcomings` says so.
    accuracy = spread_history(run).accuracy
    return accuracy - run.accuracy if math.isfinite(accuracy) else None


def _columns(name: str, interval: Interval | None) -> dict:
    return {
        name: None if interval is None else interval.mean,
        f"{name} ±": None if interval is None else interval.half_width,
    }
