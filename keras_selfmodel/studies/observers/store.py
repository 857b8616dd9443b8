"""Observations on disk, so that none is made twice."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from keras_selfmodel._whole_files import write_whole
from keras_selfmodel.experiments import RunFolderError
from keras_selfmodel.probes.observers.protocol import ObserverProtocol, Question
from keras_selfmodel.studies.observers.observed_run import Observation
from keras_selfmodel.studies.stored_run import StoredRun


@dataclass(frozen=True)
class ObservationStore:
    """A folder with one file a network.

    Attributes:
        folder: Where the files are.
        protocol: That of the observations.
    """

    folder: Path
    protocol: ObserverProtocol

    def read(self, run: StoredRun) -> tuple[Observation, ...]:
        """What is stored on a network; nothing if it was never observed.

        Raises:
            RunFolderError: If the file is damaged, or its observations were made by another protocol.
        """
        file = self._file(run)
        if not file.exists():
            return ()
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            protocol = stored["protocol"]
            found = tuple(
                Observation(**{**one, "question": Question(*one["question"])}) for one in stored["observations"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(
                f"{file} is damaged ({error}). Remove it to have its network observed again."
            ) from error
        if protocol != self._protocol:
            names = [name for name, value in self._protocol.items() if protocol.get(name) != value]
            words = [f"{name}: {protocol.get(name)} there, {self._protocol[name]} here" for name in names]
            raise RunFolderError(
                f"{file} holds observations by another protocol: {'; '.join(words)}. Choose another folder."
            )
        return found

    def write(self, run: StoredRun, observations: tuple[Observation, ...]) -> None:
        """Stores what was found out about a network."""
        values = {
            "run": run.result.folder.name,
            "protocol": self._protocol,
            "observations": [{**asdict(one), "question": list(one.question)} for one in observations],
        }
        text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
        write_whole(self._file(run), lambda file: file.write_text(text, encoding="utf-8"))

    @property
    def _protocol(self) -> dict:
        return {**self.protocol.to_dict(), "backend": keras.config.backend()}

    def _file(self, run: StoredRun) -> Path:
        """Named after the run, and after its network: a run computed anew is another one.

        Raises:
            RunFolderError: If the network's file is missing.
        """
        try:
            digest = hashlib.sha256(run.files.model.read_bytes()).hexdigest()
        except FileNotFoundError as error:
            raise RunFolderError(f"{run.files.model} is missing: the network cannot be observed.") from error
        return self.folder / f"{run.result.folder.name}-{digest[:12]}.json"
