"""Compressed networks by objective and strength."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments import SELF_MODELING
from keras_selfmodel.statistics.interval import Interval, mean_interval
from keras_selfmodel.studies.collapse import collapsed_runs, has_collapsed
from keras_selfmodel.studies.compared_objectives import controls
from keras_selfmodel.studies.compression.compressed_run import CompressedRun
from keras_selfmodel.studies.compression.measures import COMPRESSION_MEASURES, RETRAINED_PRUNING, CompressionMeasure
from keras_selfmodel.studies.grouping import studies_of
from keras_selfmodel.studies.study import Group, Study


@dataclass(frozen=True)
class CompressedGroup:
    """Networks that differ only in their seeds.

    Attributes:
        study: Title of the study.
        objective: What they were trained on besides the task.
        hidden: Their hidden units.
        aux_weight: Their auxiliary weight, or the strength of another objective.
        networks: How many.
        collapsed: How many of them no longer classify (`studies.has_collapsed`).
        accuracy: Mean and 95 % interval of the accuracy on the samples they are measured on; `None` without classes.
        loss: The same of the loss.
        values: The same of each measure, by name; `None` if no network has it.
        reached: How many networks have the measure, by name: the mean leaves the others out.
    """

    study: str
    objective: str
    hidden: int
    aux_weight: float
    networks: int
    collapsed: int
    accuracy: Interval | None
    loss: Interval | None
    values: dict[str, Interval | None]
    reached: dict[str, int]


def by_folder(found: Sequence[CompressedRun]) -> dict[Path, CompressedRun]:
    """The networks by the folder of their run."""
    return {one.result.folder: one for one in found}


def values_by_seed(
    group: Group, folders: Mapping[Path, CompressedRun], measure: CompressionMeasure
) -> dict[int, float]:
    """The measure of those networks of a group that have it."""
    values = {run.recipe.seed: measure.of(folders[run.folder].compression) for run in group.runs}
    return {seed: value for seed, value in values.items() if value is not None}


def compressed_studies(found: Sequence[CompressedRun]) -> list[Study]:
    """The studies of the networks, self-modeling before other objectives."""
    return sorted(studies_of([one.result for one in found]), key=lambda study: study.objective != SELF_MODELING)


def compressed_groups(found: Sequence[CompressedRun]) -> list[CompressedGroup]:
    """Means and intervals over the seeds.

    Args:
        found: Compressed networks.

    Returns:
        By study, self-modeling before other objectives, size and strength. The baseline is in each study.

    Raises:
        ImportError: If SciPy is missing.
    """
    folders = by_folder(found)
    groups = []
    for study in compressed_studies(found):
        for series in study.series:
            for group in series.groups:
                measures = (*COMPRESSION_MEASURES.values(), RETRAINED_PRUNING)
                values = {one.name: values_by_seed(group, folders, one) for one in measures}
                intact = [folders[run.folder].compression.intact for run in group.runs]
                groups.append(
                    CompressedGroup(
                        study=study.title,
                        objective=study.objective,
                        hidden=series.hidden,
                        aux_weight=group.aux_weight,
                        networks=len(group.runs),
                        collapsed=len(collapsed_runs(group, series)) if group.aux_weight else 0,
                        accuracy=mean_interval(one.accuracy for one in intact if one.accuracy is not None),
                        loss=mean_interval(one.loss for one in intact),
                        values={name: mean_interval(each.values()) for name, each in values.items()},
                        reached={name: len(each) for name, each in values.items()},
                    )
                )
    return groups


def compared_networks(found: Sequence[CompressedRun]) -> dict[str, list[CompressedRun]]:
    """Networks of one size that are shown together: all objectives that can be compared; collapsed ones left out.

    Args:
        found: Compressed networks.

    Returns:
        By title, such as "mnist, H = 64".
    """
    folders, studies = by_folder(found), compressed_studies(found)
    beside = controls(studies)
    members = {id(study) for one in beside for study in one.studies.values()}
    together = [(one.self_modeling.title, list(one.studies.values())) for one in beside]
    together += [(study.title, [study]) for study in studies if id(study) not in members]
    shown: dict[str, dict[Path, CompressedRun]] = {}
    for title, alike in together:
        for series in [series for study in alike for series in study.series]:
            kept = [run for run in series.runs if not has_collapsed(run, series)]
            shown.setdefault(f"{title}, H = {series.hidden}", {}).update(
                (run.folder, folders[run.folder]) for run in kept
            )
    return {title: list(networks.values()) for title, networks in shown.items() if networks}
