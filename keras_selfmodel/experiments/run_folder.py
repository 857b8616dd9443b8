"""The files of one run. Each appears complete or not at all."""

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class RunFolderError(ValueError):
    """A run folder that cannot be used as asked."""


@dataclass(frozen=True)
class RunFolder:
    """Names and formats of the files of one run.

    Attributes:
        path: The folder: `config.json`, `history.csv`, `checkpoint.keras` while training, `model.keras`,
            `metrics.json`, `seconds.json`, `rlct_traces.npz`, `figures/`.
    """

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.keras"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.keras"

    @property
    def traces(self) -> Path:
        return self.path / "rlct_traces.npz"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def started(self) -> bool:
        return (self.path / "config.json").exists()

    @property
    def finished(self) -> bool:
        return (self.path / "metrics.json").exists()

    def read_json(self, name: str) -> dict:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunFolderError(f"{self.path / name} is not valid JSON: {error}. Start the run anew.") from error

    def write_json(self, name: str, values: dict) -> None:
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.path / name, lambda file: file.write_text(text, encoding="utf-8"))

    def read_history(self) -> list[dict[str, float]]:
        file = self.path / "history.csv"
        if not file.exists():
            return []
        with file.open(newline="", encoding="utf-8") as lines:
            try:
                return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]
            except (TypeError, ValueError) as error:
                raise RunFolderError(f"{file} is damaged: {error}. Start the run anew.") from error

    def write_history(self, rows: list[dict[str, float]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_whole(
            self.path / "history.csv", lambda file: file.write_text(text.getvalue(), encoding="utf-8")
        )


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside its place and moves it there: a reader, or a crash, never meets half of it.

    Args:
        path: Where the file shall be. Its folder is created.
        write: Writes the file whose path it is given; the suffix is that of `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
