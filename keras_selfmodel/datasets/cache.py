"""Decoded arrays on disk: decoding 60,000 images takes seconds, reading them back a fraction of one.

The cache may be deleted at any time, and nothing that is wrong with it stops a load.
"""

import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_selfmodel._cache_folder import cache_root

_TEXT = ".json"


def read(key: str) -> dict[str, np.ndarray] | None:
    """Returns the arrays kept under a key, or None where there are none or they are damaged.

    Args:
        key: What `write` was given.

    Returns:
        Arrays by name, or None.

    Example:
        >>> read("never written") is None
        True
    """
    try:
        # Opened here, because np.load leaves a damaged file open. No pickles, which run what a foreign file
        # tells them to: texts are kept as JSON bytes instead.
        with (cache_root() / f"{key}.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        texts = [name for name in arrays if name.endswith(_TEXT)]
        for name in texts:
            arrays[name.removesuffix(_TEXT)] = np.array(json.loads(arrays.pop(name).tobytes()), dtype=object)
        return arrays
    except Exception:  # whatever is wrong with the file, decoding the data again is right
        return None


def write(key: str, arrays: dict[str, np.ndarray]) -> None:
    """Keeps arrays under a key; warns where that is impossible.

    Args:
        key: A name that changes with the content; becomes part of a file name.
        arrays: Arrays by name. Object arrays must hold str.
    """
    root, temporary = cache_root(), None
    packed: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.dtype == object:
            name, array = name + _TEXT, np.frombuffer(json.dumps(array.tolist()).encode(), np.uint8)
        packed[name] = array
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root, prefix=f"{key}.", suffix=".tmp", delete=False) as file:
            temporary = file.name
            np.savez(file, **packed)
        os.replace(temporary, root / f"{key}.npz")
        temporary = None
    except OSError as error:
        warnings.warn(
            f"Decoded data cannot be kept in {root} ({error}): the next load will decode it again. "
            "Set KSM_CACHE_DIR to a folder that can be written.",
            stacklevel=2,
        )
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
