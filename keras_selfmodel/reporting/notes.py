"""What to know about single runs before trusting their numbers."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel._control_characters import escaped
from keras_selfmodel.experiments import DamagedRunError, RunResult, shortcomings
from keras_selfmodel.experiments.folder_errors import UnreadableFolderError
from keras_selfmodel.experiments.places import run_places
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.studies import MEASURES, Study, has_collapsed

# What a reader can do about a damaged run.
REMEDY = "To compute it again, use ksm sweep --retry-failed, or remove its folder."
_NUMBER = re.compile(r"(?<!\w)[-−]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")


@dataclass(frozen=True)
class Note:
    """A sentence about some runs.

    Attributes:
        text: The sentence.
        runs: Names of the runs it is about.
    """

    text: str
    runs: tuple[str, ...]


def page_notes(studies: Sequence[Study], root: Path, damaged: Sequence[DamagedRunError] = ()) -> list[Note]:
    """Collapsed networks, RLCTs not to be used, warnings of the sampling, missing files, subsets, repeats, lost runs.

    Args:
        studies: The finished runs.
        root: The folder they were found in.
        damaged: What is wrong with further runs, which are left out.
    """
    said: dict[str, list[str]] = defaultdict(list)
    for study in studies:
        for series in study.series:
            for run in series.runs:
                for text in _what_speaks_against(
                    run, collapsed=run.recipe.aux_weight > 0 and has_collapsed(run, series)
                ):
                    said[text].append(run_name(run.folder, root))
        for run in study.repeats:
            said["Left out: there is another run with the same settings and seed."].append(run_name(run.folder, root))
    for error in damaged:
        remedy = error.advice if isinstance(error, UnreadableFolderError) else REMEDY
        said[f"Left out: {error.finding} {remedy}"].append(run_name(error.folder, root))
    for folder, reason in _without_result(root):
        said[f"Failed: {reason}" if reason else "Not finished."].append(run_name(folder, root))
    return _merged(said)


def _merged(said: dict[str, list[str]]) -> list[Note]:
    """One note for sentences that differ only in their numbers, with the smallest and largest of each number."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in said:
        alike[tuple(_NUMBER.split(text))].append(text)
    notes = []
    for words, texts in alike.items():
        columns = zip(*(_NUMBER.findall(text) for text in texts), strict=True)
        spans = [_span(set(column)) for column in columns]
        text = "".join(part for pair in zip(words, [*spans, ""], strict=True) for part in pair)
        # A baseline belongs to several studies; its notes are said once.
        notes.append(Note(text, tuple(dict.fromkeys(run for text in texts for run in said[text]))))
    return notes


def _span(numbers: set[str]) -> str:
    least, greatest = min(numbers, key=_value), max(numbers, key=_value)
    return least if least == greatest else f"{least} to {greatest}"


def _value(number: str) -> float:
    return float(number.replace("−", "-"))


def run_name(folder: Path, root: Path) -> str:
    """A run's folder as seen from the folder of the report, so that no path of a machine gets in."""
    inside = folder.is_relative_to(root) and folder != root
    # Also those that are no UTF-8, which a page must be.
    return escaped(folder.relative_to(root).as_posix() if inside else folder.resolve().name)


def _what_speaks_against(run: RunResult, *, collapsed: bool) -> list[str]:
    notes = []
    if collapsed:
        notes.append("Collapsed: the accuracy lies 20 points or more below the baseline's.")
    if run.is_subset:
        notes.append("Only part of the data set: not comparable with the paper.")
    for name, estimate in run.estimates().items():
        title = MEASURES[name].title
        if estimate.value is None:
            notes.append(f"The {title} is not a number: the sampling diverged.")
        elif not estimate.is_usable:
            notes.append(f"The {title} is not to be used: it is left out of means, comparisons and claims.")
        if estimate.descent is not None and not estimate.descent.steps:
            notes.append(f"{title}: the descent found no lower loss, so it is measured at the trained weights.")
        notes += [f"{title}: {sentence}" for sentence in estimate.warnings]
    return notes + shortcomings(run)


def _without_result(root: Path) -> list[tuple[Path, str | None]]:
    """Folders of runs that were started and have no result, with the reason if one is known."""
    folders = [RunFolder(place) for place in run_places(root, "config.json").folders]
    return [(files.path, _reason(files)) for files in folders if not files.finished]


def _reason(files: RunFolder) -> str | None:
    try:
        return files.failure()
    except DamagedRunError as error:
        return f"for an unknown reason: {error.finding}"
