"""What backends raise where memory ends.

Relied on: the words of PyTorch, JAX and TensorFlow for it.
"""

import re

_ENDED = re.compile(r"can't allocate memory|out of memory|RESOURCE_EXHAUSTED|OOM when allocating", re.IGNORECASE)


def memory_ended(error: Exception) -> bool:
    """Whether an error says that there is no more memory."""
    return isinstance(error, MemoryError) or _ENDED.search(str(error)) is not None
