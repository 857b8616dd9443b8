"""What a run was computed on."""

import functools
import platform
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version

from keras_selfmodel._installation import Backend
from keras_selfmodel._version import __version__

_BACKEND_MODULES = {"jax": ("jax", "jaxlib"), "tensorflow": ("tensorflow",), "torch": ("torch",)}

# Reads the files of every installed package, which takes as long as a small run's training.
_packages_of_modules = functools.cache(packages_distributions)


@dataclass(frozen=True)
class Provenance:
    """Versions, backend and devices.

    Attributes:
        keras_selfmodel: Version of this package.
        backend: Name of the backend.
        devices: Its devices.
        python: Version of Python.
        platform: The operating system.
        packages: Versions of Keras, NumPy and the backend, by the name that is imported.
    """

    keras_selfmodel: str
    backend: Backend
    devices: tuple[str, ...]
    python: str
    platform: str
    packages: dict[str, str | None]


def provenance() -> Provenance:
    """The provenance of what this process computes."""
    import keras  # Here: who only reads what was written down needs none.

    from keras_selfmodel import transforms

    backend = keras.config.backend()
    return Provenance(
        keras_selfmodel=__version__,
        backend=backend,
        devices=tuple(transforms.devices()),
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: installed_version(name) for name in ("keras", "numpy", *_BACKEND_MODULES[backend])},
    )


@functools.cache  # a sweep asks once for each of its runs
def installed_version(module: str) -> str | None:
    """The version of the package that brings a module, without importing it.

    Args:
        module: Name as imported. The package may be called otherwise: TensorFlow also comes as
            tensorflow-cpu.
    """
    packages = _packages_of_modules().get(module)
    return version(packages[0]) if packages else None
