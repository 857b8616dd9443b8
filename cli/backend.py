"""The Keras backend, chosen before Keras is imported, because Keras cannot change it afterwards."""

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

BACKENDS = ("jax", "tensorflow", "torch")


def activate(requested: str | None) -> str:
    """Makes the next import of Keras choose this backend, and keeps TensorFlow from printing its log.

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
    if backend == "tensorflow":
        with _without_noise():
            import tensorflow  # noqa: F401
    else:
        # Keras imports TensorFlow, where it is installed, on every backend when it saves a model, and
        # TensorFlow announces oneDNN at every log level unless it is off.
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    return backend


def choose(requested: str | None) -> tuple[str, str]:
    """The backend to use and where the choice comes from.

    The order is `--backend`, KERAS_BACKEND, keras.json, the first installed. keras.json counts only if its
    backend is installed: Keras writes "tensorflow" there by itself, whether TensorFlow is installed or not.
    """
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    for backend, origin in ((requested, "--backend"), (os.environ.get("KERAS_BACKEND"), "KERAS_BACKEND")):
        if backend and backend not in BACKENDS:
            raise click.UsageError(f"{origin} names an unknown backend: {backend!r}. Backends: {', '.join(BACKENDS)}.")
        if backend and backend not in installed:
            raise click.UsageError(
                f"{origin} asks for {backend}, which is not installed: "
                f"pip install 'keras-selfmodel[{backend}]'. Installed: {', '.join(installed) or 'none'}."
            )
        if backend:
            return backend, origin
    configured = _configured()
    if configured in installed:
        return configured, "keras.json"
    if not installed:
        raise click.ClickException(
            "No backend is installed. Install one: pip install 'keras-selfmodel[jax]', [tensorflow] or [torch]."
        )
    return installed[0], "first installed"


def _configured() -> str | None:
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((folder / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None


@contextmanager
def _without_noise() -> Iterator[None]:
    """Keeps what TensorFlow's C++ code prints on import from the terminal, unless the import fails."""
    try:
        stderr = sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):  # Replaced by something that is no file, as in tests.
        yield
        return
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
