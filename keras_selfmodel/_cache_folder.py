"""The folder of what may be deleted at any time: decoded data, measured times, compiled programs."""

import os
from pathlib import Path


def cache_root() -> Path:
    """Returns KSM_CACHE_DIR, else `keras_selfmodel` in XDG_CACHE_HOME or in `~/.cache`."""
    if chosen := os.environ.get("KSM_CACHE_DIR"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "keras_selfmodel"
