import dataclasses

import keras
import numpy as np
import pytest

from keras_selfmodel.experiments.figures_of_run import run_figures
from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import RLCTEstimate, SamplingSettings

ROW = {
    "loss": 3.0,
    "task_loss": 1.0,
    "self_prediction_loss": 0.2,
    "val_loss": 1.1,
    "weight_spread": 0.1,
    "weight_interquartile_range": 0.1349,
    "weight_excess_kurtosis": -1.2,
}
HISTORY = [{"epoch": epoch, **{name: value / epoch for name, value in ROW.items()}} for epoch in (1, 2, 3)]
PLAIN = [
    {name: value for name, value in row.items() if name not in ("task_loss", "self_prediction_loss")} for row in HISTORY
]


@pytest.fixture(scope="module")
def classifier() -> keras.Model:
    return mlp(6, inputs=4, classes=3, seed=1)


@pytest.fixture(scope="module")
def estimate() -> RLCTEstimate:
    settings = SamplingSettings(num_chains=2, num_draws=30, burn_in=10, batch_size=8)
    losses = np.random.default_rng(0).uniform(0.1, 0.2, (2, 40))
    return RLCTEstimate(
        settings=settings,
        num_samples=100,
        num_parameters=30,
        inverse_temperature=100 / np.log(100),
        localization=1.0,
        initial_loss=0.1,
        losses=losses,
        reference_losses=np.full((2, 40), 0.1),
        heat=np.zeros((2, 40)),
        acceptance=np.ones((2, 40)),
        step_sizes=np.full((2, 40), 1e-4),
        distances=np.ones(2),
        squares=np.ones((2, 40)),
        virial=np.ones((2, 40)),
        anchor_norm=1.0,
        gradient_term=0.0,
        gradient_evaluations=80,
    )


def _curves(figure) -> dict[str, list[float]]:
    return {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].get_lines()}


@pytest.mark.parametrize("verdict", ["reliable", "doubtful", "not to be used"])
def test_the_chains_are_drawn_with_their_verdict(estimate, monkeypatch, verdict):
    monkeypatch.setattr(type(estimate), "verdict", verdict)
    labels = [line.get_label() for line in estimate.plot().axes[0].get_lines()]
    assert len(labels) == 3 and (f"({verdict})" in labels[-1]) == (verdict != "reliable")


def test_chains_that_were_lost_are_drawn_without_empty_panels(estimate):
    lost = dataclasses.replace(estimate, losses=np.full_like(estimate.losses, np.nan))
    figure = lost.plot()
    figure.canvas.draw()
    assert len(figure.axes) == 1 and len(estimate.plot().axes) == 3


def test_every_figure_is_drawn(classifier, estimate, tmp_path):
    figures = run_figures(HISTORY, classifier, {"trained": estimate, "descend": estimate})
    assert set(figures) == {"spread", "losses", "weights", "rlct_traces", "rlct_descended_traces"}
    for name, figure in figures.items():
        file = tmp_path / f"{name}.png"
        figure.savefig(file)
        content = file.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n") and content.rstrip().endswith(b"IEND\xaeB`\x82")


def test_without_an_estimate_there_is_no_figure_of_it(classifier):
    assert set(run_figures(HISTORY, classifier, {})) == {"spread", "losses", "weights"}


def test_the_curves_are_those_of_the_history(classifier):
    figures = run_figures(HISTORY, classifier, {})
    losses = _curves(figures["losses"])
    assert losses["task loss, training"] == pytest.approx([1, 1 / 2, 1 / 3])
    assert losses["task loss, test"] == pytest.approx([1.1, 1.1 / 2, 1.1 / 3])
    assert losses["self-prediction loss, training"] == pytest.approx([0.2, 0.1, 0.2 / 3])
    assert _curves(figures["spread"])["standard deviation"] == pytest.approx([0.1, 0.05, 0.1 / 3])


def test_the_history_of_a_plain_classifier_has_two_curves(classifier):
    losses = _curves(run_figures(PLAIN, classifier, {})["losses"])
    assert set(losses) == {"task loss, training", "task loss, test"}
    assert losses["task loss, training"] == pytest.approx([3.0, 1.5, 1.0])


def test_the_histogram_counts_the_final_kernel(classifier):
    axes = run_figures(PLAIN, classifier, {})["weights"].axes[0]
    kernel = classifier.get_layer("logits").get_weights()[0]
    assert sum(bar.get_height() for bar in axes.patches) == kernel.size == 18
    assert f"{np.std(kernel):.4f}" in axes.get_title()
