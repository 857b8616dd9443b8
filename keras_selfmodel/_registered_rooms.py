"""The rooms that have to be imported where networks are built or loaded."""

import sys

from keras_selfmodel import _installation

# Their classes are registered with Keras, or `keras.models.load_model` would not find them.
ROOMS = ("callbacks", "initializers", "layers", "metrics", "models", "rlct", "words", "estimate_rlct")


def import_registered_rooms() -> None:
    """Imports them, and Keras with the backend that was chosen; does nothing the second time.

    `import keras_selfmodel` has done so unless the process was only to read. Whoever finds there that something has to
    be computed calls it.
    """
    _installation.choose_backend()  # Before anything imports Keras.
    for name in ROOMS:
        getattr(sys.modules["keras_selfmodel"], name)
