"""`keras.ops`, for modules that are also imported where nothing is computed: Keras is imported with the first one."""

from typing import Any


def __getattr__(name: str) -> Any:
    from keras import ops

    globals()[name] = found = getattr(ops, name)
    return found
