"""The files that training writes from epoch to epoch, so that an interrupted run can continue."""

import math
import time
import zipfile
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path

import keras

from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.experiments.folder_errors import DamagedRunError
from keras_selfmodel.experiments.run_folder import RunFolder

# In the archive that a checkpoint is, beside what Keras reads.
EPOCHS_FILE = "epochs_done.txt"


class TrainingDivergedError(ArithmeticError):
    """The loss, or a weight, is no longer a finite number."""


class TrainingRecord(keras.callbacks.Callback):
    """Writes the history after every epoch and a checkpoint now and then.

    Network, optimizer state and the number of epochs are one file, so that the checkpoint is always that
    of the end of one epoch, whenever the program is killed. The history may be ahead of it; its surplus is
    computed again.

    Args:
        folder: Where the run's files go.
        history: Rows of the epochs before the first of this fit.
        keep_epochs: Epochs after which the weights are kept.
        seconds_between_checkpoints: Least time from one checkpoint to the next; 0 for one every epoch.
        on_epoch: Called with the number of epochs done and the epoch's row.
    """

    def __init__(
        self,
        folder: RunFolder,
        history: list[dict[str, float]],
        *,
        keep_epochs: Container[int] = (),
        seconds_between_checkpoints: float,
        on_epoch: Callable[[int, dict[str, float]], None],
    ) -> None:
        super().__init__()
        self.folder = folder
        self.rows = list(history)
        self.keep_epochs = keep_epochs
        self.seconds_between_checkpoints = seconds_between_checkpoints
        self.on_epoch = on_epoch
        self._last_checkpoint = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in sorted((logs or {}).items())}}
        self.rows.append(row)
        self.folder.write_history(self.rows)
        # The loss of a step is that before it: after the last one, only the weights show what became of it.
        for name, what in (("loss", "loss"), ("weight_spread", "spread of the weights")):
            if not math.isfinite(row.get(name, 0.0)):
                raise TrainingDivergedError(
                    f"The {what} is {row[name]} after epoch {epoch + 1}: training diverged. Use a smaller "
                    "learning rate or auxiliary weight."
                )
        # Before the checkpoint: a run that goes on from it does not come by this epoch again.
        if epoch + 1 in self.keep_epochs:
            write_whole(self.folder.kept(epoch + 1), self.model.save_weights)
        if time.monotonic() - self._last_checkpoint >= self.seconds_between_checkpoints:
            write_whole(self.folder.checkpoint, partial(self._save, epochs=epoch + 1))
            self._last_checkpoint = time.monotonic()
        self.on_epoch(epoch + 1, row)

    def _save(self, file: Path, epochs: int) -> None:
        self.model.save(file)
        note_epochs(file, epochs)


def note_epochs(checkpoint: Path, epochs: int) -> None:
    """Notes in a checkpoint how many epochs are behind it; see `epochs_done`."""
    with zipfile.ZipFile(checkpoint, "a") as archive:
        archive.writestr(EPOCHS_FILE, str(epochs))


def epochs_done(checkpoint: Path) -> int:
    """Epochs behind a checkpoint.

    Args:
        checkpoint: The file, a network that could be read.

    Raises:
        DamagedRunError: If it does not say.
    """
    with zipfile.ZipFile(checkpoint) as archive:
        text = archive.read(EPOCHS_FILE) if EPOCHS_FILE in archive.namelist() else b""
    if not text.isdigit():
        raise DamagedRunError(checkpoint, f"{EPOCHS_FILE} in it must be a whole number. Received: {text[:100]!r}.")
    return int(text)
