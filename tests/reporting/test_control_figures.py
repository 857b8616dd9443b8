import numpy as np
import pytest

from keras_selfmodel.reporting import control_figures, report_html
from keras_selfmodel.studies import controls, studies_of
from tests.studies.made_up import made_up_grid, made_up_run, written


def _runs(**changes) -> list:
    """Self-modeling, dropout and a smaller self-model, three seeds."""
    weights = {"dropout": (0.25, 0.5), "signs": (1, 5)}
    return made_up_grid(hiddens=(64,), weights=(0, 1, 10), **changes) + [
        made_up_run(weight, seed, hidden=64, objective=objective, accuracy=0.96 - 0.001 * seed, rlct=50.0 + seed)
        for objective, strengths in weights.items()
        for weight in strengths
        for seed in (1, 2, 3)
    ]


def test_each_kind_of_control_has_its_column_beside_self_modeling():
    figures = control_figures(controls(studies_of(_runs())))
    assert list(figures) == ["controls-mnist-hidden64"]
    panels = figures["controls-mnist-hidden64"].axes
    assert [axes.get_title(loc="left") for axes in panels] == ["Classical regularizers", "Other self-models", "", ""]
    assert [[text.get_text() for text in axes.get_legend().get_texts()] for axes in panels[2:]] == [
        ["self-modeling", "dropout"],
        ["self-modeling", "signs"],
    ]
    assert panels[0].get_ylabel() == "RLCT (paper convention,\nnβ = 82.1)"


def test_a_curve_goes_through_the_means_from_the_baseline_on():
    runs = _runs()
    axes = control_figures(controls(studies_of(runs)))["controls-mnist-hidden64"].axes[0]
    curve = axes.containers[0].lines[0]
    of = {
        w: [r for r in runs if r.recipe.objective == "self-modeling" and r.recipe.aux_weight == w] for w in (0, 1, 10)
    }
    assert curve.get_xdata() == pytest.approx([100 * np.mean([r.accuracy for r in group]) for group in of.values()])
    assert curve.get_ydata() == pytest.approx([np.mean([r.rlct.value for r in group]) for group in of.values()])
    (star, *_) = [line for line in axes.get_lines() if line.get_gid() == "baseline"]
    assert star.get_ydata() == pytest.approx([np.mean([r.rlct.value for r in of[0]])])


def test_without_rlct_the_spread_is_drawn_alone_and_collapsed_networks_are_not():
    runs = [made_up_run(w, s, hidden=64, rlct=None) for w in (0, 1) for s in (1, 2)]
    runs += [made_up_run(0.9, s, hidden=64, rlct=None, objective="dropout", accuracy=0.1) for s in (1, 2)]
    (axes,) = control_figures(controls(studies_of(runs)))["controls-mnist-hidden64"].axes
    assert [len(container.lines[0].get_xdata()) for container in axes.containers] == [2, 1]


def test_a_folder_without_controls_has_no_such_figure():
    assert control_figures(controls(studies_of(made_up_grid()))) == {}


def test_the_report_has_a_section_of_its_own_and_the_others_stay_as_they_were(tmp_path):
    runs = [written(run, tmp_path / run.recipe.name) for run in _runs()]
    self_modeling = [run for run in runs if run.recipe.objective == "self-modeling"]
    page, before = (report_html(studies_of(some), tmp_path) for some in (runs, self_modeling))
    assert 'id="controls-1"' in page and 'id="controls-1"' not in before
    start, end = '<section id="study-1">', "</section>"
    assert page[page.index(start) :].split(end)[0] == before[before.index(start) :].split(end)[0]
    assert 'id="study-2"' not in page
    section = page[page.index('<section id="controls-1">') :].split(end)[0]
    # Self-modeling with AW 1 and 10 against two controls, RLCT and spread.
    assert section.count("<td") > 0 and section.count(">dropout</td>") == 2 * 2 + 3
    assert "dropout of this rate before the final layer" in section
