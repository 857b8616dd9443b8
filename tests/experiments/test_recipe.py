import dataclasses
import json

import pytest

from keras_selfmodel._typed_files import plain, typed
from keras_selfmodel.experiments import TASKS, Recipe, find_task

PAPER = TASKS["mnist"].recipe


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden", 0),
        ("hidden", 2.5),
        ("epochs", 0),
        ("batch_size", 0),
        ("seed", -1),
        ("aux_weight", -0.1),
        ("aux_weight", float("nan")),
        ("aux_weight", float("inf")),
        ("learning_rate", -1.0),
        ("momentum", float("nan")),
        ("label_noise", 1.5),
        ("label_noise", -0.5),
        ("input_noise", float("inf")),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} must .*Received: {name}={value}"):
        dataclasses.replace(PAPER, **{name: value})


def test_a_recipe_survives_json():
    recipe = dataclasses.replace(PAPER, targets=["hidden", "logits"], aux_weight=0.1)
    assert typed(Recipe, json.loads(json.dumps(plain(recipe))), "recipe") == recipe


def test_a_recipe_without_rlct_survives_json():
    recipe = dataclasses.replace(PAPER, rlct=None)
    assert typed(Recipe, json.loads(json.dumps(plain(recipe))), "recipe") == recipe


def test_one_target_may_be_given_as_a_name():
    assert dataclasses.replace(PAPER, targets="hidden") == PAPER


def test_the_sampling_has_the_seed_of_the_recipe():
    assert dataclasses.replace(PAPER, seed=7).rlct.seed == 7


def test_the_mnist_recipe_holds_the_settings_of_the_paper():
    assert (PAPER.hidden, PAPER.epochs, PAPER.batch_size) == (512, 50, 512)
    assert (PAPER.learning_rate, PAPER.momentum, PAPER.targets) == (0.005, 0.9, ("hidden",))
    rlct = PAPER.rlct
    assert (rlct.convention, rlct.step_size, rlct.localization) == ("paper", 1e-4, 100)
    # 1000 steps of 4 chains, of which the second half is averaged.
    assert (rlct.num_chains, rlct.num_steps, rlct.num_draws, rlct.batch_size) == (4, 1000, 500, 512)


def test_an_unknown_task_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'minst'.*mnist"):
        find_task("minst")


def test_a_zero_has_no_sign_and_a_long_number_is_shortened_in_its_error():
    assert str(dataclasses.replace(PAPER, aux_weight=-0.0).aux_weight) == "0.0"
    with pytest.raises(ValueError, match="momentum must lie in") as caught:
        dataclasses.replace(PAPER, momentum=10**400)
    assert len(str(caught.value)) < 200
