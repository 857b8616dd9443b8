"""Where the numbers of a study come from: settings, data, versions."""

import re
from collections import Counter
from typing import Any

from keras_selfmodel.experiments import RunResult
from keras_selfmodel.studies import Study
from keras_selfmodel.studies.setting_texts import setting_name, setting_value


def settings_rows(study: Study) -> list[tuple[str, str]]:
    """Name and value of what the runs of a study vary, and of every setting that they share."""
    varied: list[tuple[str, list[Any]]] = [
        ("hidden units", sorted({series.hidden for series in study.series})),
        ("auxiliary weights", sorted({group.aux_weight for series in study.series for group in series.groups})),
        ("seeds", sorted({run.recipe.seed for run in study.runs})),
    ]
    shared = {"backend": study.backend, **study.settings}
    shared.pop("data")
    return [(name, ", ".join(map(setting_value, values))) for name, values in varied] + [
        (setting_name(name), setting_value(value)) for name, value in shared.items() if value is not None
    ]


def origins_of(study: Study) -> list[tuple[str, str]]:
    """Data, versions and devices behind the runs, each with the number of runs where they differ."""
    found: dict[str, Counter] = {}
    for run in study.runs:
        for name, value in _origin(run).items():
            found.setdefault(name, Counter())[value] += 1
    return [
        (name, "; ".join(values) if len(values) == 1 else "; ".join(f"{v} ({n} runs)" for v, n in values.items()))
        for name, values in found.items()
    ]


def without_path(source: str) -> str:
    """A data source without the folder it was read from, which is a matter of one machine.

    Example:

    >>> without_path("TFDS mnist 3.0.1, ~/tensorflow_datasets/mnist/3.0.1")
    'TFDS mnist 3.0.1'
    """
    return re.sub(r",\s*(?:~|\.{0,2}[/\\]|[A-Za-z]:[/\\]).*$", "", source)


def _origin(run: RunResult) -> dict[str, str]:
    source = {"data": without_path(run.data_source)}
    if run.config is None:
        return {**source, **dict.fromkeys(("digest of the data", "keras_selfmodel", "python", "devices"), "unknown")}
    made_by = run.config.provenance
    return {
        **source,
        "digest of the data": run.config.data.digest,
        "keras_selfmodel": made_by.keras_selfmodel,
        **{name: str(version) for name, version in made_by.packages.items()},
        "python": made_by.python,
        "devices": ", ".join(made_by.devices),
    }
