"""Kills at chosen moments, in the same process."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from keras_selfmodel._whole_files import PARTIAL


class Killed(BaseException):
    """The process is gone: not even its clean-up runs."""


@contextlib.contextmanager
def killed_when(name: str, time: int, *, appeared: bool) -> Iterator[None]:
    """Kills the run inside when a file has appeared, or would appear the next moment, for the nth time."""
    seen, dead, replace = 0, False, os.replace

    def deadly(half, whole):
        nonlocal seen, dead
        if not dead:
            seen += Path(whole).name == name
            dead = seen == time
            if not dead or appeared:
                replace(half, whole)
        if dead:
            if Path(half).exists():  # Its clean-up will run all the same: another partial file stays for it.
                shutil.copy(half, Path(whole).with_name(f"{PARTIAL}{time:012x}.{Path(whole).name}"))
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", deadly)
        yield
