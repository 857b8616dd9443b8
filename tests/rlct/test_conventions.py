import pytest

from keras_selfmodel.rlct import SamplingSettings


# Figures from the papers: n/ln n of 60,000 is 5453.5; devinterp 0.2.0 has 82.1 and 15.4 for batches of 512 and 64.
@pytest.mark.parametrize(
    ("convention", "batch_size", "nbeta"), [("dataset", 512, 5453.5), ("paper", 512, 82.1), ("paper", 64, 15.4)]
)
def test_inverse_temperature(convention, batch_size, nbeta):
    settings = SamplingSettings(convention=convention, batch_size=batch_size)
    assert settings.inverse_temperature_for(60_000) == pytest.approx(nbeta, abs=0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        {"convention": "devinterp"},
        {"sampler": "adam"},
        {"step_size": 0.0},
        {"step_size": float("nan")},
        {"localization": -1.0},
        {"num_chains": 0},
        {"num_draws": 0},
        {"burn_in": -1},
        {"thinning": 0},
        {"batch_size": 1},
        {"num_draws": 1.5},
        {"seed": -1},
    ],
)
def test_impossible_settings_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name}.*Received"):
        SamplingSettings(**wrong)


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="paper's convention samples by SGLD.*'underdamped'"):
        SamplingSettings(convention="paper", sampler="underdamped")
    with pytest.raises(ValueError, match="'rmsprop' needs a step_size"):
        SamplingSettings(sampler="rmsprop")
