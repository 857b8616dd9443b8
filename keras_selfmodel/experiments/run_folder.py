"""The files of one run. Each appears complete or not at all."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel._whole_files import HALF_WRITTEN, write_csv, write_whole


class RunFolderError(ValueError):
    """A run folder that cannot be used as asked."""


class FolderTakenError(RunFolderError):
    """The folder holds a run with the same settings, and nobody asked to resume it.

    Attributes:
        finished: Whether that run is finished.
    """

    def __init__(self, path: Path, *, finished: bool) -> None:
        self.finished = finished
        state, wish = ("a finished", "get its result") if finished else ("an unfinished", "go on with it")
        super().__init__(f"{path} holds {state} run. To {wish}, pass resume=True; else choose another folder.")


class FolderBusyError(RunFolderError):
    """Another process is computing the run in the folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: another process is at work on this run. Wait for it, or choose another folder.")


@dataclass(frozen=True)
class RunFolder:
    """Names and formats of the files of one run.

    Attributes:
        path: The folder: `config.json`, `history.csv`, `checkpoint.keras` while training, `model.keras`,
            `sampling-*.npz` while sampling, `metrics.json`, `seconds.json`, `rlct_traces.npz`, `figures/`;
            `epochs/` if weights are kept along the training; `failed.json` if a sweep could not compute the run.
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

    @property
    def traces(self) -> Path:
        return self.path / "rlct_traces.npz"

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
        return (self.path / "config.json").exists()

    @property
    def finished(self) -> bool:
        return (self.path / "metrics.json").exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from computing this run; the lock ends with the process, however it ends.

        Raises:
            FolderBusyError: If another process holds it.
        """
        from filelock import FileLock, Timeout

        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / ".lock"
        lock = FileLock(file)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise FolderBusyError(self.path) from None
        try:
            yield
        finally:
            # While it is held: filelock refuses a lock on a file that is gone.
            file.unlink(missing_ok=True)
            lock.release()

    @property
    def results(self) -> list[str]:
        """Names of the files there that a run writes once it has started."""
        names = (
            "history.csv",
            "checkpoint.keras",
            "model.keras",
            "rlct_traces.npz",
            "metrics.json",
            "seconds.json",
        )
        return [name for name in names if (self.path / name).exists()]

    def tidy(self) -> None:
        """Removes what a finished run does not need: checkpoints, and halves of files that a kill left."""
        self.checkpoint.unlink(missing_ok=True)
        for sampling in self.path.glob("sampling-*.npz"):
            sampling.unlink(missing_ok=True)
        for folder in (self.path, self.figures, self.path / "epochs"):
            for half in folder.glob(f"{HALF_WRITTEN}*"):
                half.unlink(missing_ok=True)

    def write_failure(self, reason: str) -> None:
        """Notes why the run failed."""
        self.write_json("failed.json", {"reason": reason})

    def failure(self) -> str | None:
        """Why the run failed when it was last tried, or `None`."""
        return self.read_json("failed.json").get("reason") if (self.path / "failed.json").exists() else None

    def forget_failure(self) -> None:
        (self.path / "failed.json").unlink(missing_ok=True)

    def read_json(self, name: str) -> dict:
        try:
            values = json.loads((self.path / name).read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunFolderError(
                f"{self.path / name} is not valid JSON: {error}. Start the run anew in another folder."
            ) from error
        if not isinstance(values, dict):
            raise RunFolderError(f"{self.path / name} holds no JSON object. Start the run anew in another folder.")
        return values

    def write_json(self, name: str, values: dict) -> None:
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.path / name, lambda file: file.write_text(text, encoding="utf-8"))

    def read_history(self) -> list[dict[str, float]]:
        if not self.history.exists():
            return []
        with self.history.open(newline="", encoding="utf-8") as lines:
            try:
                return [
                    {name: (int if name == "epoch" else float)(value) for name, value in row.items()}
                    for row in csv.DictReader(lines)
                ]
            except (TypeError, ValueError, csv.Error) as error:
                raise RunFolderError(
                    f"{self.history} is damaged: {error}. Start the run anew in another folder."
                ) from error

    def write_history(self, rows: list[dict[str, float]]) -> None:
        write_csv(self.history, rows)
