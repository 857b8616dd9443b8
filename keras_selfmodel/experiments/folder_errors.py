"""Why a folder of a run cannot be used as asked."""

from pathlib import Path


class RunFolderError(ValueError):
    """A run folder cannot be used as asked."""


class DamagedRunError(RunFolderError):
    """A file of a run has the wrong content or is missing; `plan_sweep` with `retry_failed` has the run computed again.

    Attributes:
        file: The file.
        reason: What is wrong, with the field's name; a whole sentence.
        state: What the file is, in a word.
        advice: What to do.
    """

    state = "damaged"
    advice = "Remove the run's folder to compute it again."

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason.removesuffix(".") + "."
        super().__init__(f"{file} is {self.state}: {self.reason} {self.advice}")

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.file.parent

    @property
    def finding(self) -> str:
        """The file's name and what is wrong, without advice, for a caller that gives its own."""
        return f"{self.file.name} is {self.state}: {self.reason}"

    def __reduce__(self) -> tuple:
        return type(self), (self.file, self.reason)


class MissingRunFileError(DamagedRunError):
    """A file of a run is not there; the reason says what is not known without it."""

    state = "missing"


class ContradictingFilesError(DamagedRunError):
    """Two files of a run contradict each other, so that one of them was altered; nobody knows which."""

    state = "inconsistent with metrics.json"


class UnreadableFolderError(DamagedRunError):
    """A folder cannot be looked into, so that nobody knows which runs lie there; computing them again is no remedy."""

    state = "unreadable"
    advice = "Make it readable, or move it elsewhere."

    @classmethod
    def of(cls, error: OSError, folder: Path | None = None) -> "UnreadableFolderError":
        """The same as an error of the operating system, which names the folder unless it is given."""
        return cls(folder or Path(str(error.filename)), str(error.strerror))

    @property
    def folder(self) -> Path:
        return self.file


class UnfinishedRunError(RunFolderError):
    """The folder holds a run that is not finished."""


class FolderTakenError(RunFolderError):
    """The folder holds a run with the same settings, which was not to be resumed.

    Attributes:
        finished: Whether that run is finished.
    """

    def __init__(self, path: Path, *, finished: bool) -> None:
        self.finished = finished
        state, wish = ("a finished", "get its result") if finished else ("an unfinished", "continue it")
        super().__init__(
            f"{path} already holds {state} run. To {wish}, pass resume=True; otherwise choose another folder "
            "(folder=…)."
        )


class FolderBusyError(RunFolderError):
    """Another process is computing the run in the folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: another process is working on this run. Wait for it, or choose another folder (folder=…)."
        )
