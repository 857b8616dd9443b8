"""Settings from pilots, on problems whose plateau is known."""

import numpy as np
import pytest

import keras_selfmodel as ksm
from keras_selfmodel.rlct import SamplingSettings, calibrate_rlct
from tests.rlct.regression import half_squared_error, regression


@pytest.fixture(scope="module")
def calibration():
    # So many weights that a short pilot's error, √(2/150)·√(10/800), is far below the plateau's 5 %.
    model, data, _ = regression(2000, 150)
    reported = []
    found = calibrate_rlct(
        model, data, loss=half_squared_error, batch_size=500, seed=1, localization=1.0, num_chains=4,
        control_variate=False, progress=lambda *now: reported.append(now),
    )  # fmt: skip
    return model, data, found, reported


def test_a_regular_model_has_its_plateau_at_half_its_weights(calibration):
    model, data, found, reported = calibration
    assert found.on_plateau
    assert found.settings.step_size is None and found.settings.batch_size == 500
    # Four errors of 1.3 %, and what γ takes from the weakest directions.
    for pilot in (*found.localizations[:2], *found.step_sizes):
        assert pilot.value == pytest.approx(75.0, rel=0.07)
    assert [pilot.localization for pilot in found.localizations] == pytest.approx([0.1, 1.0, 10.0])
    assert [pilot.step_size / found.step_sizes[-1].step_size for pilot in found.step_sizes] == [0.25, 0.5, 1.0]
    assert reported[-1][0] == reported[-1][1] and [done for done, _ in reported] == sorted(done for done, _ in reported)


def test_the_settings_found_reach_the_error_asked_for(calibration):
    model, data, found, _ = calibration
    estimate = ksm.estimate_rlct(model, data, loss=half_squared_error, settings=found.settings)
    # Asked for was 1 %; the errors of pilot and estimate are known to a fifth or so.
    assert estimate.sampling_error < 0.02 * estimate.value
    assert estimate.value == pytest.approx(75.0, rel=0.07)


def test_the_figure_marks_the_plateau(calibration):
    pytest.importorskip("matplotlib")
    figure = calibration[2].plot()
    assert [axes.get_xlabel() for axes in figure.axes] == ["localization γ", "step size ε"]
    assert figure.get_suptitle() == "On a plateau"


def test_without_a_plateau_it_is_said():
    # Weak curvature: nβh of the weakest direction is 0.06, far below γ = 1, which holds it.
    model, (x, y), _ = regression(30, 3)
    weak = x * np.array([1.0, 0.1, 0.01], "float32")
    # Two chains know the change of one half that follows to ± one quarter: two errors would hide it.
    given = {"loss": half_squared_error, "batch_size": 30, "num_chains": 16, "seed": 1, "localization": 1.0}
    found = calibrate_rlct(model, (weak, 0.0 * y + 0.0), **given)
    assert not found.on_plateau
    assert any(note.startswith("No plateau over the localization") for note in found.notes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"settings": SamplingSettings(convention="paper")}, "nothing to calibrate"),
        ({"step_size": 1e-4}, "step_size=0.0001"),
        ({"sampler": "rmsprop", "step_size": None}, "step_size"),
        ({"target_error": 0.0}, "between 0 and 1"),
        ({"batch_size": 31}, "batch_size=31 with 30 samples"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(arguments, message):
    model, data, _ = regression(30, 3)
    with pytest.raises(ValueError, match=message):
        calibrate_rlct(model, data, loss=half_squared_error, **arguments)
