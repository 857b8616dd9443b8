import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from keras_selfmodel.rlct import SamplingSettings, room_for_chains
from keras_selfmodel.rlct.room_for_chains import advised_where_memory_ends, check_room


# Figures from the papers: n/ln n of 60,000 is 5453.5; devinterp 0.2.0 has 82.1 and 15.4 for batches of 512 and 64.
@pytest.mark.parametrize(
    ("convention", "batch_size", "nbeta"), [("dataset", 512, 5453.5), ("paper", 512, 82.1), ("paper", 64, 15.4)]
)
def test_inverse_temperature(convention, batch_size, nbeta):
    settings = SamplingSettings(convention=convention, batch_size=batch_size)
    assert settings.resolved(60_000, 100, 1.0).inverse_temperature == pytest.approx(nbeta, abs=0.05)


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
        {"inverse_temperature": 0.0},
        {"inverse_temperature": float("inf")},
        {"target_error": -0.01},
        {"target_error": float("nan")},
        {"chains_at_once": 0},
        {"chains_at_once": 1.5},
        {"localization": float("nan")},
        {"num_draws": float("inf")},
        {"burn_in": float("nan")},
    ],
)
def test_impossible_settings_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name}.*Received"):
        SamplingSettings(**wrong)


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="paper's convention samples by SGLD.*'underdamped'"):
        SamplingSettings(convention="paper", sampler="underdamped")
    with pytest.raises(ValueError, match=r"'rmsprop' needs a step size \(step_size=…\)"):
        SamplingSettings(sampler="rmsprop")
    with pytest.raises(ValueError, match="control_variate has no meaning with convention='paper'"):
        SamplingSettings(convention="paper", control_variate=True)
    with pytest.raises(ValueError, match=r"target_error=…\) needs at least 2 chains"):
        SamplingSettings(target_error=0.01, num_chains=1)


def test_what_is_given_is_not_resolved():
    for convention in ("dataset", "paper"):
        given = {"inverse_temperature": 3.5, "localization": 0.0, "num_chains": 3, "control_variate": False}
        given["batch_size"] = 32
        settings = SamplingSettings(convention=convention, **given)
        assert settings.resolved(60_000, 100, 1.0) == settings


def test_the_default_localization_is_a_tenth_of_that_of_a_prior_as_wide_as_the_weights():
    # 100 weights with R² = 5: a normal prior of variance R²/d = 1/20 has γ = 20.
    assert SamplingSettings().resolved(1000, 100, 5.0).localization == pytest.approx(2.0)
    assert SamplingSettings(convention="paper").resolved(1000, 100, 5.0).localization == 100.0


def test_networks_of_few_weights_have_more_chains():
    assert [SamplingSettings().resolved(1000, d, 5.0).num_chains for d in (499, 500)] == [8, 2]
    assert SamplingSettings(convention="paper").resolved(1000, 10, 5.0).num_chains == 4


def test_with_a_target_error_there_are_ten_times_the_draws():
    assert SamplingSettings(target_error=0.01).num_draws == 10 * SamplingSettings().num_draws
    assert SamplingSettings(target_error=0.01, num_draws=70).num_draws == 70


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_chains": 10**12}, "num_chains must be a whole number from 1 to 1,000,000,000"),
        ({"num_draws": 10**400}, "num_draws must be a whole number"),
        ({"num_draws": 10**6, "num_chains": 10**6}, "all steps of all chains are kept, at most 1,000,000,000"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4,294,967,295. Received: seed=4294967296"),
    ],
)
def test_numbers_that_are_slips_of_the_hand_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        SamplingSettings(**given)


def test_chains_that_fit_no_memory_are_refused_with_how_many_fit():
    """Of 10⁹ weights: 10⁵ chains at once need more than 10¹⁵ bytes, one after another some 12 × 10⁹."""
    settings = SamplingSettings(num_chains=10**5, num_draws=4, burn_in=2).resolved(1000, 10**9, 1.0)
    with pytest.raises(ValueError, match=r"at least 1,2.* GB of memory.*Received: num_chains=100000"):
        check_room(settings, 10**9, 1000, 50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room_for_chains, "_memory", lambda: 100e9)
        with pytest.raises(ValueError, match=r"at most 1 of them at once \(chains_at_once=…\)"):
            check_room(settings, 10**9, 1000, 50)
        check_room(dataclasses.replace(settings, chains_at_once=1), 10**9, 1000, 50)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_the_limit_of_the_shell_is_memory_that_is_not_there():
    """As `ulimit -v` sets it: here 1 GB more than what the process has mapped."""
    code = (
        "import resource, pathlib; from keras_selfmodel.rlct import room_for_chains; "
        "mapped = int(pathlib.Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize(); "
        "resource.setrlimit(resource.RLIMIT_AS, (mapped + 10**9, resource.RLIM_INFINITY)); "
        "print(room_for_chains._memory())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 0.9e9 < float(found) <= 1e9


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_memory_that_ends_is_answered_with_how_to_take_less(error):
    with (
        pytest.raises(MemoryError, match=r"Sample fewer of them at once \(chains_at_once=…\)"),
        advised_where_memory_ends(),
    ):
        raise error
    with pytest.raises(RuntimeError, match=r"^another$"), advised_where_memory_ends():
        raise RuntimeError("another")
