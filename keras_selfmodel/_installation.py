"""What is installed beside the package: which backend Keras will take, and how what is missing is installed.

The standard library alone is imported here, because Keras cannot change its backend once it is imported.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

Backend = Literal["jax", "tensorflow", "torch"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

only_reading = False
"""Whether this process reads files alone: the package is then imported without Keras, and without a backend."""


def installing(extra: str) -> str:
    """The command that installs an extra of the package, from where the package itself was installed.

    Args:
        extra: Its name in pyproject.toml; several are separated by commas.
    """
    import importlib.metadata  # Here: it takes 0.03 s of CPU time, and `ksm --help` needs none of it.

    try:
        origin = importlib.metadata.distribution("keras-selfmodel").read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:  # Read from a clone that is on the path.
        return f"pip install '.[{extra}]' (in a clone of the project)"
    return f"pip install {_requirement(extra, json.loads(origin) if origin else {})}"


def needed(module: str, use: str, extra: str = "experiments") -> ModuleType:
    """A module that comes with an extra of the package.

    Args:
        module: Its name.
        use: What asks for it.
        extra: The extra's name in pyproject.toml.

    Raises:
        ImportError: If it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{use} needs {module.partition('.')[0]}: {installing(extra)}") from error


def _requirement(extra: str, origin: Mapping) -> str:
    """What pip is given.

    Args:
        extra: Names of the extras.
        origin: What direct_url.json says (https://packaging.python.org/en/latest/specifications/direct-url); empty for
            an installation from an index.
    """
    if not origin:
        return f"'keras-selfmodel[{extra}]'"
    if "dir_info" not in origin:
        version_control = origin.get("vcs_info", {}).get("vcs")
        url = f"{version_control}+{origin['url']}" if version_control else origin["url"]
        return f"'keras-selfmodel[{extra}] @ {url}'"
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    folder = url2pathname(urlparse(origin["url"]).path)
    return f"{'-e ' if origin['dir_info'].get('editable') else ''}'{folder}[{extra}]'"


def installed_backends() -> list[str]:
    """The backends that can be imported."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def named_backend() -> str | None:
    """The backend in keras.json, whatever it is.

    Keras writes "tensorflow" there by itself, whether TensorFlow is installed or not.
    """
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((folder / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None


def asked_for(requested: str | None, origin: str) -> str | None:
    """A backend that somebody asked for, if it is available.

    Args:
        requested: Its name; `None` or empty if nobody asked.
        origin: Where the name comes from.

    Raises:
        ImportError: If the package does not run on it, or it is not installed.
    """
    if not requested:
        return None
    if requested not in BACKENDS:
        raise ImportError(
            f"{origin} names the backend {requested!r}, on which keras_selfmodel does not run. Choose one of "
            f"{', '.join(BACKENDS)}, before Keras is imported."
        )
    there = installed_backends()
    if requested not in there:
        raise ImportError(
            f"{origin} asks for {requested}, which is not installed. Installed: {', '.join(there) or 'none'}. "
            f"To install it: {installing(requested)}"
        )
    return requested


def choose_backend() -> None:
    """Sees to it that Keras can be imported: where nobody chose a backend, it becomes the only one installed.

    A Keras that is imported already is left as it is.

    Raises:
        ImportError: If none is installed, or the one that was chosen is not available, or several are there and Keras
            would take one that is not.
    """
    if "keras" in sys.modules:
        import keras

        asked_for(keras.config.backend(), "The imported Keras")
        return
    if asked_for(os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND"):
        return
    there, named = installed_backends(), named_backend() or "tensorflow"
    if named != "tensorflow":
        asked_for(named, "keras.json")
    elif len(there) == 1:
        os.environ["KERAS_BACKEND"] = there[0]
    elif not there:
        raise ImportError(no_backend())
    elif named not in there:
        raise ImportError(
            f"Several backends are installed, {' and '.join(there)}, and none is chosen. Set the environment variable "
            f"KERAS_BACKEND to one of them before Keras is imported, such as KERAS_BACKEND={there[0]}."
        )


def backend_of_keras() -> str:
    """The backend that Keras has, or will have once it is imported."""
    if "keras" in sys.modules:
        import keras

        return keras.config.backend()
    return os.environ.get("KERAS_BACKEND") or named_backend() or "tensorflow"


def no_backend() -> str:
    """What to do where no backend is installed."""
    return f"No backend is installed. Install one of {', '.join(BACKENDS)}: {installing(BACKENDS[0])}"
