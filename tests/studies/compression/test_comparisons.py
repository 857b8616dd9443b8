import numpy as np
import pytest
from scipy.stats import ttest_rel

from keras_selfmodel.statistics import holm
from keras_selfmodel.studies.compression import (
    COMPRESSION_MEASURES,
    associations,
    compared_networks,
    compressed_groups,
    compressed_rows,
    compression_comparisons,
    efficiency_verdicts,
)
from tests.studies.compression.made_up_compressions import made_up_compression

SEEDS = (1, 2, 3, 4)
SCATTER = dict(zip(SEEDS, (0.0044, -0.0044, 0.0088, -0.0088), strict=True))


def grid(ours=0.3, **control) -> list:
    """Baseline of size 0.5 at 97 %, AW 10 of size `ours` at 95 %, and maybe a control."""
    found = []
    for seed in SEEDS:
        small = SCATTER[5 - seed] / 3
        found += [
            made_up_compression(0.0, seed, size=0.5 + SCATTER[seed], accuracy=0.97),
            made_up_compression(10.0, seed, size=ours + small, accuracy=0.95, rlct=40.0 + seed),
        ]
        if control:
            change = {"objective": "dropout", "accuracy": 0.93, **control}
            found.append(made_up_compression(0.5, seed, **change))
    return found


def chosen(compared, **wanted):
    (one,) = [c for c in compared if all(getattr(c, name) == value for name, value in wanted.items())]
    return one


def test_differences_from_the_baseline_are_paired_by_seed_and_corrected_as_one_family():
    found = grid()
    compared = compression_comparisons(found)
    one = chosen(compared, measure="bits", reference="baseline")
    ours, theirs = (
        [COMPRESSION_MEASURES["bits"].of(c.compression) for c in found if c.result.recipe.aux_weight == w]
        for w in (10, 0)
    )
    assert one.difference.estimate.mean == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert one.difference.p == pytest.approx(ttest_rel(ours, theirs).pvalue)
    # Seven measures; noise and calibration are the same in both groups, so that p = 1.
    assert len(compared) == 7
    assert [c.p_holm for c in compared] == pytest.approx(holm([c.difference.p for c in compared]))
    assert one.verdict == "better" and chosen(compared, measure="ece").verdict == "no difference found"


def test_more_noise_is_better():
    found = [
        made_up_compression(weight, seed, noise=(0.2 if weight else 0.1) + SCATTER[seed] / 10 * (1 if weight else 2))
        for weight in (0.0, 10.0)
        for seed in SEEDS
    ]
    one = chosen(compression_comparisons(found), measure="input_noise")
    assert one.difference.estimate.mean == pytest.approx(0.1) and one.verdict == "better"


def test_a_control_is_taken_at_the_accuracy_of_the_self_modeling_network():
    # Halfway in accuracy between the baseline, 0.5 + scatter, and dropout, 0.1: 0.3 + scatter / 2.
    compared = compression_comparisons(grid(ours=0.4, size=0.1, noise=0.5))
    one = chosen(compared, measure="rank", reference="dropout")
    assert one.difference.estimate.mean == pytest.approx(0.4 - 0.3) and one.verdict == "worse"
    noise = chosen(compared, measure="weight_noise", reference="dropout")
    assert noise.difference.reference == pytest.approx(0.4) and noise.difference.estimate.mean == pytest.approx(-0.1)
    assert len(compared) == 14 and len({c.p_holm for c in compared}) > 1


@pytest.mark.parametrize(("ours", "verdict"), [(0.3, "yes"), (0.7, "no"), (0.499, "no"), (0.47, "not enough data")])
def test_the_verdict_on_parameter_efficiency_is_that_of_its_rule(ours, verdict):
    # 0.3 and 0.7 differ beyond chance; at 0.499 a gain of 5 % is excluded by all intervals; at 0.47 nothing is.
    (one,) = efficiency_verdicts(compression_comparisons(grid(ours)))
    assert (one.reference, one.verdict) == ("baseline", verdict)
    assert (len(one.smaller), len(one.larger)) == {0.3: (4, 0), 0.7: (0, 4)}.get(ours, (0, 0))


def test_a_size_that_one_network_does_not_reach_is_not_compared():
    found = [*grid(), made_up_compression(0.0, 9), made_up_compression(10.0, 9, size=None)]
    one = chosen(compression_comparisons(found), measure="pruning")
    assert one.difference is None and one.verdict == "not enough data"
    (group,) = [group for group in compressed_groups(found) if group.aux_weight == 10]
    assert group.networks == 5 and group.reached["pruning"] == 4


def test_collapsed_networks_are_counted_and_left_out():
    found = [*grid(), *(made_up_compression(50.0, seed, size=0.01, accuracy=0.1) for seed in SEEDS)]
    assert {c.aux_weight for c in compression_comparisons(found)} == {10}
    assert [group.collapsed for group in compressed_groups(found)] == [0, 0, 4]
    assert {len(networks) for networks in compared_networks(found).values()} == {8}


def test_the_rlct_is_correlated_with_sizes_between_and_within_objectives():
    found = [
        made_up_compression(weight, seed, size=0.2 + rlct / 1000, rlct=rlct, objective=objective)
        for objective, weight in (("self-modeling", 0.0), ("self-modeling", 10.0), ("dropout", 0.5))
        for seed in SEEDS
        if (rlct := 10.0 * seed + weight)
    ]
    by_objective = {
        one.objective: one.correlation
        for one in associations(found)
        if (one.predictor, one.measure) == ("rlct", "bits")
    }
    assert {name: (one.rho, one.count) for name, one in by_objective.items()} == {
        "all objectives": (1.0, 12), "self-modeling": (1.0, 8), "dropout": (1.0, 8)
    }  # fmt: skip


def test_rows_are_empty_where_something_was_not_measured_or_reached():
    (row,) = compressed_rows([made_up_compression(size=None, units=False)])
    assert row["pruning at +0.1 nat"] is None and row["units at +0.01 nat"] is None
    assert row["input_noise at +0.1 nat"] == 0.3 and row["int4 loss"] is None and row["int8 loss"] == 0.2
    assert row["pruning at -1 point"] == pytest.approx(0.8)


def test_rows_name_the_backend_of_the_run_and_the_one_that_compressed_it():
    (row,) = compressed_rows([made_up_compression(backend="torch")])
    assert (row["backend"], row["compressed_on"]) == ("torch", "jax")
