"""What `estimate_rlct` shows while it works."""

import warnings

import keras
import numpy as np
import pytest

from keras_selfmodel import estimate_rlct

pytestmark = pytest.mark.any_backend
X, Y = np.random.default_rng(0).normal(size=(64, 3)).astype("float32"), np.arange(64) % 2


@pytest.fixture(scope="module")
def estimate():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

    def call(**arguments) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Too short to agree on anything.
            estimate_rlct(model, (X, Y), num_draws=20, burn_in=10, batch_size=32, **arguments)

    return call


PHASES = ["reading the data", "computing the loss at w*", "curvature and first steps, which are compiled"]


@pytest.mark.parametrize("verbose", [{}, {"verbose": "auto"}, {"verbose": 1}, {"verbose": 2}])
def test_elsewhere_than_on_a_terminal_each_phase_is_a_line_on_standard_error(estimate, capsys, verbose):
    estimate(**verbose)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [*(f"RLCT: {phase} …" for phase in PHASES), "RLCT: 30/30 steps"]


def test_on_a_terminal_phases_are_one_line_that_changes_until_kerass_bar(estimate, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    estimate(anchor="descend")
    out, err = capsys.readouterr()
    assert err == ""
    before, _, bar = out.partition("30/30")
    assert before.count("\n") == 0 and "RLCT: descending to the minimum nearby …\r" in before
    assert "━━━" in bar and bar.endswith("\n")


@pytest.mark.parametrize("silent", [{"verbose": 0}, {"progress": lambda *_: None}, {"phase": lambda _: None}])
def test_a_caller_that_shows_its_own_progress_or_none_has_no_bar(estimate, capsys, silent):
    estimate(**silent)
    assert capsys.readouterr() == ("", "")


def test_phases_are_shown_in_their_order_and_another_verbosity_is_refused(estimate):
    reported = []
    estimate(phase=reported.append)
    assert reported == PHASES
    with pytest.raises(ValueError, match="verbose must be 'auto', 0, 1 or 2. Received: verbose=3"):
        estimate(verbose=3)
