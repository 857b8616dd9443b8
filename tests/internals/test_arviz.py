"""What `rlct.inference_data` relies on: ArviZ 0 and ArviZ 1 are called in different ways."""

import numpy as np
import pytest

from keras_selfmodel.rlct.inference_data import arviz_for
from tests.internals.contract import contract

pytest.importorskip("arviz")
FILE = "rlct/inference_data.py"
RNG = np.random.default_rng(1)
GROUPS = {
    "posterior": {"rlct": RNG.normal(size=(2, 5))},
    "sample_stats": {"loss": RNG.normal(size=(2, 5))},
    "warmup_posterior": {"rlct": RNG.normal(size=(2, 3))},
    "warmup_sample_stats": {"loss": RNG.normal(size=(2, 3))},
}


def grouped(groups: dict, *, save_warmup: bool):
    arviz = arviz_for("this test")
    if arviz.__version__.startswith("0."):
        return arviz.from_dict(**groups, save_warmup=save_warmup)
    return arviz.from_dict(groups, save_warmup=save_warmup)


def test_groups_are_keywords_for_version_0_and_one_dictionary_from_version_1_on():
    with contract("arviz", FILE, "from_dict takes chains by groups, in the way of its version"):
        found = grouped(GROUPS, save_warmup=True)
        for group, values in GROUPS.items():
            for name, expected in values.items():
                assert getattr(found, group)[name].dims == ("chain", "draw")
                np.testing.assert_array_equal(getattr(found, group)[name], expected)


def test_warmup_groups_are_left_out_unless_asked_for():
    with contract("arviz", FILE, "from_dict leaves out warmup groups with save_warmup=False"):
        found = grouped(GROUPS, save_warmup=False)
        assert hasattr(found, "posterior") and not hasattr(found, "warmup_posterior")


def test_attributes_of_the_whole_are_stored_as_netcdf(tmp_path):
    with contract("arviz", FILE, "what from_dict returns has attributes that to_netcdf and from_netcdf keep"):
        found = grouped(GROUPS, save_warmup=True)
        found.attrs.update({"verdict": "usable", "setting_seed": 1, "chain_values": [1.5, float("nan")]})
        found.to_netcdf(tmp_path / "chains.nc")
        stored = arviz_for("this test").from_netcdf(tmp_path / "chains.nc")
        assert (stored.attrs["verdict"], stored.attrs["setting_seed"]) == ("usable", 1)
        np.testing.assert_array_equal(stored.attrs["chain_values"], [1.5, np.nan])
        np.testing.assert_array_equal(stored.posterior["rlct"], GROUPS["posterior"]["rlct"])


def test_the_effective_draws_of_an_array_are_a_number():
    with contract("arviz", FILE, "ess takes an array of chains and draws and returns a number"):
        # Independent draws count in full; the estimate of 4,000 of them errs by a few per cent.
        assert float(arviz_for("this test").ess(RNG.normal(size=(4, 1000)))) == pytest.approx(4000, rel=0.15)
