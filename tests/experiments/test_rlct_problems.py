import dataclasses

import numpy as np
import pytest

from keras_selfmodel.experiments import rlct_problems
from keras_selfmodel.experiments.rlct_problems import rlct_problem
from keras_selfmodel.models import SelfModelingModel, mlp
from keras_selfmodel.rlct import estimate_rlct

RNG = np.random.default_rng(3)
SAMPLES = RNG.normal(size=(200, 5)).astype("float32"), RNG.integers(0, 3, 200).astype("int32")
OTHERS = RNG.normal(size=(150, 5)).astype("float32"), RNG.integers(0, 3, 150).astype("int32")


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch):
    monkeypatch.setattr(rlct_problems, "_compiled", {})


@pytest.mark.filterwarnings("ignore::keras_selfmodel.rlct.RLCTWarning")
@pytest.mark.parametrize("anchor", ["trained", "descend"])
def test_a_second_network_gets_its_own_estimate_from_the_programs_of_the_first(recipe, anchor):
    first, second = mlp(4, inputs=5, classes=3, seed=1), mlp(4, inputs=5, classes=3, seed=2)
    rlct_problem(recipe, first, SAMPLES).estimate(recipe.rlct, anchor=anchor)
    (kept,) = rlct_problems._compiled.values()
    assert kept.programs and kept.anchor == [] and kept.context == ()
    names = set(kept.programs)
    found = rlct_problem(recipe, second, OTHERS).estimate(recipe.rlct, anchor=anchor)
    assert set(kept.programs) == names
    alone = estimate_rlct(second, OTHERS, settings=recipe.rlct, anchor=anchor)
    np.testing.assert_array_equal(found.losses, alone.losses)
    assert found.value == alone.value and found.gradient_term == alone.gradient_term


def test_networks_of_other_shapes_share_nothing_and_few_are_kept(recipe, monkeypatch):
    monkeypatch.setattr(rlct_problems, "SHAPES", 2)
    plain = mlp(4, inputs=5, classes=3, seed=1)
    models = [plain, mlp(6, inputs=5, classes=3, seed=1), SelfModelingModel(mlp(4, inputs=5, classes=3), "hidden")]
    problems = [rlct_problem(recipe, model, SAMPLES) for model in models]
    assert len({id(problem.energy.programs) for problem in problems}) == 3
    assert len(rlct_problems._compiled) == 2
    other = dataclasses.replace(recipe, rlct=dataclasses.replace(recipe.rlct, convention="dataset"))
    assert rlct_problem(other, models[2], SAMPLES).energy.programs is not problems[2].energy.programs


def test_a_users_own_network_shares_nothing_with_that_of_another_run(recipe):
    own = dataclasses.replace(recipe, network="my_file.py:build 0123")
    first, second = (rlct_problem(own, mlp(4, inputs=5, classes=3, seed=seed), SAMPLES) for seed in (1, 2))
    assert first.energy.programs is not second.energy.programs and rlct_problems._compiled == {}
