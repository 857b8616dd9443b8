"""From runs in any order to studies, in which nothing is mixed that differs in more than size, weight and seed."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from keras_selfmodel.experiments import SELF_MODELING, RunResult
from keras_selfmodel.experiments.recipe import WITHOUT_EFFECT_ON_NUMBERS
from keras_selfmodel.studies.setting_texts import setting_text
from keras_selfmodel.studies.study import Group, Series, Study

# The order of the paper; other tasks follow.
TASK_ORDER = ("mnist", "cifar10", "imdb")
# Settings and their values, by which runs are sorted.
Settings = frozenset[tuple[str, Any]]
# What a study varies.
VARIED = ("task", "hidden", "aux_weight", "seed")
# What has no meaning for a network without a self-model.
SELF_MODEL_ALONE = ("targets", "objective")


def studies_of(results: Iterable[RunResult]) -> list[Study]:
    """Sorts runs into studies.

    Runs of one study have the same task, backend, data and settings, the objective among them, except hidden units,
    auxiliary weight and seed. A baseline (AW = 0) has neither self-model nor another objective, so it belongs to every
    study that differs from it in these alone. Of several runs with the same settings and seed, one is kept:
    repeating a computation adds no evidence.

    Args:
        results: The runs, as `experiments.finished_runs` reads them.

    Returns:
        The studies by task, in the order of the paper, and backend.

    Example:

    >>> from keras_selfmodel import experiments
    >>> for study in studies_of(experiments.finished_runs("runs")):  # doctest: +SKIP
    ...     print(study.title, [(series.hidden, len(series.runs)) for series in study.series])
    mnist [(64, 60), (512, 60)]
    """
    self_modeling: dict[Settings, list[RunResult]] = defaultdict(list)
    baselines: dict[Settings, list[RunResult]] = defaultdict(list)
    settings: dict[Settings, dict] = {}
    for run in sorted(results, key=lambda run: str(run.folder)):
        values = settings_of_run(run)
        shared = _key(without_self_model(values))
        if run.recipe.aux_weight == 0:
            baselines[shared].append(run)
            settings.setdefault(shared, without_self_model(values))
        else:
            self_modeling[_key(values)].append(run)
            settings[_key(values)] = values
    adopting = {key: _key(without_self_model(settings[key])) for key in self_modeling}
    found = [_study(settings[key], runs + baselines.get(adopting[key], [])) for key, runs in self_modeling.items()]
    # A baseline is self-modeling's too where there is no network with a self-model.
    adopted = {adopting[key] for key in self_modeling if settings[key]["objective"] == SELF_MODELING}
    found += [_study(settings[key], runs) for key, runs in baselines.items() if key not in adopted]
    found.sort(key=_place)
    return [dataclasses.replace(study, distinction=_distinction(study, found)) for study in found]


def paper_studies(found: Iterable[Study]) -> list[Study]:
    """The studies of self-modeling as in the paper, with the baseline: those that its figures and claims are about."""
    return [study for study in found if study.objective == SELF_MODELING]


def data_of(result: RunResult) -> str:
    """What distinguishes the data of a run from others: their digest, or their source where the folder has none."""
    return result.data_source if result.config is None else result.config.data.digest[:12]


def settings_of_run(result: RunResult) -> dict:
    """The settings that decide the numbers of a run, but for those that a study varies, with backend and data."""
    recipe = result.recipe.settings()
    plain = {name: value for name, value in recipe.items() if name not in (*VARIED, *WITHOUT_EFFECT_ON_NUMBERS)}
    return {"task": result.recipe.task, "backend": result.backend, **plain, "data": data_of(result)}


def _place(study: Study) -> tuple:
    number = TASK_ORDER.index(study.task) if study.task in TASK_ORDER else len(TASK_ORDER)
    return number, study.task, study.backend, [(name, str(study.settings[name])) for name in sorted(study.settings)]


def without_self_model(settings: dict) -> dict:
    """Settings without those that have no meaning for a baseline."""
    return {name: value for name, value in settings.items() if name not in SELF_MODEL_ALONE}


def _key(settings: dict) -> Settings:
    return frozenset(settings.items())


def _study(settings: dict, runs: list[RunResult]) -> Study:
    kept, repeats = {}, []
    for run in runs:
        place = run.recipe.hidden, run.recipe.aux_weight, run.recipe.seed
        if place in kept:
            repeats.append(run)
        else:
            kept[place] = run
    series: dict[int, dict[float, list[RunResult]]] = defaultdict(lambda: defaultdict(list))
    for place in sorted(kept):
        hidden, aux_weight, _ = place
        series[hidden][aux_weight].append(kept[place])
    return Study(
        task=settings["task"],
        backend=settings["backend"],
        settings={name: value for name, value in settings.items() if name not in ("task", "backend")},
        distinction="",
        series=tuple(
            Series(hidden, tuple(Group(aux_weight, tuple(group)) for aux_weight, group in groups.items()))
            for hidden, groups in series.items()
        ),
        repeats=tuple(repeats),
    )


def _distinction(study: Study, found: list[Study]) -> str:
    """Backend and settings in which the studies of its task differ."""
    peers = [other for other in found if other.task == study.task]
    words = [study.backend] if any(other.backend != study.backend for other in peers) else []
    for name in differing(study.settings, [peer.settings for peer in peers]):
        if name == "data":
            text = _data_text(study)
            alike = [peer for peer in peers if peer.settings[name] != study.settings[name] and _data_text(peer) == text]
            words.append(f"{text}, data {study.settings[name]}" if alike else text)
        else:
            words.append(setting_text(name, study.settings[name]))
    return ", ".join(words)


def _data_text(study: Study) -> str:
    run = study.runs[0]
    if not run.is_subset:
        return f"data {study.settings['data']}"
    examples = None if run.config is None else run.config.data.examples
    return "a subset of the data" if examples is None else f"a subset of {examples:,} samples"


def differing(settings: dict, others: Iterable[dict]) -> list[str]:
    """Names of the settings that others have otherwise, by alphabet; of self-modeling not the objective."""
    others = list(others)
    return [
        name
        for name, value in sorted(settings.items())
        if value is not None
        and not (name == "objective" and value == SELF_MODELING)
        and any(other.get(name) != value for other in others)
    ]
