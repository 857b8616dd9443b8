"""The first stage: the folder is free, or holds the same run."""

from keras_selfmodel.experiments.run_config import CONFIG, RunConfig
from keras_selfmodel.experiments.run_folder import FolderTakenError, RunFolder, RunFolderError
from keras_selfmodel.experiments.run_result import RunResult
from keras_selfmodel.experiments.run_store import read_config, read_run


def claim(files: RunFolder, config: RunConfig, *, resume: bool) -> RunResult | None:
    """Makes sure that a folder is free or holds the same run, and notes the run there.

    Args:
        files: The folder.
        config: What decides the run's numbers.
        resume: Whether the run may be there already.

    Returns:
        The result of a finished run; `None` if there is something to compute.

    Raises:
        FolderTakenError: If the folder holds the run and `resume` is false.
        RunFolderError: If it holds another run, a damaged file, or files of a run without the settings that made them.
    """
    if not files.started:
        if files.results:
            raise RunFolderError(
                f"{files.path} holds {', '.join(files.results)}, but no config.json with the settings that "
                "made them. Choose another folder (folder=…)."
            )
        files.write("config.json", CONFIG, config)
        return None
    differences = read_config(files.path).differences(config)
    if differences:
        raise RunFolderError(
            f"{files.path} was written by a run with other settings: {'; '.join(differences)}. Choose another folder "
            "(folder=…)."
        )
    if not resume:
        raise FolderTakenError(files.path, finished=files.finished)
    if not files.finished:
        return None
    files.tidy()
    return read_run(files.path)
