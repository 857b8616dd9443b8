import inspect
import json
from pathlib import Path

import keras
import pytest

from keras_selfmodel import experiments
from keras_selfmodel.experiments import OBJECTIVES, finished_runs, objective_models
from ksm_cli.options.objectives import (
    OBJECTIVE_NAMES,
    STRENGTH_LIMITS,
    WITHOUT_TARGETS,
    chosen_strengths,
    objective_list,
)
from tests.studies.made_up import made_up_grid, made_up_run, written

SMALL = ("controls", "mnist", "--hidden", "3", "--seeds", "1-2", "--batch-size", "32", "--epochs", "1", "--no-rlct")
HERE = ("--workers", "1")


def test_the_names_are_those_of_the_package():
    assert tuple(OBJECTIVES) == OBJECTIVE_NAMES
    assert {name: one.limit for name, one in OBJECTIVES.items() if one.limit < float("inf")} == STRENGTH_LIMITS
    sources = {name: inspect.getsource(getattr(objective_models, name.replace("-", "_"))) for name in OBJECTIVES}
    unused = [name for name, text in sources.items() if "targets" not in text and "self_modeling(" not in text]
    assert tuple(unused) == WITHOUT_TARGETS


def test_controls_are_trained_compared_and_drawn(ksm, tiny_mnist, without_figures):
    asked = ("--objective", "self-modeling=1", "--objective", "dropout=0.5", "--examples", "64")
    asked += ("--out", "sweeps/mnist")
    result = ksm(*SMALL, *asked, *HERE)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    backend = keras.config.backend()
    assert f"mnist on {backend}: 2 objectives and the baseline, H = 3, 2 seeds" in result.stderr
    assert "  self-modeling  1\n  dropout        0.5\n" in result.stderr
    assert "0 runs finished, 6 to compute" in result.stderr and "expected time: " in result.stderr
    assert "H = 3, dropout: dropout of this rate before the final layer" in result.stdout
    assert "self-modeling minus control at the same accuracy" in result.stdout
    for file_format in ("png", "svg"):
        assert Path(f"sweeps/mnist/figures/controls-mnist-hidden3.{file_format}").stat().st_size > 1000
    runs = finished_runs("sweeps/mnist")
    assert [(run.recipe.objective, run.recipe.aux_weight) for run in runs] == [
        *[("self-modeling", 0)] * 2, *[("self-modeling", 1)] * 2, *[("dropout", 0.5)] * 2,
    ]  # fmt: skip

    again = ksm(*SMALL, *asked, *HERE, "--json", "--quiet")
    assert again.stderr == ""
    found = json.loads(again.stdout)
    assert [row["run"] for row in found["rows"]] == [run.folder.name for run in runs]
    assert [(one["measure"], one["control"], one["seeds"]) for one in found["matched"]] == [
        ("weight_spread", "dropout", 2)
    ]


@pytest.fixture
def asked(monkeypatch, tiny_mnist):
    """The recipes that a command plans; nothing is computed."""
    recipes = []

    def stop(found, *_, **__):
        recipes.extend(found)
        raise RuntimeError("stopped here")

    monkeypatch.setattr(experiments, "plan_sweep", stop)
    return recipes


def test_without_options_every_objective_has_its_strengths_on_five_seeds(ksm, asked):
    assert ksm("controls", "mnist").exit_code == 1
    assert {r.hidden for r in asked} == {64} and {r.seed for r in asked} == {1, 2, 3, 4, 5}
    one = [r for r in asked if r.seed == 3]
    assert [(r.objective, r.aux_weight) for r in one if r.aux_weight] == [
        (name, strength) for name, strengths in experiments.CONTROL_STRENGTHS.items() for strength in strengths
    ]
    assert sum(r.aux_weight == 0 for r in one) == 1


def test_self_modeling_is_there_whatever_is_asked_for(ksm, asked):
    ksm("controls", "mnist", "--objective", "signs")
    assert {r.objective for r in asked} == {"self-modeling", "signs"}


