import numpy as np
import pytest

from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.batches import batch_indices


def all_steps(settings, num_samples):
    return [step for block in all_blocks(settings, num_samples) for step in block]


def all_blocks(settings, num_samples):
    blocks, done = [], 0
    while done < settings.num_steps:
        blocks.append(batch_indices(settings, num_samples, done))
        done += len(blocks[-1])
    return blocks


def test_dataset_batches_are_drawn_independently():
    settings = SamplingSettings(num_chains=3, num_draws=500, burn_in=0, batch_size=4, seed=1)
    steps = np.stack(all_steps(settings, 10))
    assert steps.shape == (500, 3, 4)
    counts = np.bincount(steps.ravel(), minlength=10)
    assert counts.shape == (10,)
    assert all(len(set(batch)) == 4 for step in steps for batch in step)
    # 6000 draws: 600 ± 23 each; four of these.
    assert (np.abs(counts - 600) < 93).all()
    # Two batches of 4 out of 10 have 1.6 samples in common, ± 0.036 in the mean: so with those of chains and of steps.
    for one, other in [(steps[:, 0], steps[:, 1]), (steps[1:, 0], steps[:-1, 0])]:
        assert (one[:, :, None] == other[:, None, :]).sum(axis=(1, 2)).mean() == pytest.approx(1.6, abs=0.15)


@pytest.mark.parametrize("num_steps", [1, 3, 7, 130])
def test_paper_batches_cycle_in_the_order_of_the_data(num_steps):
    settings = SamplingSettings(convention="paper", num_chains=2, num_draws=num_steps, burn_in=0, batch_size=4)
    steps = all_steps(settings, 10)
    assert len(steps) == num_steps
    one_pass = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]  # the last partial batch is kept
    for number, step in enumerate(steps):
        for chain in step:
            np.testing.assert_array_equal(chain, one_pass[number % 3])


def test_blocks_of_a_long_sampling_have_few_shapes():
    # Each shape is compiled once.
    settings = SamplingSettings(num_chains=2, num_draws=1000, burn_in=500, batch_size=4)
    assert len({block.shape for block in all_blocks(settings, 100)}) == 1
