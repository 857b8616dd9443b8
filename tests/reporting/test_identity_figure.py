import numpy as np

from keras_selfmodel.probes.identity import epoch_identity
from keras_selfmodel.reporting import identity_figure

RNG = np.random.default_rng(0)
ACTIVATIONS = RNG.normal(size=(30, 3))


def _labels(axes) -> list[str]:
    return [line.get_label() for line in axes.get_lines()]


def test_the_curves_show_the_numbers():
    found = [epoch_identity(epoch, ACTIVATIONS, np.eye(3) * epoch / 4, np.zeros(3)) for epoch in (0, 1, 2)]
    distances, directions, spectra, _ = identity_figure(found, "a run").get_axes()
    curve = distances.get_lines()[_labels(distances).index("‖E‖/‖I‖, all units")]
    np.testing.assert_array_equal(curve.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(curve.get_ydata(), [1, 0.75, 0.5])
    np.testing.assert_allclose(directions.get_lines()[0].get_ydata(), 0.25)  # E = −I/2 in every direction
    curve = spectra.get_lines()[_labels(spectra).index("singular values of W")]
    np.testing.assert_allclose(curve.get_ydata(), 0.5)


def test_what_is_not_there_is_said():
    for found, words in (
        (epoch_identity(3, ACTIVATIONS, None, None), "no self-model"),
        (epoch_identity(3, np.ones((4, 3)), np.eye(3), np.zeros(3)), "the activations do not vary"),
    ):
        figure = identity_figure([found], "a run")
        assert words in [text.get_text() for axes in figure.get_axes() for text in axes.texts]
        figure.canvas.draw()


def test_a_perfect_identity_can_be_drawn():
    """A distance of zero has no place on a logarithmic axis."""
    figure = identity_figure([epoch_identity(3, ACTIVATIONS, np.eye(3), np.zeros(3))], "a run")
    figure.canvas.draw()
    distances, directions, spectra, ranks = figure.get_axes()
    assert [len(curve.get_xdata()) for curve in distances.get_lines()] == [0, 0, 0]
    # E = 0, up to the rounding of the float64 projections.
    np.testing.assert_allclose(directions.get_lines()[0].get_ydata(), 0, atol=1e-28)
    for label, wanted in (("|eigenvalues| of W", 1), ("singular values of W", 1), ("singular values of E", 0)):
        curve = spectra.get_lines()[_labels(spectra).index(label)]
        np.testing.assert_allclose(curve.get_ydata(), wanted, atol=1e-12)
    assert ranks.get_lines()[_labels(ranks).index("dead units")].get_ydata() == [0]
