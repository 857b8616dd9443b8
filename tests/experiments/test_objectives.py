import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel._typed_files import plain, typed
from keras_selfmodel.experiments import (
    CONTROL_STRENGTHS,
    OBJECTIVES,
    SELF_MODELING,
    TASKS,
    Recipe,
    objectives_grid,
    paper_figures,
    plan_sweep,
    run,
)
from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.experiments.run_store import place_of
from keras_selfmodel.experiments.stages import concluding
from keras_selfmodel.experiments.stages.building import compiled_model
from keras_selfmodel.experiments.sweeps import training_together
from keras_selfmodel.experiments.sweeps.jobs import Job
from keras_selfmodel.experiments.sweeps.training_together import train_together
from keras_selfmodel.experiments.tasks import find_task
from keras_selfmodel.models import LesionPredictionModel, SelfModelingModel
from tests.experiments.conftest import interrupted_after_epoch
from tests.studies.made_up import made_up_run

MNIST = TASKS["mnist"].recipe


def _with(recipe: Recipe, objective: str, strength: float, **changes) -> Recipe:
    return dataclasses.replace(recipe, objective=objective, aux_weight=strength, **changes)


def test_recipes_of_self_modeling_are_written_with_their_objective():
    assert plain(MNIST)["objective"] == SELF_MODELING
    assert MNIST.name == "mnist-hidden512-aux10-seed1"


def test_another_objective_is_written_named_and_read():
    recipe = _with(MNIST, "weight-decay", 0.01)
    assert recipe.name == "mnist-hidden512-weight-decay-aux0.01-seed1"
    assert typed(Recipe, json.loads(json.dumps(plain(recipe))), "recipe") == recipe


def test_a_baseline_is_the_same_for_all_objectives():
    assert _with(MNIST, "dropout", 0.0) == dataclasses.replace(MNIST, aux_weight=0.0)


@pytest.mark.parametrize(
    ("objective", "strength", "said"),
    [
        ("droput", 0.5, "objective must be one of self-modeling, .*Received: objective='droput'"),
        ("dropout", 1.0, "aux_weight must be below 1 with objective='dropout'. Received: aux_weight=1.0"),
    ],
)
def test_what_is_no_objective_is_refused(objective, strength, said):
    with pytest.raises(ValueError, match=said):
        _with(MNIST, objective, strength)


def test_a_grid_of_objectives_holds_the_baseline_once_a_seed():
    recipes = objectives_grid(MNIST, {"signs": [0, 1], "dropout": [0, 0.5]}, hidden=[4, 5], seeds=[1, 2])
    assert [(r.seed, r.hidden, r.objective, r.aux_weight) for r in recipes if r.seed == 1] == [
        (1, 4, SELF_MODELING, 0), (1, 4, "signs", 1), (1, 5, SELF_MODELING, 0), (1, 5, "signs", 1),
        (1, 4, "dropout", 0.5), (1, 5, "dropout", 0.5),
    ]  # fmt: skip
    assert len(recipes) == 12 and [r.seed for r in recipes] == [1] * 6 + [2] * 6


def test_every_objective_has_strengths_within_its_limits():
    assert list(CONTROL_STRENGTHS) == list(OBJECTIVES)
    for name, strengths in CONTROL_STRENGTHS.items():
        assert list(strengths) == sorted(set(strengths)) and 0 < strengths[0] and strengths[-1] < OBJECTIVES[name].limit


def test_only_self_modeling_stands_beside_the_paper():
    assert paper_figures(MNIST) is not None
    assert paper_figures(_with(MNIST, "both-gradients", 10.0)) is None


def test_the_random_projection_is_fixed_and_of_the_input(recipe, tiny):
    models = [
        compiled_model(find_task("mnist"), _with(recipe, "random-projection", 1.0, rlct=None), tiny) for _ in range(2)
    ]
    x = np.random.default_rng(0).normal(size=(5, 64)).astype("float32")
    targets = [keras.ops.convert_to_numpy(model.joint_outputs(x)["target"]) for model in models]
    np.testing.assert_array_equal(*targets)
    # U(±1/√64) in every place, drawn by NumPy from the seed of the run and a number.
    kernel = np.random.default_rng([recipe.seed, 1_000_002]).uniform(-1 / 8, 1 / 8, (64, 6))
    np.testing.assert_allclose(targets[0], x @ kernel, atol=1e-6)


def test_the_other_network_is_that_of_another_seed_as_it_was_drawn(recipe, tiny):
    wanted = _with(recipe, "other-network", 1.0, rlct=None)
    model = compiled_model(find_task("mnist"), wanted, tiny)
    seed = recipe.seed + 1_000_000
    w = np.random.default_rng([seed, 0, 0]).uniform(-1 / 8, 1 / 8, (64, 6))
    b = np.random.default_rng([seed, 0, 1]).uniform(-1 / 8, 1 / 8, 6)
    x = np.random.default_rng(0).normal(size=(5, 64)).astype("float32")
    target = keras.ops.convert_to_numpy(model.joint_outputs(x)["target"])
    np.testing.assert_allclose(target, np.maximum(x @ w + b, 0), atol=1e-6)
    # The network that learns is the one that self-modeling has.
    plain = compiled_model(find_task("mnist"), dataclasses.replace(wanted, aux_weight=0.0), tiny)
    for ours, theirs in zip(model.classifier.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


SELF_MODELS = [name for name, one in OBJECTIVES.items() if one.kind == "self-model"]


@pytest.mark.parametrize("objective", [name for name in SELF_MODELS if name != "lesions"])
def test_every_self_model_predicts_the_activations_or_a_part_of_them(recipe, tiny, objective):
    model = compiled_model(find_task("mnist"), _with(recipe, objective, 1.0, rlct=None), tiny)
    assert isinstance(model, SelfModelingModel) and model.targets == ("hidden",)
    assert model.num_targets == {"random-subset": 2, "mean-and-range": 2}.get(objective, 6)


def test_lesions_are_of_the_last_target_layer_and_seeded(recipe, tiny):
    wanted = _with(recipe, "lesions", 1.0, rlct=None)
    models = [compiled_model(find_task("mnist"), wanted, tiny) for _ in range(2)]
    assert isinstance(models[0], LesionPredictionModel) and models[0].layer == "hidden" and models[0].num_units == 6
    x = np.random.default_rng(0).normal(size=(50, 64)).astype("float32")
    drawn = [model.joint_outputs(x, training=True) for model in models]
    for name in ("lesion_prediction", "lesion_change"):
        one, other = (keras.ops.convert_to_numpy(outputs[name]) for outputs in drawn)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("objective", "strength"), [("weight-decay", 0.3), ("dropout", 0.5)])
