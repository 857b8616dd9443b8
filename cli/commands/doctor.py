"""`ksm doctor`: what is installed, which device computes, which data were found."""

import platform
from pathlib import Path
from typing import Any

import click

from ksm_cli.backend import BACKENDS, activate, choose, installation, only_read, version
from ksm_cli.options.general import backend_option, json_option
from ksm_cli.options.recipes import data_dir_option
from ksm_cli.output import print_json, printable

MODULES = (
    *("keras", "numpy", "scipy", "click", "rich", "tensorflow_datasets", "mlxtend", "matplotlib", "arviz"),
    *("jinja2", "filelock"),
)


@click.command("doctor", epilog="Example: ksm doctor --backend torch")
@backend_option
@data_dir_option
@json_option
def doctor_command(backend: str | None, data_dir: Path | None, as_json: bool) -> None:
    """Show versions, backends, devices and data that were found."""
    report = _computing(backend) if installation.installed_backends() else _without_backend()
    from keras_selfmodel import datasets
    from keras_selfmodel.experiments.computed_on import installed_version

    report["backends"] = {name: installed_version(name) for name in BACKENDS}
    report["packages"] |= {name: installed_version(name) for name in MODULES}
    report["data"] = {
        status.name: str(status.folder) if status.prepared else None for status in datasets.find(data_dir)
    }
    if as_json:
        print_json(report)
        return
    chosen = report["backend"] and f"{report['backend']} (chosen by: {report['chosen_by']})"
    lines = [
        ("backend", chosen or installation.no_backend()),
        ("devices", ", ".join(report["devices"]) or "unknown without a backend"),
        ("backends", ", ".join(f"{name} {v or 'not installed'}" for name, v in report["backends"].items())),
        ("keras_selfmodel", report["keras_selfmodel"]),
        *((name, v or "not installed") for name, v in report["packages"].items()),
        ("python", report["python"]),
        ("platform", report["platform"]),
        *((f"data {name}", folder or "not found: see ksm data") for name, folder in report["data"].items()),
    ]
    for name, value in lines:
        click.echo(printable(f"{name:<20} {value}"))


def _computing(requested: str | None) -> dict[str, Any]:
    """The backend that computes, and what it finds.

    Args:
        requested: The value of `--backend`.

    Raises:
        click.UsageError: If a backend was asked for that is not installed.
    """
    backend, origin = choose(requested)
    activate(backend)
    from keras_selfmodel._typed_files import plain
    from keras_selfmodel.experiments.computed_on import provenance

    return {**plain(provenance()), "chosen_by": origin}


def _without_backend() -> dict[str, Any]:
    """The same where Keras cannot be imported: whoever asks what is missing must be told."""
    only_read()
    return {
        "keras_selfmodel": version,
        "backend": None,
        "devices": [],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {},
        "chosen_by": None,
    }
