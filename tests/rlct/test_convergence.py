import warnings

import numpy as np
import pytest

from keras_selfmodel.rlct.convergence import split_r_hat


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_equals_arviz(shift):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # announces ArviZ's next major version
        arviz = pytest.importorskip("arviz")
    draws = np.random.default_rng(0).normal(size=(4, 101)) + shift * np.arange(4)[:, None]
    assert split_r_hat(draws) == pytest.approx(float(arviz.rhat(draws, method="split")), rel=1e-9)


def test_too_few_or_broken_draws_have_none():
    assert np.isnan(split_r_hat(np.zeros((4, 3))))
    assert np.isnan(split_r_hat(np.full((4, 100), np.nan)))
