"""Which samples each chain sees at each step, drawn with NumPy: the same on every backend."""

import numpy as np

from keras_selfmodel.rlct.conventions import ResolvedSettings

# Steps that run in one compiled call. Progress is shown, and divergence noticed, between calls.
STEPS_PER_CALL = 50


def batch_indices(settings: ResolvedSettings, num_samples: int, done: int, most: int = STEPS_PER_CALL) -> np.ndarray:
    """Sample numbers of the next steps, int32 `(steps, chains, batch)`.

    Args:
        settings: With the convention "dataset", each batch of each chain is drawn on its own, without repetition
            inside it. (Passes through the data would make a batch the opposite of those before it, to which the chain
            has just moved: its loss against that at w* comes out too high, by a tenth where batches are small.) With
            "paper", all chains see the batches in the order of the data, again and again, the last batch of a pass
            being as large as what is left.
        num_samples: Number of samples n ≥ batch size.
        done: Steps done before. They decide the batches, so that an interrupted sampling can go on.
        most: Steps at most.
    """
    if settings.convention == "dataset":
        steps = _next_end(settings.num_steps, done, most) - done
        rng = np.random.default_rng([settings.seed, done])
        batches = random_batches(rng, steps * settings.num_chains, num_samples, settings.batch_size)
        return batches.reshape(steps, settings.num_chains, -1)
    one_pass = paper_batches(num_samples, settings.batch_size)
    place = done % len(one_pass)
    # Full batches and the smaller last one have different shapes, so they cannot share a call.
    full = num_samples // settings.batch_size
    end = _next_end(full, place, most) if place < full else len(one_pass)
    run = one_pass[place : min(end, place + settings.num_steps - done)]
    return np.repeat(np.stack(run)[:, None], settings.num_chains, axis=1)


def _next_end(steps: int, done: int, most: int) -> int:
    """Where the next call ends: few and even calls, because each length is compiled on its own."""
    calls = -(-steps // most)
    return next(end for call in range(calls) if (end := steps * (call + 1) // calls) > done)


def random_batches(rng: np.random.Generator, batches: int, num_samples: int, batch_size: int) -> np.ndarray:
    """Independent batches of different samples each, int32 `(batches, batch_size)`; not shuffled inside."""
    if batch_size == num_samples:
        return np.broadcast_to(np.arange(num_samples, dtype=np.int32), (batches, num_samples))
    drawn = [rng.choice(num_samples, batch_size, replace=False, shuffle=False) for _ in range(batches)]
    return np.array(drawn, np.int32)


def paper_batches(num_samples: int, batch_size: int) -> list[np.ndarray]:
    """The batches of one pass over the data in their order, the last partial one kept."""
    order = np.arange(num_samples, dtype=np.int32)
    return [order[start : start + batch_size] for start in range(0, num_samples, batch_size)]
