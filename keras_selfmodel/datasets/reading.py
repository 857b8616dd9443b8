"""A prepared TFDS folder as a `Dataset`, read without TensorFlow."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_selfmodel.datasets import cache
from keras_selfmodel.datasets.catalog import Entry, count_examples, damaged
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import DataCorruptedError, require_packages

# Imported by TFDS when needed; it declares array_record on Linux only.
_READERS = {"array_record": "array_record.python.array_record_module", "parquet": "pyarrow.parquet"}


def read_prepared(entry: Entry, folder: Path) -> Dataset:
    """Reads a prepared data set, from the cache where its decoded arrays are kept there.

    Args:
        entry: Which data set it is.
        folder: Its version folder.

    Returns:
        The whole data set.

    Raises:
        DataCorruptedError: If a file is damaged or missing.
        MissingPackageError: If TFDS (or Pillow, for images) is not installed.
    """
    counts = count_examples(folder)
    digest = digest_of(folder)
    key = f"{entry.name}-{digest}"
    arrays = cache.read(key)
    if arrays is None or set(arrays) != {"x_train", "y_train", "x_test", "y_test"}:
        arrays = _decode(entry, folder, counts)
        cache.write(key, arrays)
    return Dataset(
        entry.name,
        **arrays,
        num_classes=entry.num_classes,
        source=f"TFDS {entry.tfds_name} {entry.version}, {folder}",
        digest=digest,
        is_subset=False,
    )


def digest_of(folder: Path) -> str:
    """Returns the SHA-256 (hex) over the names and contents of a folder's files, hidden ones aside."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with path.open("rb") as file:
                total.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps TFDS from logging advice that users here cannot follow (OpenCV would be faster, ...)."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _decode(entry: Entry, folder: Path, counts: dict[str, int]) -> dict[str, np.ndarray]:
    require_packages("tensorflow_datasets", *(["PIL"] if entry.feature == "image" else []))
    import tensorflow_datasets as tfds

    arrays, file = {}, folder
    try:
        with quiet():
            builder = tfds.builder_from_directory(folder)
            for split, count in counts.items():
                file = Path(builder.info.splits[split].filepaths[0])
                examples = list(_examples(builder, split))
                # TFDS 4.9.10 loses most examples when it writes parquet, but counts all of them.
                if len(examples) != count:
                    raise damaged(file, f"the split {split!r} holds {len(examples)} of {count} examples")
                values = [example[entry.feature] for example in examples]
                if entry.feature == "text":
                    arrays[f"x_{split}"] = np.array([value.decode() for value in values], dtype=object)
                else:
                    arrays[f"x_{split}"] = np.stack(values)
                arrays[f"y_{split}"] = np.array([example["label"] for example in examples], dtype=np.int32)
    except (DataCorruptedError, ImportError, MemoryError, PermissionError):
        raise
    except (AttributeError, NameError, TypeError):  # packages that do not fit each other, not the data
        raise
    except Exception as error:  # Arrow, protobuf, Pillow and zlib each have their own for a damaged file
        raise damaged(file, error) from error
    return arrays


def _examples(builder: Any, split: str) -> Iterator[dict]:
    """Yields a whole split: slices such as "train[:90%]" are silently ignored by TFDS for parquet."""
    file_format = builder.info.file_format.value
    if file_format in _READERS:
        require_packages(_READERS[file_format])
    if file_format != "tfrecord":
        yield from builder.as_data_source(split)
        return
    # as_data_source cannot read TFDS's default format, and as_dataset reads it with TensorFlow, whose JPEG
    # decoder gives other pixels than Pillow: read the records here, decode them like all others.
    for path in builder.info.splits[split].filepaths:
        for record in _tfrecords(Path(path)):
            yield builder.info.features.deserialize_example_np(record)


def _tfrecords(path: Path) -> Iterator[bytes]:
    """Yields the records of a TFRecord file: 8 bytes length, 4 bytes CRC, the record, 4 bytes CRC."""
    with path.open("rb") as file:
        while header := file.read(12):
            length = int.from_bytes(header[:8], "little")
            record, tail = file.read(length), file.read(4)
            if len(header) < 12 or len(record) < length or len(tail) < 4:
                raise damaged(path, "the file ends within a record")
            yield record
