import dataclasses

import pytest

from keras_selfmodel.experiments import TASKS, PaperFigures, paper_figures
from keras_selfmodel.experiments.paper import paper_series

PAPER = TASKS["mnist"].recipe


# Read off the figures of arXiv 2407.10188.
@pytest.mark.parametrize(
    ("hidden", "aux_weight", "figures"),
    [
        (512, 0, PaperFigures(0.097, 58, 0.975)),
        (512, 10, PaperFigures(0.088, 52.5, None)),
        (512, 50, PaperFigures(0.081, 37, 0.96)),
        (256, 5, PaperFigures(0.122, 42, None)),
        (128, 50, PaperFigures(0.080, -16, 0.14)),
        (64, 20, PaperFigures(0.118, -3.5, 0.27)),
    ],
)
def test_the_figures_are_those_of_the_paper(hidden, aux_weight, figures):
    assert paper_figures(dataclasses.replace(PAPER, hidden=hidden, aux_weight=float(aux_weight))) == figures


def test_every_seed_is_compared_with_the_paper():
    assert paper_figures(dataclasses.replace(PAPER, seed=9)) == paper_figures(PAPER)


def test_a_run_without_rlct_is_compared_with_the_paper():
    assert paper_figures(dataclasses.replace(PAPER, rlct=None)) == paper_figures(PAPER)


def test_what_changes_no_number_does_not_matter_to_the_comparison():
    assert paper_figures(dataclasses.replace(PAPER, descend=True, keep_epochs=(0, 1))) == paper_figures(PAPER)


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "cifar10"},
        {"hidden": 100},
        {"aux_weight": 3.0},
        {"targets": ("logits",)},
        {"epochs": 49},
        {"batch_size": 64},
        {"learning_rate": 0.01},
        {"momentum": 0.0},
        {"rlct": dataclasses.replace(PAPER.rlct, step_size=1e-5)},
        {"rlct": dataclasses.replace(PAPER.rlct, convention="dataset")},
    ],
)
def test_other_settings_than_the_papers_have_no_figures(changes):
    assert paper_figures(dataclasses.replace(PAPER, **changes)) is None


def test_the_figures_of_the_other_experiments_are_those_of_the_paper():
    cifar10, imdb = paper_series("cifar10", 2000), paper_series("imdb", 128)
    assert {weight: figures.rlct for weight, figures in cifar10.items()} == {0: 81.5, 0.5: 72.6, 1: 69.4, 2: 66.8}
    assert cifar10[2] == PaperFigures(0.057, 66.8, 0.9185)
    assert {weight: figures.weight_spread for weight, figures in imdb.items()} == {0: 2.05, 100: 1.63, 500: 0.76}
    assert imdb[500] == PaperFigures(0.76, 5.2, 0.836)


def test_what_the_paper_did_not_run_has_no_series():
    assert paper_series("digits", 64) == paper_series("mnist", 100) == {}


def test_a_task_that_is_not_there_has_no_figures(monkeypatch):
    monkeypatch.delitem(TASKS, "mnist")
    assert paper_figures(PAPER) is None


def test_the_targets_of_a_baseline_do_not_matter():
    baseline = dataclasses.replace(PAPER, aux_weight=0.0)
    assert paper_figures(dataclasses.replace(baseline, targets=("logits",))) == paper_figures(baseline)
