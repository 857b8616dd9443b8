import dataclasses
import math

import pytest

from keras_selfmodel.experiments import TASKS
from keras_selfmodel.tuning import OneOf, Range, SearchSpace, space_around

MNIST = TASKS["mnist"].recipe


def test_drawn_values_lie_in_the_space_and_make_recipes():
    settings = {
        "hidden": Range(64, 512),
        "learning_rate": Range(1e-3, 1e-1),
        "aux_weight": OneOf((0.0, 10.0)),
        "targets": OneOf((("a",), ("a", "b"))),
    }
    space = SearchSpace(MNIST, settings)
    recipes = []
    for seed in range(200):
        recipes.append(space.recipe({hp.name: hp.random_sample(seed) for hp in space.hyperparameters().space}))
    assert {r.targets for r in recipes} == {("a",), ("a", "b")} and {r.aux_weight for r in recipes} == {0.0, 10.0}
    assert all(isinstance(r.hidden, int) and 64 <= r.hidden <= 512 for r in recipes)
    assert all(1e-3 <= r.learning_rate <= 1e-1 for r in recipes)
    # Uniform in the logarithm: half below 1e-2. Of 200 draws 100 ± 7 (one standard deviation), here within five.
    assert 65 < sum(math.log10(r.learning_rate) < -2 for r in recipes) < 135
    same = {"hidden": 1, "learning_rate": 1.0, "aux_weight": 1.0, "targets": ("a",)}
    assert len({dataclasses.replace(r, **same) for r in recipes}) == 1


@pytest.mark.parametrize("part", [0.0, 1.0])
def test_the_ends_of_a_range_are_in_it(part):
    """Where a Gaussian process promises most is often at the end of a range."""
    space = SearchSpace(MNIST, {"hidden": Range(8, 32), "learning_rate": Range(1e-3, 1e-1)})
    recipe = space.recipe({hp.name: hp.prob_to_value(part) for hp in space.hyperparameters().space})
    assert (recipe.hidden, recipe.learning_rate) == ((8, 1e-3), (32, 1e-1))[int(part)]
    assert isinstance(recipe.hidden, int)


def test_the_sampling_of_the_rlct_is_the_same_for_all_trials():
    space = SearchSpace(MNIST, {"batch_size": OneOf((64, 128))})
    assert {space.recipe({"batch_size": size}).rlct for size in (64, 128)} == {MNIST.rlct}


@pytest.mark.parametrize(
    ("task", "weights"),
    [("mnist", {0, 1, 5, 10, 20, 50}), ("cifar10", {0, 0.5, 1, 2}), ("imdb", {0, 100, 500})],
)
def test_the_papers_auxiliary_weights_are_among_those_tried(task, weights):
    assert weights <= set(space_around(TASKS[task].recipe)["aux_weight"].values)


def test_several_targets_are_tried_together_and_alone():
    assert space_around(TASKS["cifar10"].recipe)["targets"].values == (
        ("last_block", "hidden"),
        ("last_block",),
        ("hidden",),
    )
    assert "hidden" not in space_around(MNIST, sizes=False)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "nothing to search"),
        ({"width": OneOf((1, 2))}, "no setting 'width'.*hidden"),
        ({"rlct": OneOf((1, 2))}, "no setting 'rlct'"),
        ({"hidden": Range(1.5, 4)}, "hidden must be a whole number. Received: 1.5"),
        ({"hidden": OneOf((0, 4))}, "hidden must be a whole number from 1 to"),
        ({"objective": OneOf(("self-modeling", "dropout"))}, "aux_weight must be below 1 with objective='dropout'"),
        ({"aux_weight": OneOf((-1.0, 4.0))}, "aux_weight must be finite and not negative"),
    ],
)
def test_a_space_of_what_no_recipe_has_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        SearchSpace(MNIST, settings)


@pytest.mark.parametrize("ends", [(0, 1), (2, 1), (1, 1), (1, float("inf"))])
def test_a_range_has_two_ends(ends):
    with pytest.raises(ValueError, match="0 < low < high"):
        Range(*ends)
