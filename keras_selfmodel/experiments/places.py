"""Where runs lie below a folder."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.experiments.folder_errors import UnreadableFolderError


@dataclass(frozen=True)
class RunPlaces:
    """Folders of runs.

    Attributes:
        folders: Those that hold a file of a run, by their paths.
        unreadable: Folders that cannot be looked into, with the reason.
    """

    folders: tuple[Path, ...]
    unreadable: tuple[UnreadableFolderError, ...]


def run_places(root: str | Path, *names: str) -> RunPlaces:
    """Finds the folders at any depth that hold one of some files.

    Links to folders are followed, but for those that lead back above `root`; a folder that several names lead to is
    there once, by its own name if it has one below `root`.

    Args:
        root: Where to look.
        *names: Names of the files. A link of such a name, or a folder, counts too: it stands in the place of a file.
    """
    errors: list[OSError] = []
    folders = sorted(place for place, inside in _folders_below(Path(root), errors) if inside.intersection(names))
    unreadable = [UnreadableFolderError.of(error) for error in errors]
    return RunPlaces(tuple(folders), tuple(sorted(unreadable, key=lambda error: error.file)))


def _folders_below(root: Path, errors: list[OSError]) -> Iterator[tuple[Path, set[str]]]:
    """Each folder once, with the names of what is in it; what links lead to comes last."""
    above = [os.path.realpath(place) for place in (root, *root.resolve().parents)]
    seen: set[tuple[int, int]] = set()
    starts = deque([str(root)])
    while starts:
        for place, folders, files in os.walk(starts.popleft(), onerror=errors.append):
            identity = _identity(place, errors)
            if identity is None or identity in seen:
                folders.clear()
                continue
            seen.add(identity)
            links = [link for name in sorted(folders) if os.path.islink(link := os.path.join(place, name))]
            starts.extend(link for link in links if os.path.realpath(link) not in above)
            yield Path(place), {*folders, *files}


def _identity(place: str, errors: list[OSError]) -> tuple[int, int] | None:
    """What a folder has in common with links to it alone; `None` if what is in it cannot be read, which is noted."""
    try:
        there = os.stat(place)
        os.stat(os.path.join(place, "."))  # Some folders may be listed, and nothing in them read.
    except OSError as error:
        errors.append(type(error)(error.errno, error.strerror, place))
        return None
    return there.st_dev, there.st_ino
