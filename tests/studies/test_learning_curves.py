import dataclasses

import numpy as np
import pytest
from scipy.stats import ttest_rel

from keras_selfmodel.reporting import learning_figure, report_html
from keras_selfmodel.studies import learning_curves, learning_rows, studies_of
from tests.studies.made_up import MNIST, made_up_run, written

ACCURACIES = {(100, 0.0): 0.80, (1000, 0.0): 0.90, (100, 0.4): 0.60, (1000, 0.4): 0.75}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """AW 0 and 10 on 100 and 1000 samples with and without wrong labels, three seeds."""
    folder, rng, found = tmp_path_factory.mktemp("curves"), np.random.default_rng(0), []
    for (examples, noise), accuracy in ACCURACIES.items():
        for weight in (0.0, 10.0):
            for seed in (1, 2, 3):
                reached = accuracy - 0.001 * weight + 0.01 * rng.normal()
                run = made_up_run(weight, seed, label_noise=noise, accuracy=reached, rlct=examples / 50 + seed)
                history = [{"epoch": epoch, "accuracy": 0.5 + 0.4 * epoch / 50} for epoch in range(1, 51)]
                run = written(run, folder / f"{examples}-{noise}-{weight}-{seed}", history)
                data = dataclasses.replace(run.config.data, examples=examples, digest=f"{examples:064}")
                found.append(dataclasses.replace(run, config=dataclasses.replace(run.config, data=data)))
    return found


def point_of(curves, **wanted):
    (found,) = [p for p in curves.points if all(getattr(p, name) == value for name, value in wanted.items())]
    return found


def test_points_are_means_over_the_seeds_with_the_tax_paired_by_seed(runs):
    (curves,) = learning_curves(runs)
    assert curves.title == "mnist on jax" and len(curves.points) == 8
    point = point_of(curves, examples=1000, label_noise=0.4, aux_weight=10.0)
    ours, theirs = (
        [r.accuracy for r in runs if r.recipe.aux_weight == weight and "1000-0.4" in str(r.folder)]
        for weight in (10, 0)
    )
    assert point.seeds == 3 and point.accuracy.mean == pytest.approx(np.mean(ours))
    assert point.gap.mean == pytest.approx(0.9 - np.mean(ours)) and point.rlct.mean == pytest.approx(22.0)
    assert point.tax.estimate.mean == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert point.tax.p == pytest.approx(ttest_rel(ours, theirs).pvalue)
    assert point_of(curves, examples=100, label_noise=0.0, aux_weight=0.0).tax is None


def test_networks_that_are_not_alike_are_not_averaged(runs):
    """Other targets, another convention of the RLCT: curves of their own, with the baseline of the same sampling."""

    def changed(run, **changes):
        return dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, **changes))

    others = [changed(run, targets=("logits",)) for run in runs if run.recipe.aux_weight]
    mine, theirs = learning_curves([*runs, *others])
    assert (mine.title, theirs.title) == ("mnist on jax (targets hidden)", "mnist on jax (targets logits)")
    assert [point.seeds for point in (*mine.points, *theirs.points)] == [3] * 16
    assert mine.points == learning_curves(runs)[0].points
    dataset = dataclasses.replace(runs[0].recipe.rlct, convention="dataset")
    sampled = [
        dataclasses.replace(
            run,
            recipe=dataclasses.replace(run.recipe, rlct=dataset),
            rlct=dataclasses.replace(run.rlct, convention="dataset"),
        )
        for run in runs
    ]
    found = learning_curves([*runs, *sampled])
    assert len(found) == 2 and {point.rlct.count for curves in found for point in curves.points} == {3}
    # What changes no number parts nothing.
    descended = [changed(run, descend=run.recipe.aux_weight > 0) for run in runs]
    assert learning_curves(descended) == learning_curves(runs)


def test_a_single_number_of_samples_and_unknown_ones_are_no_curve(runs):
    assert learning_curves([run for run in runs if "1000-0.4" in str(run.folder)]) == []
    assert learning_curves([made_up_run(0.0, 1), made_up_run(0.0, 1, label_noise=0.2)]) == []


def test_rows_and_figure_have_every_point(runs):
    (curves,) = learning_curves(runs)
    rows = learning_rows(curves)
    assert len(rows) == 8 and {row["examples"] for row in rows} == {100, 1000}
    figure = learning_figure(curves, curves.points[0].hidden)
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["label noise 0", "label noise 0.4"]
    drawn = figure.axes[1].get_lines()[0].get_ydata()
    expected = [point_of(curves, examples=n, label_noise=0.4, aux_weight=0.0).accuracy.mean for n in (100, 1000)]
    assert list(drawn) == pytest.approx(expected)


def test_a_kind_of_network_looks_the_same_in_every_panel(runs):
    (curves,) = learning_curves(runs)
    kept = [point for point in curves.points if point.label_noise or point.aux_weight]  # no baseline without noise
    figure = learning_figure(dataclasses.replace(curves, points=tuple(kept)), curves.points[0].hidden)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["baseline", "AW 10"]
    alone, both = ({one.get_label(): one.lines[0].get_color() for one in axes.containers} for axes in figure.axes[:2])
    assert alone == {"AW 10": both["AW 10"]} and both["baseline"] != both["AW 10"]


def test_the_report_has_a_section_of_curves_where_there_are_any(runs):
    some = [run for run in runs if run.recipe.seed < 3]
    page = report_html(studies_of(some), "runs")
    assert "Learning curves: mnist on jax" in page and "accuracy minus baseline" in page
    # Only the noise varies: one place on the axis of samples.
    of_noise = [run for run in some if run.config.data.examples == 1000]
    assert "Learning curves" in report_html(studies_of(of_noise), "runs")
    assert "Learning curves" not in report_html(
        studies_of([run for run in some if "1000-0.4" in str(run.folder)]), "runs"
    )


def test_studies_of_subsets_say_how_many_samples_and_which_where_that_does_not_tell(runs):
    def as_subset(run, **of_data):
        data = dataclasses.replace(run.config.data, **of_data)
        return dataclasses.replace(run, is_subset=True, config=dataclasses.replace(run.config, data=data))

    digests = {100: "a" * 64, 1000: "b" * 64}
    of_noise = [as_subset(run, digest=digests[run.config.data.examples]) for run in runs if run.recipe.label_noise]
    distinctions = {study.distinction for study in studies_of(of_noise)}
    assert distinctions == {"a subset of 100 samples", "a subset of 1,000 samples"}
    others = [as_subset(run, digest="f" * 64) for run in of_noise if run.config.data.examples == 100]
    assert {study.distinction for study in studies_of(of_noise + others)} == {
        "a subset of 100 samples, data aaaaaaaaaaaa",
        "a subset of 100 samples, data ffffffffffff",
        "a subset of 1,000 samples",
    }


@pytest.mark.parametrize("asked", [512, 100, 64])
def test_batches_of_an_rlct_that_take_all_of_few_samples_belong_to_larger_ones(tmp_path, asked):
    found = []
    for examples in (100, 1000):
        rlct = dataclasses.replace(MNIST.rlct, batch_size=min(asked, examples))
        run = made_up_run(10.0, recipe=dataclasses.replace(MNIST, rlct=rlct))
        run = written(run, tmp_path / str(examples), [])
        data = dataclasses.replace(run.config.data, examples=examples)
        found.append(dataclasses.replace(run, config=dataclasses.replace(run.config, data=data)))
    (curves,) = learning_curves(found)
    assert {point.examples for point in curves.points} == {100, 1000}
