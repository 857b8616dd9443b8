"""The finished runs of a folder, for the commands that read them."""

from pathlib import Path

import click

folder_argument = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))


def finished(folder: Path) -> list:
    """Results of all finished runs in a folder.

    Raises:
        click.ClickException: If there is none.
    """
    from keras_selfmodel import experiments

    results = experiments.finished_runs(folder)
    if not results:
        unfinished = len(list(folder.rglob("config.json")))
        state = f"only unfinished runs ({unfinished})" if unfinished else "no runs"
        raise click.ClickException(f"{folder} contains {state}. Create runs with ksm run or ksm sweep.")
    return results
