"""`ksm doctor`: what is installed, which device computes, which data were found."""

from pathlib import Path

import click

from ksm_cli.backend import BACKENDS, activate, choose
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
    backend, origin = choose(backend)
    activate(backend)
    from keras_selfmodel import datasets
    from keras_selfmodel._typed_files import plain
    from keras_selfmodel.experiments.computed_on import installed_version, provenance

    report = plain(provenance())
    report["chosen_by"] = origin
    report["backends"] = {name: installed_version(name) for name in BACKENDS}
    report["packages"] |= {name: installed_version(name) for name in MODULES}
    report["data"] = {
        status.name: str(status.folder) if status.prepared else None for status in datasets.find(data_dir)
    }
    if as_json:
        print_json(report)
        return
    lines = [
        ("backend", f"{backend} (chosen by: {origin})"),
        ("devices", ", ".join(report["devices"])),
        ("backends", ", ".join(f"{name} {v or 'not installed'}" for name, v in report["backends"].items())),
        ("keras_selfmodel", report["keras_selfmodel"]),
        *((name, v or "not installed") for name, v in report["packages"].items()),
        ("python", report["python"]),
        ("platform", report["platform"]),
        *((f"data {name}", folder or "not found: see ksm data") for name, folder in report["data"].items()),
    ]
    for name, value in lines:
        click.echo(printable(f"{name:<20} {value}"))
