"""Folders that may not be looked into, also for a user whom no permission holds back."""

import errno
import os
from pathlib import Path


def lock(monkeypatch, folder: Path) -> None:
    """From now on nothing in a folder may be listed or looked at, as if it had the mode 000."""

    def refusing(call):
        def refused(path=".", *arguments, **options):
            if isinstance(path, str | os.PathLike):
                place = os.path.abspath(path)
                inside = place.startswith(str(folder.absolute()) + os.sep) or str(path).endswith(f"{folder.name}/.")
                if inside or (call is listed and place == str(folder.absolute())):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return call(path, *arguments, **options)

        return refused

    listed = os.scandir
    for name in ("stat", "lstat", "scandir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
