"""Which data sets are known, where TFDS keeps them, and which of them are prepared."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from keras_selfmodel.datasets.errors import DataCorruptedError


@dataclass(frozen=True)
class Entry:
    """One known data set and the only version of it that is read.

    The version is pinned so that one name means the same data for everyone.

    Args:
        name: The name that `load` takes.
        tfds_name: The name in TFDS, with its configuration where it has one.
        version: The version in TFDS.
        num_classes: How many classes there are.
        feature: What TFDS calls the inputs: "image" or "text".
        url: A file that TFDS downloads, to test the connection with.
    """

    name: str
    tfds_name: str
    version: str
    num_classes: int
    feature: str
    url: str

    def folder(self, root: Path) -> Path:
        """Where TFDS keeps the prepared files below the data folder `root`."""
        return root / self.tfds_name / self.version

    def how_to_get(self, root: Path) -> str:
        """Says what a user without the data can do."""
        others = sorted(path.name for path in (root / self.tfds_name).glob("[0-9]*.[0-9]*.[0-9]"))
        found = f"Version {', '.join(others)} is there but not used: results need {self.version}. "
        return (found if others else "") + (
            f"With a network, run: ksm data --prepare {self.name}. "
            f"Or set TFDS_DATA_DIR (or data_dir) to a folder that holds {self.tfds_name}/{self.version}."
        )


KNOWN = {
    entry.name: entry
    for entry in (
        Entry("mnist", "mnist", "3.0.1", 10, "image",
              "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz"),
        Entry("cifar10", "cifar10", "3.0.2", 10, "image",
              "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"),
        Entry("imdb", "imdb_reviews/plain_text", "1.0.0", 2, "text",
              "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class DatasetStatus:
    """What is known about one data set without reading its examples.

    Args:
        name: The name that `load` takes.
        tfds_name: The name in TFDS, with its configuration where it has one.
        version: The pinned version.
        prepared: Whether all files are there (their contents are not read).
        folder: Where they are, or would be.
        bytes_on_disk: Size of the folder.
        train_examples: Number of training examples; 0 if not prepared.
        test_examples: Number of test examples; 0 if not prepared.
        advice: What to do if it is not prepared, else empty.
    """

    name: str
    tfds_name: str
    version: str
    prepared: bool
    folder: Path
    bytes_on_disk: int
    train_examples: int
    test_examples: int
    advice: str


def lookup(name: str) -> Entry:
    """Returns the entry of a data set.

    Raises:
        ValueError: If there is no data set of that name.
    """
    if name not in KNOWN:
        raise ValueError(f"Unknown data set {name!r}. Data sets: {', '.join(map(repr, KNOWN))}.")
    return KNOWN[name]


def data_root(data_dir: str | os.PathLike | None = None) -> Path:
    """Returns the folder to look in: `data_dir`, else TFDS_DATA_DIR, else the default of TFDS."""
    return Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def count_examples(folder: Path) -> dict[str, int]:
    """Reads how many examples a prepared folder says it has, after checking that all its files are there.

    Args:
        folder: The version folder, e.g. `.../mnist/3.0.1`.

    Returns:
        The number of examples of "train" and of "test".

    Raises:
        DataCorruptedError: If a file is missing or its JSON cannot be read.
    """
    _read_json(folder / "features.json")
    info = _read_json(folder / "dataset_info.json")
    try:
        shard_lengths = {split["name"]: [int(n) for n in split["shardLengths"]] for split in info["splits"]}
        counts = {split: sum(shard_lengths[split]) for split in ("train", "test")}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder / "dataset_info.json", error) from error
    for split in counts:
        expected = len(shard_lengths[split])
        found = len(list(folder.glob(f"*-{split}.*-of-{expected:05d}")))
        if found != expected:
            raise damaged(folder, f"{found} of {expected} files of the split {split!r} are there")
    return counts


def _read_json(file: Path) -> dict:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise damaged(file, error) from error


def damaged(file: Path, problem: object) -> DataCorruptedError:
    """Builds the error for a damaged file: what is wrong with which file, and what to do."""
    kind = f"{type(problem).__name__}: " if isinstance(problem, Exception) else ""
    folder = file if file.is_dir() else file.parent
    return DataCorruptedError(
        f"Damaged data set: {file} ({kind}{problem}). Delete the folder {folder} and prepare the data set "
        "again (`ksm data --prepare`, or keras_selfmodel.datasets.prepare), or copy it again."
    )


def status(entry: Entry, root: Path) -> DatasetStatus:
    """Returns what `find` returns, for one data set."""
    folder = entry.folder(root)
    counts, advice = {"train": 0, "test": 0}, ""
    if folder.exists():
        try:
            counts = count_examples(folder)
        except DataCorruptedError as error:
            advice = str(error)
    else:
        advice = entry.how_to_get(root)
    return DatasetStatus(
        name=entry.name,
        tfds_name=entry.tfds_name,
        version=entry.version,
        prepared=not advice,
        folder=folder,
        bytes_on_disk=sum(file.stat().st_size for file in folder.glob("*") if file.is_file()),
        train_examples=counts["train"],
        test_examples=counts["test"],
        advice=advice,
    )


def find(data_dir: str | os.PathLike | None = None) -> list[DatasetStatus]:
    """Lists the known data sets and whether they are prepared; quick, because it reads no examples.

    Args:
        data_dir: The TFDS data folder. Defaults to TFDS_DATA_DIR, else `~/tensorflow_datasets`.

    Returns:
        One record a data set, whether it is there or not.

    Example:
        >>> from keras_selfmodel import datasets
        >>> [status.name for status in datasets.find()]
        ['mnist', 'cifar10', 'imdb']
    """
    return [status(entry, data_root(data_dir)) for entry in KNOWN.values()]
