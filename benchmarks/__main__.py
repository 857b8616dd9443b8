"""All benchmarks by one entry, each after the machine and the versions that its numbers come from.

python -m benchmarks
KERAS_BACKEND=jax python -m benchmarks training
KERAS_BACKEND=jax python -m benchmarks training --help
"""

import argparse
import ast
import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

FOLDER = Path(__file__).parent


def main(arguments: list[str] | None = None) -> None:
    files = {file.stem: file for file in sorted(FOLDER.glob("[!_]*.py"))}
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run a benchmark, after the machine and the versions that its numbers come from.",
        epilog="\n".join(["benchmarks:", *(_entry(name, file) for name, file in files.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="One of those below.")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="Its options; NAME --help shows them.")
    chosen = parser.parse_args(arguments)
    if chosen.name is None:
        parser.print_help()
        return
    if chosen.name not in files:
        parser.error(f"there is no benchmark {chosen.name!r}. Without a name all are listed")
    if not {"-h", "--help"} & set(chosen.options):
        # In a process of its own: many benchmarks choose the backend themselves, or measure memory.
        backend = [
            after for name, after in zip(chosen.options, chosen.options[1:], strict=False) if name == "--backend"
        ]
        environment = os.environ | ({"KERAS_BACKEND": backend[0]} if backend else {})
        said = f"from {__package__}.__main__ import machine; print(machine(), flush=True)"
        subprocess.run([sys.executable, "-c", said], cwd=FOLDER.parent, env=environment, check=True)
    file = str(files[chosen.name])
    sys.argv = [file, *chosen.options]
    sys.path.insert(0, str(FOLDER))  # As if the file were run by itself: its problems lie beside it.
    runpy.run_path(file, run_name="__main__")


def machine() -> str:
    """Processor, load, devices and versions, a line each."""
    from keras_selfmodel._typed_files import plain
    from keras_selfmodel.experiments.computed_on import provenance

    found = plain(provenance())
    packages = ", ".join(f"{name} {version}" for name, version in found["packages"].items() if version)
    return "\n".join(
        (
            f"machine: {_processor()}, {os.cpu_count()} cores, load {_load()}, {found['platform']}",
            f"devices: {', '.join(found['devices'])}",
            f"versions: keras_selfmodel {found['keras_selfmodel']}, Python {found['python']}, {packages}",
            "",
        )
    )


def _entry(name: str, file: Path) -> str:
    title = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").splitlines()[0]
    return textwrap.fill(title, 80, initial_indent=f"  {name:<20}", subsequent_indent=" " * 22)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def _load() -> str:
    """How busy the machine was before: times are those of a quiet machine only below about 0.5."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
