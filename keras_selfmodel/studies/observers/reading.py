"""What the observers found, as rows and in plain words."""

from collections.abc import Sequence

from keras_selfmodel.studies.claim import SIGNIFICANT
from keras_selfmodel.studies.observers.groups import ObservedGroup
from keras_selfmodel.studies.observers.observed_run import ObservedRun
from keras_selfmodel.studies.wording import strength_name


def observed_rows(observed: Sequence[ObservedRun]) -> list[dict]:
    """Every observation as one row, by column."""
    return [
        {
            "run": network.result.folder.name,
            "task": network.result.recipe.task,
            "objective": network.result.recipe.objective,
            "hidden": network.result.recipe.hidden,
            "aux_weight": network.result.recipe.aux_weight,
            "seed": network.result.recipe.seed,
            "backend": network.result.backend,
            "source": one.question.source,
            "target": one.question.target,
            "capacity": one.capacity,
            "error": one.error,
            "error_of_variance": one.error_of_variance,
            "units": one.units,
            "counted_units": one.counted_units,
        }
        for network in observed
        for one in network.observations
    ]


def is_significant(group: ObservedGroup) -> bool:
    """Whether the group's error lies away from the baseline's beyond chance."""
    return group.p_holm is not None and group.p_holm < SIGNIFICANT


def observer_reading(groups: Sequence[ObservedGroup]) -> list[str]:
    """One sentence for each study, size and question.

    Args:
        groups: What `observed_groups` found.
    """
    places = dict.fromkeys((group.study, group.hidden, group.question) for group in groups)
    return [
        _sentence([group for group in groups if (group.study, group.hidden, group.question) == place])
        for place in places
    ]


def _sentence(groups: list[ObservedGroup]) -> str:
    first, capacities = groups[0], len({group.capacity for group in groups})
    verdicts: dict[str, list[str]] = {}
    for weight in sorted({group.aux_weight for group in groups if group.aux_weight > 0}):
        alike = [group for group in groups if group.aux_weight == weight]
        for verdict, count in _verdicts(alike).items():
            share = "" if count == capacities else f" ({count} of {capacities} capacities)"
            verdicts.setdefault(verdict, []).append(f"{strength_name(first.objective)} {weight:g}{share}")
    said = [f"{verdict}: {', '.join(weights)}" for verdict, weights in verdicts.items()]
    return f"{first.study}, H = {first.hidden}, {first.question}: {'; '.join(said) or 'the baseline alone'}."


def _verdicts(groups: list[ObservedGroup]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in groups:
        if group.collapsed:
            verdict = "not compared, because networks collapsed"
        elif group.difference is None or group.p_holm is None:
            verdict = "not compared, because a baseline or seeds are missing"
        elif not is_significant(group):
            verdict = "no difference beyond chance"
        else:
            verdict = "easier to predict" if group.difference.estimate.mean < 0 else "harder to predict"
        counts[verdict] = counts.get(verdict, 0) + 1
    return counts
