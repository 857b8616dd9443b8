"""On what a run was computed."""

import functools
import platform
from importlib.metadata import packages_distributions, version

import keras

from keras_selfmodel import transforms
from keras_selfmodel._version import __version__

_BACKEND_MODULES = {"jax": ("jax", "jaxlib"), "tensorflow": ("tensorflow",), "torch": ("torch",)}

# Reads the files of every installed package, which takes as long as a small run's training.
_packages_of_modules = functools.cache(packages_distributions)


def provenance() -> dict:
    """Versions, backend and devices, as JSON holds them."""
    backend = keras.config.backend()
    return {
        "keras_selfmodel": __version__,
        "backend": backend,
        "devices": transforms.devices(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: installed_version(name) for name in ("keras", "numpy", *_BACKEND_MODULES[backend])},
    }


@functools.cache  # a sweep asks once for each of its runs
def installed_version(module: str) -> str | None:
    """The version of the package that brings a module, without importing it.

    Args:
        module: Name as imported. The package may be called otherwise: TensorFlow also comes as
            tensorflow-cpu.
    """
    packages = _packages_of_modules().get(module)
    return version(packages[0]) if packages else None
