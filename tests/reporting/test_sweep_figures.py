import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_selfmodel.reporting import figure_bytes, panels, sweep_figures, write_figure
from keras_selfmodel.reporting.crosses import cross_out
from keras_selfmodel.reporting.figure_files import data_address
from keras_selfmodel.statistics import mean_interval
from keras_selfmodel.studies import studies_of
from tests.studies.made_up import estimate, made_up_grid, made_up_run, written


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """H = 64 and 512, AW 0, 1, 10 and 50, three seeds, 50 epochs, with their files."""
    folder = tmp_path_factory.mktemp("grid")
    return [written(run, folder / run.folder.name) for run in made_up_grid()]


def _panels(runs, **options) -> dict:
    """The axes of the only figure, by the letter in their title."""
    (figure,) = sweep_figures(studies_of(runs), **options).values()
    return dict(zip("ABCDE", figure.axes, strict=False))


def _curves(axes) -> list:
    """The lines of the means in the order of the legend, without marks and the caps of error bars."""
    return [line for line in axes.get_lines() if line.get_linestyle() != "None"]


def _labels(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_mnist_has_the_four_panels_of_figure_2(grid):
    figures = sweep_figures(studies_of(grid))
    assert list(figures) == ["figure-2-mnist"]
    titles = [axes.get_title(loc="left") for axes in figures["figure-2-mnist"].axes]
    assert [title[5] for title in titles] == list("ABCD")
    assert "H = 512" in titles[0]
    labels = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figures["figure-2-mnist"].axes]
    assert labels[0] == ("epoch", "standard deviation of the\nfinal layer's weights")
    assert labels[2] == ("auxiliary weight AW", "RLCT (paper convention,\nnβ = 82.1)")
    assert labels[3][1] == "accuracy on the test data / %"


@pytest.mark.parametrize(("task", "name"), [("cifar10", "figure-3-cifar10"), ("imdb", "figure-4-imdb")])
def test_the_other_tasks_have_three_panels(task, name):
    figures = sweep_figures(studies_of(made_up_grid(hiddens=(128,), task=task)))
    assert list(figures) == [name]
    assert [axes.get_ylabel()[:4] for axes in figures[name].axes] == ["stan", "RLCT", "accu"]


def test_another_task_with_several_sizes_has_the_panel_of_the_spread():
    (study,) = studies_of(made_up_grid(hiddens=(8, 16), task="digits"))
    assert [panel.letter for panel in panels(study)] == list("ABCD")
    (study,) = studies_of(made_up_grid(hiddens=(8,), task="digits"))
    assert [panel.letter for panel in panels(study)] == list("ABC")


def test_panel_a_shows_the_mean_history_of_the_widest_networks(grid):
    axes = _panels(grid)["A"]
    wide = [run for run in grid if run.recipe.hidden == 512]
    assert _labels(axes) == ["0", "1", "10", "50"]
    assert axes.get_legend().get_title().get_text() == "auxiliary weight AW (n = 3 seeds)"
    for curve, weight in zip(_curves(axes), (0, 1, 10, 50), strict=True):
        end = np.mean([run.weight_spread for run in wide if run.recipe.aux_weight == weight])
        assert list(curve.get_xdata()) == list(range(1, 51))
        assert curve.get_ydata() == pytest.approx(end * np.arange(1, 51) / 50)


def test_the_bands_are_students_intervals(grid):
    axes = _panels(grid)["A"]
    runs = [run for run in grid if run.recipe.hidden == 512 and run.recipe.aux_weight == 0]
    interval = mean_interval(run.weight_spread for run in runs)
    corners = axes.collections[0].get_paths()[0].vertices
    last = corners[corners[:, 0] == 50, 1]
    assert (last.min(), last.max()) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(
    ("letter", "measure", "factor"), [("B", "weight_spread", 1), ("C", "rlct", 1), ("D", "accuracy", 100)]
)
def test_the_other_panels_show_the_means_of_every_size(grid, letter, measure, factor):
    axes = _panels(grid)[letter]
    assert _labels(axes) == ["64", "512"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "1", "10", "50"]
    for curve, hidden in zip(_curves(axes), (64, 512), strict=True):
        assert list(curve.get_xdata()) == [0, 1, 10, 50]
        for place, weight in enumerate((0, 1, 10, 50)):
            runs = [run for run in grid if (run.recipe.hidden, run.recipe.aux_weight) == (hidden, weight)]
            assert curve.get_ydata()[place] == pytest.approx(factor * np.mean([run.number(measure) for run in runs]))


def test_curves_differ_in_color_marker_and_line(grid):
    panels = _panels(grid)
    assert len(panels) > 1
    for axes in panels.values():
        looks = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in _curves(axes)]
        assert len(looks) > 1
        for property_values in zip(*looks, strict=True):
            assert len(set(map(str, property_values))) == len(looks)


