"""Networks that predict their own activations, and what that does to their complexity."""

from typing import TYPE_CHECKING

from keras_selfmodel import _installation
from keras_selfmodel._lazy_room import lazily
from keras_selfmodel._registered_rooms import import_registered_rooms
from keras_selfmodel._version import __version__

if TYPE_CHECKING:
    from keras_selfmodel import (
        callbacks,
        compression,
        datasets,
        experiments,
        initializers,
        layers,
        metrics,
        models,
        probes,
        reporting,
        rlct,
        statistics,
        studies,
        tuning,
        words,
    )
    from keras_selfmodel.metrics import weight_spread
    from keras_selfmodel.models import SelfModelingModel
    from keras_selfmodel.rlct import estimate_rlct

__all__ = [
    "SelfModelingModel",
    "__version__",
    "callbacks",
    "compression",
    "datasets",
    "estimate_rlct",
    "experiments",
    "initializers",
    "layers",
    "metrics",
    "models",
    "probes",
    "reporting",
    "rlct",
    "statistics",
    "studies",
    "tuning",
    "weight_spread",
    "words",
]

__getattr__, __dir__ = lazily(__name__)

# What is registered with Keras is imported at once, or `keras.models.load_model` would not find its classes. The other
# rooms are imported when they are first asked for: most users need none of them, and tuning needs an extra.
if not _installation.only_reading:
    import_registered_rooms()
