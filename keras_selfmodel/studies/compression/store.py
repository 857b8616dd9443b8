"""What was found of compressed networks, as files in the folders of their runs."""

import hashlib
import warnings
from collections.abc import Sequence

from keras_selfmodel._typed_files import DamagedFileError
from keras_selfmodel.experiments import RunResult, RunWarning
from keras_selfmodel.experiments.run_folder import RunFolder, RunFolderError
from keras_selfmodel.studies.compression.compressed_run import COMPRESSION, CompressedRun, Compression

FILE = "compression.json"


class DamagedCompressionError(RunFolderError):
    """What was found of a network cannot be read; it costs no more than the time to find it again."""


def stored_compression(result: RunResult) -> Compression | None:
    """What is stored on a run's network; `None` if it was never compressed, or is another network since.

    Raises:
        DamagedCompressionError: If the file is damaged.
        RunFolderError: If the network is missing.
    """
    file = RunFolder(result.folder).path / FILE
    if not file.exists():
        return None
    try:
        stored = COMPRESSION.read(file)
    except DamagedFileError as error:
        raise DamagedCompressionError(str(error)) from error
    return stored if stored.network == network_digest(RunFolder(result.folder)) else None


def stored_compressions(results: Sequence[RunResult]) -> list[CompressedRun]:
    """The runs whose networks were compressed; of each whose file is damaged a `RunWarning` is given."""
    found = []
    for result in results:
        try:
            stored = stored_compression(result)
        except DamagedCompressionError as error:
            warnings.warn(f"Left out: {error} To have it made again, repeat ksm compress.", RunWarning, stacklevel=2)
            continue
        except RunFolderError as error:
            warnings.warn(f"Left out: {error}", RunWarning, stacklevel=2)
            continue
        if stored is not None:
            found.append(CompressedRun(result, stored))
    return found


def network_digest(files: RunFolder) -> str:
    """The digest of a network's file.

    Raises:
        RunFolderError: If the file is missing.
    """
    if not files.model.is_file():
        raise RunFolderError(f"{files.model} is missing: the network cannot be compressed.")
    return hashlib.sha256(files.model.read_bytes()).hexdigest()
