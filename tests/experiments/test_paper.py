import dataclasses

import pytest

from keras_selfmodel.experiments import TASKS, PaperFigures, paper_figures

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
