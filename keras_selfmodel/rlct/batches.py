"""Which samples each chain sees at each step, drawn with NumPy: the same on every backend."""

from collections.abc import Iterator

import numpy as np

from keras_selfmodel.rlct.conventions import SamplingSettings

# Steps that run in one compiled call. Progress is shown, and divergence noticed, between calls.
STEPS_PER_CALL = 50


def batch_indices(settings: SamplingSettings, num_samples: int) -> Iterator[np.ndarray]:
    """Yields int32 arrays `(steps, chains, batch)` of sample numbers, `settings.num_steps` steps in all.

    Args:
        settings: With the convention "dataset", each batch of each chain is drawn on its own, without repetition
            inside it. (Passes through the data would make a batch the opposite of those before it, to which the chain
            has just moved: its loss against that at w* comes out too high, by a tenth where batches are small.) With
            "paper", all chains see the batches in the order of the
            data, again and again, the last batch of a pass being as large as what is left.
        num_samples: Number of samples n ≥ batch size.
    """
    if settings.convention == "dataset":
        rng = np.random.default_rng(settings.seed)
        for steps in _even_parts(settings.num_steps):
            batches = random_batches(rng, steps * settings.num_chains, num_samples, settings.batch_size)
            yield batches.reshape(steps, settings.num_chains, -1)
    else:
        batches = paper_batches(num_samples, settings.batch_size)
        left = settings.num_steps
        while left > 0:
            # Full batches and the smaller last one have different shapes, so they cannot share a call.
            for run in (batches[:-1], batches[-1:]) if len(batches[-1]) < len(batches[0]) else (batches,):
                run = run[:left]
                left -= len(run)
                for part in np.array_split(np.stack(run), -(-len(run) // STEPS_PER_CALL)) if run else ():
                    yield np.repeat(part[:, None], settings.num_chains, axis=1)


def random_batches(rng: np.random.Generator, batches: int, num_samples: int, batch_size: int) -> np.ndarray:
    """Independent batches of different samples each, int32 `(batches, batch_size)`; not shuffled inside."""
    drawn = [rng.choice(num_samples, batch_size, replace=False, shuffle=False) for _ in range(batches)]
    return np.array(drawn, np.int32)


def paper_batches(num_samples: int, batch_size: int) -> list[np.ndarray]:
    """The batches of one pass over the data in their order, the last partial one kept."""
    order = np.arange(num_samples, dtype=np.int32)
    return [order[start : start + batch_size] for start in range(0, num_samples, batch_size)]


def _even_parts(steps: int) -> list[int]:
    parts = -(-steps // STEPS_PER_CALL)
    return [steps // parts + (part < steps % parts) for part in range(parts)]
