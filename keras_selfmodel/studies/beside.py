"""A few runs side by side: what differs in their settings and their measures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_selfmodel.experiments import RunResult
from keras_selfmodel.rlct.summary import Descent, Verdict
from keras_selfmodel.studies.grouping import data_of
from keras_selfmodel.studies.measures import MEASURES, Measure

# What RLCTs must share to be compared.
_RLCT_SHARES = ("rlct.convention", "rlct.inverse_temperature", "rlct.localization")


@dataclass(frozen=True)
class ComparedMeasure:
    """One measure of every run.

    Attributes:
        measure: Which.
        texts: The value of each run as people read it, which tells what was not measured from what is not a number.
        values: One per run; `None` where it was not measured or is not a number.
        errors: Standard errors of the values, where they have one.
        differences: Of each run from the first; `None` for the first, and where they cannot be compared, or one of
            the two is not to be used.
        difference_errors: Standard errors of the differences, where both values have one.
        verdicts: Whether each estimate can be used; `None` for measures that are no estimates.
        descents: What came of the descent before each estimate; `None` where there was none.
    """

    measure: Measure
    texts: tuple[str, ...]
    values: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    differences: tuple[float | None, ...]
    difference_errors: tuple[float | None, ...]
    verdicts: tuple[Verdict | None, ...]
    descents: tuple[Descent | None, ...]


@dataclass(frozen=True)
class SideBySide:
    """Several runs side by side; tuples hold one value for each run.

    Attributes:
        runs: The runs.
        settings: Values of the settings that differ, by name.
        measures: The measures that at least one run has.
        notes: Reasons against a comparison, as sentences.
    """

    runs: tuple[RunResult, ...]
    settings: dict[str, tuple]
    measures: tuple[ComparedMeasure, ...]
    notes: tuple[str, ...]


def side_by_side(runs: Sequence[RunResult]) -> SideBySide:
    """Compares runs side by side; differences are from the first.

    RLCTs are compared only if they share convention, nβ and γ; otherwise they are different quantities.

    Args:
        runs: Two or more.

    Raises:
        ValueError: If there are fewer than two.

    Example:

    >>> from keras_selfmodel import experiments
    >>> pair = [experiments.read_run(folder) for folder in ("runs/a", "runs/b")]  # doctest: +SKIP
    >>> side_by_side(pair).settings  # doctest: +SKIP
    {'aux_weight': (0.0, 10.0)}
    """
    if len(runs) < 2:
        raise ValueError(f"A comparison needs at least two runs. Received: {len(runs)}")
    every = [_settings(run) for run in runs]
    names = list(dict.fromkeys(name for settings in every for name in settings))
    settings = {name: tuple(settings.get(name) for settings in every) for name in names}
    differing = {name: values for name, values in settings.items() if any(value != values[0] for value in values)}
    comparable = [all(other.get(name) == every[0].get(name) for name in _RLCT_SHARES) for other in every]
    found = []
    for measure in MEASURES.values():
        besides = _compared(measure, runs, comparable if measure.name.startswith("rlct") else [True] * len(runs))
        if any(run.was_measured(measure.name) for run in runs):
            found.append(besides)
    return SideBySide(tuple(runs), differing, tuple(found), tuple(_notes(runs, differing, comparable)))


def _compared(measure: Measure, runs: Sequence[RunResult], comparable: list[bool]) -> ComparedMeasure:
    estimates = [run.estimates().get(measure.name) for run in runs]
    numbers = [measure.of(run) for run in runs]  # None of what is not to be used, which is shown, but not compared
    values = tuple(n if e is None else e.value for n, e in zip(numbers, estimates, strict=True))
    errors = tuple(None if estimate is None else estimate.std_error for estimate in estimates)
    verdicts = tuple(None if estimate is None else estimate.verdict for estimate in estimates)
    descents = tuple(None if estimate is None else estimate.descent for estimate in estimates)
    first, first_error = numbers[0], errors[0]
    differences: list[float | None] = [None]
    difference_errors: list[float | None] = [None]
    for value, error, may in zip(numbers[1:], errors[1:], comparable[1:], strict=True):
        if not may or value is None or first is None:
            differences.append(None)
            difference_errors.append(None)
            continue
        differences.append(value - first)
        difference_errors.append(None if error is None or first_error is None else math.hypot(error, first_error))
    texts = tuple(map(measure.text_of, runs))
    return ComparedMeasure(
        measure, texts, values, errors, tuple(differences), tuple(difference_errors), verdicts, descents
    )


def _settings(run: RunResult) -> dict:
    """All settings, data and versions; nothing that follows from another of them."""
    made_by = None if run.config is None else run.config.provenance
    return {
        **run.recipe.settings(),
        "data": data_of(run),
        "backend": run.backend,
        **({} if made_by is None else made_by.packages),
        "devices": None if made_by is None else ", ".join(made_by.devices),
    }


def _notes(runs: Sequence[RunResult], differing: dict, comparable: list[bool]) -> list[str]:
    notes = []
    measured = [run.rlct is not None for run in runs]
    if measured[0] and any(there and not may for there, may in zip(measured, comparable, strict=True)):
        notes.append("RLCTs with different convention, nβ or γ are different quantities: no difference is shown.")
    for number, run in enumerate(runs, 1):
        for name, estimate in run.estimates().items():
            if estimate.verdict != "reliable":
                unfit = "" if estimate.is_usable else ", and no difference is shown"
                sentences = [f"Run {number}: the {MEASURES[name].title} is {estimate.verdict}{unfit}."]
                notes.append(" ".join([*sentences, *estimate.warnings]))
    if any(run.is_subset for run in runs):
        notes.append("A run used only part of its data set.")
    if "task" in differing or "data" in differing:
        notes.append("The runs used different data.")
    return notes
