"""Observations on disk, so that none is made twice."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_selfmodel._installation import Backend
from keras_selfmodel._typed_files import DamagedFileError, TypedFile
from keras_selfmodel.experiments import DamagedRunError, RunFolderError
from keras_selfmodel.probes.observers.protocol import ObserverProtocol
from keras_selfmodel.studies.observers.observed_run import Observation
from keras_selfmodel.studies.stored_run import StoredRun


class DamagedObservationError(ValueError):
    """A file of the store does not hold what it should; its network can be observed again."""


@dataclass(frozen=True)
class Observed:
    """A file of the store: what was found out about one network.

    Attributes:
        run: Name of its run's folder.
        backend: What computed the observers.
        protocol: Their capacities and budget.
        observations: What they found.
    """

    run: str
    backend: Backend
    protocol: ObserverProtocol
    observations: tuple[Observation, ...]

    @property
    def made_by(self) -> dict:
        """What observations must share to be compared."""
        return {**self.protocol.to_dict(), "backend": self.backend}


OBSERVED = TypedFile(Observed, format=1)


@dataclass(frozen=True)
class ObservationStore:
    """A folder with one file per network.

    Attributes:
        folder: Where the files are.
        protocol: That of the observations.
    """

    folder: Path
    protocol: ObserverProtocol

    def read(self, run: StoredRun) -> tuple[Observation, ...]:
        """What is stored on a network; nothing if it was never observed.

        Raises:
            DamagedObservationError: If the file is damaged.
            RunFolderError: If its observations were made by another protocol.
        """
        file = self._file(run)
        if not file.exists():
            return ()
        try:
            stored = OBSERVED.read(file)
        except DamagedFileError as error:
            raise DamagedObservationError(str(error)) from error
        there, here = stored.made_by, Observed(stored.run, keras.config.backend(), self.protocol, ()).made_by
        if there != here:
            words = [f"{name}: {there[name]} there, {here[name]} here" for name in here if there[name] != here[name]]
            raise RunFolderError(
                f"{file} was written by another protocol: {'; '.join(words)}. Choose another folder (folder=…)."
            )
        return stored.observations

    def write(self, run: StoredRun, observations: tuple[Observation, ...]) -> None:
        """Stores what was found out about a network."""
        stored = Observed(run.result.folder.name, keras.config.backend(), self.protocol, observations)
        OBSERVED.write(self._file(run), stored)

    def _file(self, run: StoredRun) -> Path:
        """Named after the run, and after its network: a run computed anew is another one.

        Raises:
            DamagedRunError: If the network's file is missing.
        """
        if not run.files.model.is_file():
            raise DamagedRunError(run.files.model, "there is no such file.")
        digest = hashlib.sha256(run.files.model.read_bytes()).hexdigest()
        return self.folder / f"{run.result.folder.name}-{digest[:12]}.json"
