"""Whether a machine has the memory that chains need, before they are sampled."""

import contextlib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from keras_selfmodel.rlct.conventions import ResolvedSettings

# What is needed at the least: by a chain its weights, their gradient and the noise; by each of its steps in a call the
# losses at w* of a batch and the numbers of its samples; by each of its steps what its trace has.
FLOAT, LOSS, NUMBER, COPIES, OF_A_TRACE = 4, 8, 4, 3, 6


def check_room(settings: ResolvedSettings, num_parameters: int, num_samples: int, steps_per_call: int) -> None:
    """Refuses chains that cannot fit: what they need at the least is more than all memory.

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
    batches = min(steps_per_call, steps) * settings.batch_size
    one_at_once = COPIES * FLOAT * num_parameters + LOSS * batches
    # All samples in each batch are one row for all chains.
    one = OF_A_TRACE * LOSS * steps + (NUMBER * batches if settings.batch_size < num_samples else 0)
    room = _memory()
    if at_once * one_at_once + chains * one <= room:
        return
    fewer = int(room - chains * one) // one_at_once
    advice = "Sample fewer (num_chains=…)."
    if fewer >= 1:
        advice = f"Sample fewer, or at most {_power_of_ten(fewer):,} of them at once (chains_at_once=…)."
    needed, there = (at_once * one_at_once + chains * one) / 1e9, room / 1e9
    raise ValueError(
        f"Chains of {num_parameters:,} weights, {at_once:,} of them at once, need at least {needed:,.1f} GB of memory, "
        f"and there are {there:,.1f} GB. {advice} Received: num_chains={chains}"
    )


def _power_of_ten(number: int) -> int:
    """The largest power of ten below a tenth of a number, or 1: what is counted is the least that is needed."""
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


# What PyTorch, JAX and TensorFlow say where memory ends.
_ENDED = re.compile(r"can't allocate memory|out of memory|RESOURCE_EXHAUSTED|OOM when allocating", re.IGNORECASE)


@contextlib.contextmanager
def advised_where_memory_ends() -> Iterator[None]:
    """Says how chains take less memory if a backend gets no more.

    Raises:
        MemoryError: In place of the backend's error.
    """
    try:
        yield
    except Exception as error:
        if not (isinstance(error, MemoryError) or _ENDED.search(str(error))):
            raise
        advice = "The memory does not suffice for the chains. Sample fewer of them at once (chains_at_once=…)."
        raise MemoryError(f"{advice} {error}".rstrip()) from error
