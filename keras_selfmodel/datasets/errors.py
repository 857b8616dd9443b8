"""What can go wrong between a data set's name and its arrays."""

import importlib

from keras_selfmodel._installation import installing


class DataNotFoundError(FileNotFoundError):
    """The data set is not prepared in the folder and could not be fetched."""


class DataCorruptedError(ValueError):
    """The data set's folder is there, but a file in it is damaged or missing."""


class MissingPackageError(ImportError):
    """A package that only experiments need is not installed."""


class SubsetWarning(UserWarning):
    """A small part of the data set stands in for the whole."""


def require_packages(*modules: str) -> None:
    """Imports modules of the extra `[experiments]`, or says how to install them.

    Args:
        *modules: Names as written in an import statement.

    Raises:
        MissingPackageError: If one or more cannot be imported; names all of them.

    Example:
        >>> require_packages("json", "zlib")
    """
    missing = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(module)
    if missing:
        raise MissingPackageError(
            f"Reading and fetching data sets needs {', '.join(missing)}, which cannot be imported here. "
            f"Install what is missing with: {installing('experiments')}"
        )
