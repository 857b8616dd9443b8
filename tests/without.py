"""A Python for which some libraries are not installed, though they are for this one."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def environment_without(names: set[str], folder: Path) -> dict[str, str]:
    """The variables with which `python -S` finds all that is installed here but for some libraries.

    Args:
        names: Names of packages.
        folder: A new folder, for links to the others.
    """
    folder.mkdir()
    installed = [Path(place) for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    entries = [entry for place in installed for entry in place.iterdir()]
    for entry in (ROOT / "keras_selfmodel", *entries):
        if entry.name not in names and not (folder / entry.name).exists():
            (folder / entry.name).symlink_to(entry)
    if not (folder / "ksm_cli").exists():
        (folder / "ksm_cli").symlink_to(ROOT / "cli")
    kept = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return kept | {"PYTHONPATH": str(folder)}