def test_the_papers_values_are_marked_on_request_only(grid):
    assert not any(line.get_gid() == "paper" for axes in _panels(grid).values() for line in axes.get_lines())
    marked = _panels(grid, paper=True)
    for letter, expected in {
        "A": {(50, 0.097), (50, 0.094), (50, 0.088), (50, 0.081)},
        "C": {(0, 33), (1, 31), (10, 25.5), (50, -5), (0, 58), (1, 58), (10, 52.5), (50, 37)},
    }.items():
        marks = [line for line in marked[letter].get_lines() if line.get_gid() == "paper"]
        assert {(float(mark.get_xdata()[0]), float(mark.get_ydata()[0])) for mark in marks} == expected
        assert "paper" in _labels(marked[letter])


def test_runs_with_other_settings_have_no_marks_of_the_paper():
    axes = _panels(made_up_grid(epochs=3), paper=True)["C"]
    assert not any(line.get_gid() == "paper" for line in axes.get_lines())
    assert "paper" not in _labels(axes)


def test_a_single_seed_has_a_curve_without_a_band():
    axes = _panels(made_up_grid(seeds=(1,)))["C"]
    assert "(n = 1 seed)" in axes.get_legend().get_title().get_text()
    corners = axes.collections[0].get_paths()[0].vertices
    assert len({tuple(corner) for corner in corners}) <= 4 + 1


def test_collapsed_groups_are_open_and_named():
    runs = made_up_grid(hiddens=(64,)) + [
        made_up_run(100.0, seed, hidden=64, accuracy=0.11, rlct=0.5 + seed) for seed in (1, 2, 3)
    ]
    axes = _panels(runs)["C"]
    (open_ones,) = [line for line in axes.get_lines() if line.get_gid() == "collapsed"]
    assert list(open_ones.get_xdata()) == [100] and open_ones.get_ydata()[0] == pytest.approx(2.5)
    assert open_ones.get_markerfacecolor() == "white"
    assert "open: collapsed" in axes.get_legend().get_title().get_text()


def test_thousands_of_crosses_take_little_of_a_page():
    figure = Figure()
    cross_out(figure.add_subplot(), [(number, number % 7) for number in range(3000)])
    # As lines, each would take more than 100 bytes.
    assert len(data_address(figure)) < 150_000


def test_an_estimate_that_is_not_to_be_used_is_a_cross_at_the_edge_and_in_no_mean():
    runs = made_up_grid(hiddens=(64,), weights=(0, 10))
    lost = dataclasses.replace(runs[-1], rlct=estimate(4e9, seed=runs[-1].recipe.seed, verdict="not to be used"))
    axes = _panels([*runs[:-1], lost])["C"]
    (curve,) = _curves(axes)
    assert curve.get_ydata() == pytest.approx([np.mean([r.rlct.value for r in of]) for of in (runs[:3], runs[3:-1])])
    (cross,) = [line for line in axes.get_lines() if line.get_gid() == "not to be used"]
    top = axes.get_ylim()[1]
    assert (list(cross.get_xdata()), list(cross.get_ydata())) == ([10], [top]) and top < 100
    assert "×: not to be used, left out" in axes.get_legend().get_title().get_text()
    nothing_else = [
        dataclasses.replace(run, rlct=estimate(-5.0, seed=run.recipe.seed, verdict="not to be used")) for run in runs
    ]
    assert [text.get_text() for text in _panels(nothing_else)["C"].texts] == ["RLCT:\nno estimate can be used"]


def test_what_was_not_measured_has_no_panel():
    panels = _panels([dataclasses.replace(run, rlct=None) for run in made_up_grid()])
    assert [axes.get_title(loc="left").split("   ")[1] for axes in panels.values()] == [
        "Weight spread during training, H = 512", "Weight spread after training", "Accuracy after training"
    ]  # fmt: skip


def test_the_rlct_after_descent_has_the_last_panel():
    runs = [
        dataclasses.replace(
            run, rlct_descended=estimate(10.0 * run.recipe.seed, seed=run.recipe.seed, anchor="descend")
        )
        for run in made_up_grid(hiddens=(64,), weights=(0, 10))
    ]
    panels = _panels(runs, paper=True)
    assert list(panels) == list("ABCDE")
    assert panels["E"].get_ylabel() == "RLCT after descent (paper convention,\nnβ = 82.1)"
    (curve,) = _curves(panels["E"])
    assert curve.get_ydata() == pytest.approx([20.0, 20.0])  # the mean of 10, 20 and 30


