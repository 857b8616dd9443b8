"""What was found of compressed networks, as files in the folders of their runs."""

import warnings
from collections.abc import Sequence

from keras_selfmodel._typed_files import DamagedFileError
from keras_selfmodel.experiments import RunResult, RunWarning
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_store import left_out
from keras_selfmodel.studies.compression.compressed_run import COMPRESSION, CompressedRun, Compression

FILE = "compression.json"


def stored_compression(result: RunResult) -> Compression | None:
    """What is stored on a run's network; `None` if it was never compressed, or is another network since.

    Raises:
        DamagedFileError: If the file is damaged; its network can be compressed again.
        DamagedRunError: If the network is missing.
    """
    file = result.folder / FILE
    if not file.exists():
        return None
    stored = COMPRESSION.read(file)
    return stored if stored.network == RunFolder(result.folder).network_digest() else None


def stored_compressions(results: Sequence[RunResult]) -> list[CompressedRun]:
    """The runs whose networks were compressed; of each whose file is damaged a `RunWarning` is given."""
    found = []
    for result in results:
        try:
            with left_out():
                stored = stored_compression(result)
                if stored is not None:
                    found.append(CompressedRun(result, stored))
        except DamagedFileError as error:
            warnings.warn(
                f"Left out: {error} To have it made again, compress the network again.", RunWarning, stacklevel=2
            )
    return found
