"""The Keras backend, chosen before Keras is imported, because Keras cannot change it afterwards."""

import importlib.util
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


def module_of_the_package(name: str) -> Any:
    """A module of the package, without the package, whose import would import Keras; the package will use it too."""
    whole = f"keras_selfmodel.{name}"
    if whole in sys.modules:
        return sys.modules[whole]
    package: Any = importlib.util.find_spec("keras_selfmodel")
    file = Path(package.submodule_search_locations[0]) / f"{name}.py"
    spec: Any = importlib.util.spec_from_file_location(whole, file)
    sys.modules[whole] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


installation = module_of_the_package("_installation")
cache_folder = module_of_the_package("_cache_folder")
BACKENDS = installation.BACKENDS
version: str = module_of_the_package("_version").__version__
MOST_COMPILED = 20_000
"""Compiled programs kept on disk before all are deleted: some 200 MB on a CPU. A command compiles about a hundred."""


def only_read() -> None:
    """Lets the next import of the package be one without Keras, for commands that read files.

    In a process that has imported the package before, Keras is there, and does no harm.
    """
    installation.only_reading = "keras_selfmodel" not in sys.modules


def import_keras() -> None:
    """Imports what networks are computed with, where `only_read` let the package be imported without."""
    from keras_selfmodel._registered_rooms import import_registered_rooms

    import_registered_rooms()


def activate(requested: str | None) -> str:
    """Makes the next import of Keras choose this backend.

    Keeps TensorFlow from printing its log, and lets JAX keep what it compiles for the next command.

    Args:
        requested: The value of `--backend`, or `None`.

    Returns:
        The backend's name.

    Raises:
        click.ClickException: If it is not installed.
    """
    backend, _ = choose(requested)
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On every backend: Keras imports TensorFlow, where it is installed, when it saves or loads a model.
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _Silencer) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Silencer())
    if backend != "tensorflow":
        # TensorFlow announces oneDNN at every log level unless it is off.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    if backend == "jax":
        _keep_compiled()
    return backend


def _keep_compiled() -> None:
    """Lets JAX keep compiled programs on disk, unless JAX's own variables say otherwise.

    Compiling takes most of the time of a short command. The folder is named after the machine, because what is
    compiled for one CPU may not run on another that shares the folder.
    """
    if {"JAX_ENABLE_COMPILATION_CACHE", "JAX_COMPILATION_CACHE_DIR"} & os.environ.keys():
        return
    folder = cache_folder.cache_root() / "compiled" / (platform.node() or "this-machine")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if len(os.listdir(folder)) > MOST_COMPILED:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
    except OSError:  # compiled anew each time
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    # What cannot be read or written there is compiled anew.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")


def choose(requested: str | None) -> tuple[str, str]:
    """The backend to use and where the choice comes from.

    The order is `--backend`, KERAS_BACKEND, keras.json, the first installed. keras.json counts only if its
    backend is installed: Keras writes "tensorflow" there by itself, whether TensorFlow is installed or not.
    """
    for backend, origin in ((requested, "--backend"), (os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND")):
        try:
            if backend and installation.asked_for(backend, origin):
                return backend, origin
        except ImportError as error:
            raise click.UsageError(str(error)) from None
    installed, named = installation.installed_backends(), installation.named_backend()
    if named in installed:
        return named, "keras.json"
    if not installed:
        raise click.ClickException(installation.no_backend())
    return installed[0], "first installed"


class _Silencer:
    """Finds TensorFlow as Python does, and hides what its C++ code prints on import, whatever the log level."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        others = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec: Any = next((found for found in others if found is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def quietly(module) -> None:
                with _without_noise():
                    execute(module)

            spec.loader.exec_module = quietly
        return spec


@contextmanager
def _without_noise() -> Iterator[None]:
    """Keeps what TensorFlow's C++ code prints on import from the terminal, unless the import fails."""
    try:
        stderr = sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):  # Replaced by something that is no file, as in tests.
        yield
        return
    import tempfile  # 5 ms that the help does not need

    saved = os.dup(stderr)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), stderr)
        try:
            yield
        except BaseException:
            os.dup2(saved, stderr)
            noise.seek(0)
            sys.stderr.write(noise.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, stderr)
            os.close(saved)
