"""Observations on disk, so that none is made twice."""

from dataclasses import dataclass
from pathlib import Path

import keras

from keras_selfmodel._installation import Backend
from keras_selfmodel._typed_files import TypedFile
from keras_selfmodel.experiments import RunFolderError
from keras_selfmodel.probes.observers.protocol import ObserverProtocol
from keras_selfmodel.studies.observers.observed_run import Observation
from keras_selfmodel.studies.stored_run import StoredRun


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
            DamagedFileError: If the file is damaged; its network can be observed again.
            DamagedRunError: If the network is missing.
            RunFolderError: If its observations were made by another protocol.
        """
        file = self._file(run)
        if not file.exists():
            return ()
        stored = OBSERVED.read(file)
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
        """Named after the run, and after its network."""
        return self.folder / f"{run.result.folder.name}-{run.files.network_digest()[:12]}.json"