def test_a_sweep_has_the_objectives_that_are_named(ksm, asked):
    ksm("sweep", "mnist", "--hidden", "4", "--objective", "signs,dropout", "--aux-weight", "0,0.5", "--seeds", "1")
    assert [(r.objective, r.aux_weight) for r in asked] == [("self-modeling", 0), ("signs", 0.5), ("dropout", 0.5)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("controls", "mnist", "--objective", "droput"),
            "unknown objective 'droput'. Objectives: self-modeling, both-",
        ),
        (("controls", "mnist", "--objective", "dropout=x"), "--objective dropout must be a list"),
        (("controls", "mnist", "--objective", "dropout=0,0.5"), "leave out 0. The baseline is always included"),
        (
            ("controls", "mnist", "--objective", "dropout=0.5,1"),
            "--objective dropout: every strength must be below 1. Received: 0.5,1.",
        ),
        (("controls", "mnist", "--objective", "signs", "--objective", "signs=1"), "given twice"),
        (("sweep", "mnist", "--objective", "dropout,droput", "--aux-weight", "0.5"), "unknown objective 'droput'"),
        (("sweep", "mnist", "--objective", "signs,signs", "--aux-weight", "0.5"), "twice"),
        (("sweep", "mnist", "--objective", "dropout"), "--objective dropout needs its strengths"),
        (("sweep", "mnist", "--objective", "dropout", "--aux-weight", "10"), "--aux-weight must be below 1"),
        (("run", "mnist", "--objective", "droput", "--aux-weight", "1"), "'droput' is not one of"),
        (("run", "mnist", "--objective", "dropout"), "--objective dropout needs a strength. Give it as --aux-weight"),
        (("run", "mnist", "--objective", "dropout", "--aux-weight", "0"), "cannot be combined with --aux-weight 0"),
        (("run", "mnist", "--objective", "dropout", "--aux-weight", "1"), "--aux-weight must be below 1"),
    ],
)
def test_wrong_usage_is_named_before_anything_is_computed(ksm, tiny_mnist, arguments, said):
    result = ksm(*arguments)
    assert result.exit_code == 2 and said in " ".join(result.stderr.split())
    assert not Path("runs").exists() and not Path("sweeps").exists()


def test_a_control_is_run_by_name(ksm, tiny_mnist, without_figures):
    small = ("--hidden", "3", "--batch-size", "32", "--epochs", "1", "--no-rlct")
    result = ksm("run", "mnist", "--objective", "weight-decay", "--aux-weight", "0.1", *small)
    assert result.exit_code == 0 and "mnist, H = 3, weight-decay 0.1, seed 1" in result.stdout
    (run,) = finished_runs("runs")
    assert run.folder.name == f"mnist-hidden3-weight-decay-aux0.1-seed1-epochs1-batch32-{keras.config.backend()}"


def test_an_objective_that_a_task_cannot_have_is_said_before_a_sweep(ksm, tiny_mnist):
    result = ksm("sweep", "imdb", "--objective", "weight-decay", "--aux-weight", "0.1", "--seeds", "1")
    assert result.exit_code == 1 and "imdb cannot be trained with --objective weight-decay" in result.stderr


def test_lists_of_objectives_are_read():
    assert objective_list(None) == ["self-modeling"]
    assert objective_list("dropout, signs") == ["dropout", "signs"]
    assert chosen_strengths(("dropout=0.2,0.5", "signs")) == {"dropout": [0.2, 0.5], "signs": None}


def test_plot_draws_controls_beside_the_papers_figures_and_report_says_so(ksm, tmp_path):
    runs = [*made_up_grid(hiddens=(64,)), *(made_up_run(0.5, s, hidden=64, objective="dropout") for s in (1, 2, 3))]
    for run in runs:
        written(run, tmp_path / "sweep" / run.recipe.name)
    result = ksm("plot", "sweep", "--format", "png")
    assert [Path(line).name for line in result.stdout.split()] == ["figure-2-mnist.png", "controls-mnist-hidden64.png"]
    report = ksm("report", "sweep")
    assert report.exit_code == 0 and report.stdout.count("H = 64") == 1
    assert "dropout of this rate" in Path("sweep/report.html").read_text(encoding="utf-8")
