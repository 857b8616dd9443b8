"""Networks that predict their own activations, and what that does to their complexity."""

import importlib
from typing import TYPE_CHECKING, Any

from keras_selfmodel._installation import choose_backend

choose_backend()  # Before anything imports Keras.

from keras_selfmodel import callbacks, initializers, layers, metrics, models, rlct, words  # noqa: E402
from keras_selfmodel._version import __version__  # noqa: E402
from keras_selfmodel.metrics import weight_spread  # noqa: E402
from keras_selfmodel.models import SelfModelingModel  # noqa: E402
from keras_selfmodel.rlct import estimate_rlct  # noqa: E402

if TYPE_CHECKING:
    from keras_selfmodel import compression, datasets, experiments, probes, reporting, statistics, studies, tuning

# Imported when they are first asked for: most users need none of them, and tuning needs an extra. What is registered
# with Keras stays above, or `keras.models.load_model` would not find its classes.
_LAZY = ("compression", "datasets", "experiments", "probes", "reporting", "statistics", "studies", "tuning")

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


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
