import numpy as np

from keras_selfmodel.probes.observers import Question
from keras_selfmodel.reporting import observer_figure
from keras_selfmodel.studies.observers import Observation, ObservedRun, observed_groups
from tests.studies.made_up import made_up_run

QUESTIONS = (Question("inputs", "activations"), Question("logits", "activations"))


def _observed(weight: float, seed: int, error: float | None, accuracy: float = 0.97) -> ObservedRun:
    observations = [
        Observation(question, capacity, None if error is None else error / (1 + capacity), error, 5, 5)
        for question in QUESTIONS
        for capacity in (0, 1)
    ]
    return ObservedRun(made_up_run(weight, seed, accuracy=accuracy), tuple(observations))


def test_there_is_a_panel_for_each_question_and_a_curve_for_each_weight():
    networks = [_observed(weight, seed, 0.4 + weight / 100) for weight in (0.0, 10.0) for seed in (1, 2)]
    networks += [_observed(50.0, 1, 0.2, accuracy=0.11), _observed(50.0, 2, None, accuracy=0.11)]
    figure = observer_figure(observed_groups(networks))
    panels = figure.get_axes()
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles[0].endswith("inputs → activations, H = 512") and titles[1].endswith("logits → activations, H = 512")
    curves = [container.lines[0] for container in panels[0].containers]
    heights = np.array([curve.get_ydata() for curve in curves], dtype=float)
    np.testing.assert_allclose(heights, [[0.4, 0.2], [0.5, 0.25]])  # without those that collapsed
    assert "collapsed networks left out" in figure.legends[0].get_title().get_text()
    assert [text.get_text() for text in panels[0].get_xticklabels()] == ["linear", "1"]
