"""The paper's Figures 2, 3 and 4, drawn from any runs."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from keras_selfmodel.reporting.drawing_of_panels import draw_measure, draw_training
from keras_selfmodel.studies import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# The paper's numbers of its figures, and how the tasks are written.
NUMBERS = {"mnist": 2, "cifar10": 3, "imdb": 4}
TASK_TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "imdb": "IMDB"}
# In inches: what a panel and its legend take.
PANEL_SIZE = (3.7, 3.4)


@dataclass(frozen=True)
class Panel:
    """One panel of a figure.

    Attributes:
        letter: Its letter in the figure.
        title: What it shows, in words.
        draw: Draws it on `matplotlib` axes.
    """

    letter: str
    title: str
    draw: Callable


def panels(study: Study, *, paper: bool = False) -> list[Panel]:
    """The panels of a study: A–D of the paper's Figure 2, or A–C of its Figures 3 and 4, and one that the paper lacks.

    The latter shows the RLCT after descent, where runs have it.

    Panel B of Figure 2, the spread against the auxiliary weight, is there for MNIST and wherever several network sizes
    are.

    Args:
        study: Comparable runs.
        paper: Whether the paper's values are marked, where the runs have its settings.
    """
    against = {"rlct": "RLCT after training", "accuracy": "Accuracy after training"}
    if study.task == "mnist" or len(study.series) > 1:
        against = {"weight_spread": "Weight spread after training", **against}
    against["rlct_descended"] = "RLCT after training and descent"
    # What no run measured has no panel.
    against = {name: title for name, title in against.items() if any(_measured(run, name) for run in study.runs)}
    drawings = [(f"Weight spread during training, H = {study.series[-1].hidden}", partial(draw_training, study=study))]
    drawings += [(title, partial(draw_measure, study=study, name=name)) for name, title in against.items()]
    return [
        Panel(letter, title, partial(draw, paper=paper))
        for letter, (title, draw) in zip("ABCDE", drawings, strict=False)
    ]


def _measured(run, name: str) -> bool:
    return name in run.estimates() or run.number(name) is not None


def sweep_figures(studies: Sequence[Study], *, paper: bool = False) -> dict:
    """Draws the paper's figure of every study.

    Means and 95 % intervals of Student's t over the seeds.

    Args:
        studies: Studies, as found by `studies.studies_of`.
        paper: Whether the paper's values are marked, where the runs have its settings.

    Returns:
        A `matplotlib.figure.Figure` by name, such as "figure-2-mnist".

    Raises:
        ImportError: If matplotlib or SciPy is missing.
        RunFolderError: If a history is damaged.
    """
    from matplotlib.figure import Figure

    figures = {}
    for study, name in zip(studies, figure_names(studies), strict=True):
        drawn = panels(study, paper=paper)
        rows = 1 if len(drawn) <= 3 else 2
        columns = -(-len(drawn) // rows)
        figure = Figure(figsize=(columns * PANEL_SIZE[0], rows * PANEL_SIZE[1] + 0.4), layout="constrained")
        figure.suptitle(f"{study_title(study)}: means and 95 % intervals over the seeds", fontsize="medium")
        places = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in places[len(drawn) :]:
            axes.remove()
        for axes, panel in zip(places, drawn, strict=False):
            _draw(axes, panel)
        figures[name] = figure
    return figures


def panel_figure(panel: Panel) -> "Figure":
    """A single panel as a separate `matplotlib.figure.Figure`, for pages narrower than the whole figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 3.6), layout="constrained")
    _draw(figure.add_subplot(), panel)
    return figure


def study_title(study: Study) -> str:
    """The study's title with the task as people write it."""
    return study.title.replace(study.task, TASK_TITLES.get(study.task, study.task), 1)


def figure_names(studies: Sequence[Study]) -> list[str]:
    """A name for the figure of each study, fit for a file: with the paper's number, and a running one if need be."""
    names: list[str] = []
    for study in studies:
        number = f"{NUMBERS[study.task]}-" if study.task in NUMBERS else ""
        name = f"figure-{number}{re.sub(r'[^A-Za-z0-9_]+', '-', study.task)}"
        if len({other.backend for other in studies if other.task == study.task}) > 1:
            name += f"-{study.backend}"
        taken = sum(other == name or re.fullmatch(re.escape(name) + r"-\d+", other) is not None for other in names)
        names.append(f"{name}-{taken + 1}" if taken else name)
    return names


def _draw(axes: "Axes", panel: Panel) -> None:
    panel.draw(axes)
    axes.set_title(rf"$\bf{{{panel.letter}}}$   {panel.title}", loc="left", fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize="small")
    axes.xaxis.label.set_fontsize("small")
    axes.yaxis.label.set_fontsize("small")
