"""Private parts of Ray that the package needs, in one place.

Ray has no option for the address on which its servers listen on Linux: they listen on all of a machine's. On macOS and
Windows, for which it has no clusters, they listen on 127.0.0.1 alone. What decides it is read here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


@contextmanager
def listening_here_only() -> Iterator[None]:
    """A cluster that is started inside listens on 127.0.0.1 alone, all its processes included."""
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER, os.environ.get(_VARIABLE)
    # The constant is for this process, which has read the variable; the variable is for those that it starts.
    ray_constants.ENABLE_RAY_CLUSTER, os.environ[_VARIABLE] = False, "0"
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before[0]
        if before[1] is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before[1]