def test_the_rlct_is_that_of_the_plain_network_on_the_tasks_loss(recipe, tiny, objective, strength):
    model = compiled_model(find_task("mnist"), _with(recipe, objective, strength), tiny)
    x, y = tiny.x_train.reshape(200, 64).astype("float32") / 127.5 - 1, tiny.y_train
    energy = rlct_problem(recipe, model, (x, y)).energy
    # In training mode, as the paper's convention has it: a dropout would show.
    (losses,) = energy.losses([np.arange(200)])
    w, b, v, c = (a.astype(np.float64) for a in model.classifier.get_weights())
    scores = np.maximum(x @ w + b, 0) @ v + c
    wanted = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(200), y]
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    assert energy.num_parameters == sum(a.size for a in (w, b, v, c))


@pytest.mark.parametrize(("objective", "strength"), [("dropout", 0.5), ("random-subset", 2.0), ("lesions", 10.0)])
def test_an_interrupted_run_of_a_control_ends_as_an_uninterrupted_one(
    recipe, tiny, tmp_path, monkeypatch, objective, strength
):
    monkeypatch.setattr(concluding, "run_figures", lambda *_: {})
    wanted = _with(recipe, objective, strength, rlct=None)
    whole = run(wanted, tiny, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        progress = interrupted_after_epoch(2)
        run(wanted, tiny, tmp_path / "cut", progress=progress, seconds_between_checkpoints=0)
    again = run(wanted, tiny, tmp_path / "cut", resume=True)
    assert again.metrics() == whole.metrics()
    assert (tmp_path / "cut/history.csv").read_bytes() == (tmp_path / "whole/history.csv").read_bytes()


def test_words_are_trained_without_the_objectives_that_their_steps_cannot_have(recipe, tiny, tmp_path):
    assert "dropout" in TASKS["imdb"].without
    for objective in TASKS["imdb"].without:
        imdb = _with(TASKS["imdb"].recipe, objective, 0.5)
        with pytest.raises(ValueError, match=f"Networks of imdb cannot be trained with objective='{objective}'"):
            plan_sweep([imdb], tiny, tmp_path)


@pytest.mark.skipif(not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend")
def test_controls_can_be_trained_by_one_program_too(recipe, tiny, tmp_path):
    """Whatever differs between networks of one program: masks, and weights that are not trained."""
    strengths = {"dropout": [0.3], "random-subset": [2.0], "lesions": [10.0]}
    short = dataclasses.replace(recipe, rlct=None, epochs=1)
    jobs = [Job(one, tmp_path / one.name) for one in objectives_grid(short, strengths, hidden=[6], seeds=[1, 2])]
    assert train_together(jobs, tiny) == {}
    for job in jobs:
        alone = compiled_model(find_task("mnist"), job.recipe, tiny)
        TASKS["mnist"].trainer(job.recipe, tiny).fit(alone, epochs=1, initial_epoch=0, callbacks=[])
        together = keras.models.load_model(job.folder / "model.keras")
        for one, other in zip(alone.get_weights(), together.get_weights(), strict=True):
            # Single precision: the same sums, added in another order.
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_one_program_trains_several_strengths_unless_they_are_built_in(recipe, tiny, tmp_path, monkeypatch):
    groups = []
    monkeypatch.setattr(
        training_together, "_train", lambda trainings: groups.append([t.job.recipe for t in trainings]) or {}
    )
    strengths = {"dropout": [0.3, 0.6], "weight-decay": [0.1, 0.2]}
    recipes = objectives_grid(recipe, strengths, hidden=[6], seeds=[1, 2])
    train_together([Job(one, tmp_path / one.name) for one in recipes], tiny)
    found = sorted((group[0].objective, sorted({one.aux_weight for one in group}), len(group)) for group in groups)
    assert found == [("dropout", [0.3], 2), ("dropout", [0.6], 2), ("weight-decay", [0.1, 0.2], 4)]


def test_results_are_sorted_by_size_objective_and_strength():
    runs = [
        made_up_run(weight, hidden=hidden, objective=objective)
        for hidden in (8, 4)
        for objective, weight in (("dropout", 0.5), ("signs", 5.0), ("signs", 1.0), ("self-modeling", 0.0))
    ]
    wanted = [("self-modeling", 0.0), ("signs", 1.0), ("signs", 5.0), ("dropout", 0.5)]
    found = [(run.recipe.hidden, run.recipe.objective, run.recipe.aux_weight) for run in sorted(runs, key=place_of)]
    assert found == [(hidden, *one) for hidden in (4, 8) for one in wanted]
