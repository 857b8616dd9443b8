"""Says in a sentence which promise a library has broken."""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def contract(package: str, file: str, promise: str) -> Iterator[None]:
    """Fails with one sentence if what is inside does not hold, whatever is raised.

    Args:
        package: The library, as pip calls it.
        file: The file of `keras_selfmodel._internals` that relies on it; one of another room with its folder.
        promise: What the library does.
    """
    try:
        yield
    except Exception as error:
        version = importlib.metadata.version(package)
        pytest.fail(
            f"{package} {version} has changed; it no longer holds that {promise}. Adapt "
            f"keras_selfmodel/{file if '/' in file else f'_internals/{file}'}. ({type(error).__name__}: {error})",
            pytrace=False,
        )
