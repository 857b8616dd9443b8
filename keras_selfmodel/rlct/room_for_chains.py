"""Whether a machine has the memory that chains need, before they are sampled."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

from keras_selfmodel._internals.memory import memory_ended
from keras_selfmodel.rlct.conventions import ResolvedSettings

# Bytes of a weight, of a stored loss and of the number of a sample.
WEIGHT, LOSS, SAMPLE = 4, 8, 4
# A chain holds its weights, their gradient and the noise; a step leaves so many numbers in the traces.
COPIES_OF_WEIGHTS, TRACES = 3, 6


def check_room(settings: ResolvedSettings, num_parameters: int, num_samples: int, steps_per_call: int) -> None:
    """Refuses chains that cannot fit: what they need at least is more than all memory.

    Args:
        settings: Those of the sampling.
        num_parameters: Number of weights that are sampled.
        num_samples: Number of samples.
        steps_per_call: Steps that run in one compiled call, at most.

    Raises:
        ValueError: If they cannot.
    """
    chains, steps = settings.num_chains, settings.num_steps
    at_once = min(settings.chains_at_once or chains, chains)
    samples_per_call = min(steps_per_call, steps) * settings.batch_size
    while_sampled = COPIES_OF_WEIGHTS * WEIGHT * num_parameters + LOSS * samples_per_call
    # Where a batch is all samples, one row of numbers serves all chains.
    all_the_time = TRACES * LOSS * steps + (SAMPLE * samples_per_call if settings.batch_size < num_samples else 0)
    needed, memory = at_once * while_sampled + chains * all_the_time, _memory()
    if needed <= memory:
        return
    fit_at_once = int(memory - chains * all_the_time) // while_sampled
    advice = "Sample fewer chains (num_chains=…)."
    if fit_at_once >= 1:
        advice = f"Sample fewer, or at most {_tenth(fit_at_once):,} of them at once (chains_at_once=…)."
    raise ValueError(
        f"Chains of {num_parameters:,} weights, {at_once:,} of them at once, need at least {needed / 1e9:,.1f} GB of "
        f"memory, and there are {memory / 1e9:,.1f} GB. {advice} Received: num_chains={chains}"
    )


def _tenth(number: int) -> int:
    """A tenth of a number, rounded down to a power of ten, or 1: chains need more than the least counted here."""
    return 10 ** max(len(str(number)) - 2, 0)


def _memory() -> float:
    """Bytes of the machine's memory, or of the part that this process may have; infinite where that is not known."""
    known = [math.inf]
    with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows knows no sysconf
        known.append(float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
    with contextlib.suppress(OSError, ValueError):  # not in a container, or not limited ("max")
        known.append(float(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))))
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows knows no limits, and only Linux /proc
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            # What is mapped already, such as libraries, counts too.
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            known.append(float(max(limit - pages * os.sysconf("SC_PAGE_SIZE"), 0)))
    return min(known)


@contextlib.contextmanager
def advised_where_memory_ends() -> Iterator[None]:
    """Says how chains take less memory if a backend gets no more.

    Raises:
        MemoryError: In place of the backend's error.
    """
    try:
        yield
    except Exception as error:
        if not memory_ended(error):
            raise
        advice = "The memory does not suffice for the chains. Sample fewer of them at once (chains_at_once=…)."
        raise MemoryError(f"{advice} {error}".rstrip()) from error
