"""The files of one run. Each appears complete or not at all."""

import contextlib
import errno
import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keras_selfmodel._typed_files import DamagedFileError, TypedFile
from keras_selfmodel._whole_files import content_of, remove_partial_files, write_csv
from keras_selfmodel.experiments.folder_errors import (
    DamagedRunError,
    FolderBusyError,
    MissingRunFileError,
    RunFolderError,
    UnreadableFolderError,
)
from keras_selfmodel.experiments.history_table import rows_of
from keras_selfmodel.experiments.seconds import SECONDS

T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """`failed.json`: why a sweep could not compute the run."""

    reason: str


# The chains of each estimate, by its anchor.
TRACES = {"trained": "rlct_traces.npz", "descend": "rlct_descended_traces.npz"}
# What a run writes once it has started.
FILES = ("history.csv", "checkpoint.keras", "model.keras", *TRACES.values(), "metrics.json", "seconds.json")
# Samplings under way, and the figures of the run, as patterns.
CHECKPOINTS, FIGURES = "sampling-*.npz", ("spread.png", "losses.png", "weights.png", "rlct*.png")
FAILURE = TypedFile(Failure, format=1)


def lock_file(folder: Path, name: str) -> Path:
    """Where the lock of a folder lies.

    Raises:
        RunFolderError: If a folder lies there.
    """
    file = folder / name
    if file.is_dir():
        raise RunFolderError(f"{file} is a folder, and must be a file or nothing: it locks {folder}. Remove it.")
    return file


@dataclass(frozen=True)
class RunFolder:
    """Names and formats of the files of one run.

    Whoever holds the lock writes them, and on taking it removes the partial files that kills left behind.

    Attributes:
        path: The folder: `config.json`, `history.csv`, `checkpoint.keras` while training, `model.keras`,
            `sampling-*.npz` while sampling, `metrics.json`, `seconds.json`, `rlct_traces.npz`,
            `rlct_descended_traces.npz`, `figures/`; `epochs/` if weights are kept during training; `failed.json` if
            a sweep could not compute the run.
    """

    path: Path

    @property
    def history(self) -> Path:
        return self.path / "history.csv"

    @property
    def model(self) -> Path:
        return self.path / "model.keras"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.keras"

    def sampling(self, anchor: str) -> Path:
        """The file of a sampling that is under way, by the anchor of its estimate."""
        return self.path / f"sampling-{anchor}.npz"

    def kept(self, epoch: int) -> Path:
        """The weights after an epoch of the training, as `keras.Model.load_weights` reads them; 0: before it."""
        return self.path / "epochs" / f"epoch-{epoch:05d}.weights.h5"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def started(self) -> bool:
        return self._has("config.json", os.stat)

    @property
    def finished(self) -> bool:
        # A link that leads nowhere or around stands in the place of a result, which is damaged and not missing.
        return self._has("metrics.json", os.lstat)

    def _has(self, name: str, look: Callable[[Path], object]) -> bool:
        try:
            look(self.path / name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError as error:
            raise UnreadableFolderError.of(error, self.path) from error
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return False
        return True

    def network_digest(self) -> str:
        """What distinguishes the trained network's file from others: a run computed anew has another network.

        The digest is that of the checksums and sizes that the file, a ZIP archive, lists of its parts: weights, layers
        and the time of saving. A report compares thousands of networks, and need not read them for it.

        Raises:
            MissingRunFileError: If the file is missing.
            DamagedRunError: If it is no such archive.
        """
        if not self.model.exists():
            raise MissingRunFileError(self.model, "the run has no trained network.")
        if not self.model.is_file():
            raise DamagedRunError(self.model, "it is no file.")
        try:
            with zipfile.ZipFile(self.model) as archive:
                parts = [(part.filename, part.file_size, part.CRC) for part in archive.infolist()]
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise DamagedRunError(self.model, f"it cannot be read as a network: {error}.") from error
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from computing this run; the lock ends with the process, however it ends.

        Partial files of the run, which only a kill can have left, are removed.

        Raises:
            FolderBusyError: If another process holds it.
        """
        from filelock import FileLock, Timeout

        self.path.mkdir(parents=True, exist_ok=True)
        file = lock_file(self.path, ".lock")
        lock = FileLock(file)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise FolderBusyError(self.path) from None
        try:
            # Only of files that who holds the lock writes: what examines the run writes without it.
            remove_partial_files(self.path, "config.json", *FILES, CHECKPOINTS)
            remove_partial_files(self.figures, *FIGURES)
            remove_partial_files(self.path / "epochs", "*")
            yield
        finally:
            # While it is held: filelock refuses a lock on a file that is gone.
            file.unlink(missing_ok=True)
            lock.release()

    @property
    def results(self) -> list[str]:
        """Names of the files there that a run writes once it has started."""
        return [name for name in FILES if (self.path / name).exists()]

    def tidy(self) -> None:
        """Removes what a finished run does not need: checkpoints. On a protected disk they stay, and do no harm."""
        for file in self._checkpoints:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)

    @property
    def _checkpoints(self) -> list[Path]:
        return [self.checkpoint, *self.path.glob(CHECKPOINTS)]

    def discard(self) -> None:
        """Removes all files of the run, and nothing else that may be in the folder."""
        for there in (*self._checkpoints, *(self.path / name for name in (*FILES, "config.json", "failed.json"))):
            if there.is_dir() and not there.is_symlink():  # in the place of a file: damage
                shutil.rmtree(there)
            else:
                there.unlink(missing_ok=True)
        for folder in (self.figures, self.path / "epochs"):
            shutil.rmtree(folder, ignore_errors=True)

    def write_failure(self, reason: str) -> None:
        """Notes why the run failed."""
        self.write("failed.json", FAILURE, Failure(reason))

    def failure(self) -> str | None:
        """Why the run failed when it was last tried, or `None`."""
        return self.read("failed.json", FAILURE).reason if (self.path / "failed.json").exists() else None

    def forget_failure(self) -> None:
        (self.path / "failed.json").unlink(missing_ok=True)

    def seconds(self) -> dict[str, float]:
        """Wall time of each part so far; nothing if the file is missing."""
        return dict(self.read("seconds.json", SECONDS).parts) if (self.path / "seconds.json").exists() else {}

    def read(self, name: str, kind: TypedFile[T]) -> T:
        """What one of the JSON files holds.

        Raises:
            FileNotFoundError: If it is missing.
            DamagedRunError: If it holds something else.
        """
        try:
            return kind.read(self.path / name)
        except DamagedFileError as error:
            raise DamagedRunError(self.path / name, error.reason) from error
        except FileNotFoundError as error:
            if (self.path / name).is_symlink():
                raise DamagedRunError(self.path / name, "it is a link that leads nowhere.") from error
            raise

    def write(self, name: str, kind: TypedFile[T], record: T) -> None:
        kind.write(self.path / name, record)

    def read_history(self) -> list[dict[str, float]]:
        """The rows of `history.csv`, one for each epoch: its number, and numbers by column; none if it is missing.

        Raises:
            DamagedRunError: If it is not such a table.
        """
        if not self.history.exists():
            return []
        try:
            return rows_of(content_of(self.history))
        except ValueError as error:
            raise DamagedRunError(self.history, f"{error}.") from error

    def write_history(self, rows: list[dict[str, float]]) -> None:
        write_csv(self.history, rows)
