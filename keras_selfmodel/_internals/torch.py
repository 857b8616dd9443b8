"""PyTorch: a function recorded as a list of operations, and its global generator.

Relied on: `torch.fx.experimental.proxy_tensor.make_fx`, and that what it records keeps the shapes it was recorded with;
that a `DataLoader` draws nothing but from the global generator.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


def recorded(function: Callable, tensors: list[torch.Tensor]) -> Callable | None:
    """A function of tensors that plays back what another one does; `None` if that cannot be recorded.

    Args:
        function: `function(*tensors)` that returns a list of tensors.
        tensors: What it is recorded with. It must be played back with tensors of the same shapes and types.
    """
    from torch.fx.experimental.proxy_tensor import make_fx  # takes a while, and is not always needed

    try:
        return make_fx(function)(*tensors).forward
    except Exception:
        # Whatever PyTorch says: an error of the function itself comes up again where it is called as it is.
        return None


@contextmanager
def random_numbers_left_alone() -> Iterator[None]:
    """Puts the global random generators of the CPU and of all CUDA devices back to where they were."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        yield