@pytest.mark.parametrize(
    ("value", "words"), [(40.0, "measured only where needed, no means"), (-5.0, "no estimate can be used")]
)
def test_a_panel_without_means_says_why(value, words):
    """A third of the runs needed the descent: they are no random sample of their groups."""
    runs = [
        dataclasses.replace(run, rlct_descended=estimate(value, seed=1, anchor="descend"))
        if run.recipe.seed == 1
        else run
        for run in made_up_grid(hiddens=(64,), weights=(0, 10))
    ]
    (figure,) = sweep_figures(studies_of(runs)).values()
    axes = figure.axes[-1]
    (text,) = axes.texts
    assert text.get_text() == f"RLCT after descent:\n{words}"
    figure.canvas.draw()
    within, frame = text.get_window_extent(), axes.get_window_extent()
    assert frame.x0 < within.x0 and within.x1 < frame.x1


def test_collapsed_networks_do_not_hide_a_loss_of_some_points_of_accuracy():
    runs = [
        made_up_run(weight, seed, hidden=64, accuracy=accuracy - 0.001 * seed)
        for weight, accuracy in ((0, 0.97), (10, 0.95), (50, 0.11))
        for seed in (1, 2, 3)
    ]
    axes = _panels(runs)["D"]
    low, high = axes.get_ylim()
    assert 90 < low < 94.7 and 96.9 < high <= 101
    assert [text.get_text().strip() for text in axes.texts] == ["↓ 11"]
    assert "↓: collapsed, below the axis" in axes.get_legend().get_title().get_text()


def test_intervals_of_the_accuracy_end_at_100_percent():
    runs = [made_up_run(w, seed, accuracy=accuracy) for w in (0, 1) for seed, accuracy in ((1, 0.999), (2, 0.95))]
    (band,) = _panels(runs)["D"].collections[:1]
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(100) and heights.min() < 95


def test_intervals_of_what_cannot_be_negative_end_at_0(tmp_path):
    runs = [
        made_up_run(w, seed, accuracy=value, weight_spread=value)
        for w in (0, 1)
        for seed, value in ((1, 0.01), (2, 0.2))
    ]
    panels = _panels([written(run, tmp_path / run.folder.name) for run in runs])
    for letter in "ABD":
        band = panels[letter].collections[0]
        assert band.get_paths()[0].vertices[:, 1].min() >= 0


@pytest.mark.parametrize("accuracy", [0.97, 1.0])  # Without scatter the axis would be made wide around them.
def test_the_axis_of_the_accuracy_ends_at_100_percent(accuracy):
    axes = _panels([made_up_run(weight, 1, accuracy=accuracy) for weight in (0, 1)])["D"]
    bottom, top = axes.get_ylim()
    assert 100 * accuracy < top < 101 and max(tick for tick in axes.get_yticks() if bottom <= tick <= top) <= 100


def test_a_color_means_an_auxiliary_weight_or_a_size_but_not_both(grid):
    panels = _panels(grid)
    weights, sizes = ({line.get_color() for line in _curves(panels[letter])} for letter in "AB")
    assert (len(weights), len(sizes)) == (4, 2) and not weights & sizes


def test_epochs_are_whole_numbers(tmp_path):
    runs = [written(run, tmp_path / run.folder.name) for run in made_up_grid(hiddens=(64,), epochs=3)]
    axes = _panels(runs)["A"]
    axes.figure.canvas.draw()
    ticks = [tick for tick in axes.get_xticks() if 1 <= tick <= 3]
    assert len(ticks) >= 3 and all(tick == round(tick) for tick in ticks)


def test_runs_without_a_history_are_said():
    assert [text.get_text() for text in _panels(made_up_grid())["A"].texts] == ["no history of the training"]


def test_other_backends_and_settings_have_figures_of_their_own():
    runs = made_up_grid(seeds=(1,)) + made_up_grid(seeds=(1,), backend="torch") + made_up_grid(seeds=(1,), epochs=3)
    assert set(sweep_figures(studies_of(runs))) == {
        "figure-2-mnist-jax", "figure-2-mnist-jax-2", "figure-2-mnist-torch"
    }  # fmt: skip


def test_a_task_with_an_odd_name_has_a_name_fit_for_a_file():
    assert list(sweep_figures(studies_of(made_up_grid(task="../my data"))))[0] == "figure--my-data"


@pytest.mark.parametrize(("file_format", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_same_figure_is_the_same_file(file_format, start):
    contents = {
        figure_bytes(sweep_figures(studies_of(made_up_grid()))["figure-2-mnist"], file_format) for _ in range(2)
    }
    assert len(contents) == 1
    assert contents.pop().startswith(start)


def test_a_file_has_the_format_of_its_name(tmp_path):
    file = tmp_path / "new folder" / "figure.svg"
    write_figure(sweep_figures(studies_of(made_up_grid()))["figure-2-mnist"], file)
    assert file.read_bytes() == figure_bytes(sweep_figures(studies_of(made_up_grid()))["figure-2-mnist"], "svg")


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="gif"):
        write_figure(None, tmp_path / "figure.gif")
