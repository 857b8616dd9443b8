"""Profiles over the localization, of a regression whose values are known."""

import numpy as np
import pytest

from keras_selfmodel.rlct import LocalizationProfile, localization_profile
from tests.rlct.regression import half_squared_error, regression

D, N = 60, 400
SETTINGS = {"loss": half_squared_error, "batch_size": N, "burn_in": 200, "num_draws": 800, "seed": 1, "num_chains": 2}


def test_values_are_those_of_the_gaussian_posterior_at_each_localization():
    model, data, hessian = regression(N, D)
    profile = localization_profile(model, data, localizations=[3.0, 300.0, 30.0], **SETTINGS)
    np.testing.assert_array_equal(profile.localizations, [300.0, 30.0, 3.0])
    a = N / np.log(N) * hessian
    for row, gamma in enumerate(profile.localizations):
        exact = np.sum(0.5 * a / (a + gamma))
        assert profile.values[row] == pytest.approx(exact, abs=4 * profile.sampling_errors[row])
        # 800 draws of 60 directions: a few per cent.
        assert profile.held[row] == pytest.approx(D / 2 - exact, rel=0.15)
        assert profile.distances[row] ** 2 == pytest.approx(np.sum(1 / (a + gamma)), rel=0.15)
        assert profile.unfilled[row] == pytest.approx(0.0, abs=2.0)
    assert profile.plateau is None and profile.words.startswith("No plateau")


def made_up(values, errors) -> LocalizationProfile:
    values, errors = np.array(values), np.array(errors)
    return LocalizationProfile(
        10.0 ** -np.arange(len(values)), values, errors, 1 + np.arange(len(values)), values, values, 0.1, 10.0, 20, 100
    )


def test_a_plateau_is_marked_only_where_it_is_flat_and_known():
    assert made_up([5.0, 8.0, 10.0, 10.2, 9.9], [0.1] * 5).plateau == range(2, 5)
    unknown = made_up([5.0, 8.0, 10.0, 10.2, 9.9], [0.1, 0.1, 0.5, 0.5, 0.5])
    assert unknown.plateau is None and "not well enough" in unknown.words
    assert made_up([5.0, 8.0, 10.0, 12.0, 14.0], [0.1] * 5).plateau is None


def test_the_figure_marks_the_plateau():
    pytest.importorskip("matplotlib")
    left, right = made_up([5.0, 8.0, 10.0, 10.2, 9.9], [0.1] * 5).plot().axes
    for axes in (left, right):
        assert "plateau" in axes.get_legend_handles_labels()[1]
    assert "plateau" not in made_up([5.0, 8.0, 12.0], [0.1] * 3).plot().axes[0].get_legend_handles_labels()[1]


def test_what_has_no_profile_is_refused():
    model, data, _ = regression(30, 3)
    for given in ({"convention": "paper"}, {"localizations": [1.0, -1.0]}, {"localizations": []}):
        with pytest.raises(ValueError, match="fixes γ|finite and positive"):
            localization_profile(model, data, loss=half_squared_error, batch_size=30, **given)
