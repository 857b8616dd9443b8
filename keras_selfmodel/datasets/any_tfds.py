"""Any data set of images that TFDS has prepared."""

import dataclasses
import json
import os
import re
from pathlib import Path

from keras_selfmodel.datasets.arrays import from_arrays
from keras_selfmodel.datasets.catalog import Entry, damaged, data_root
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import DataNotFoundError, require_packages
from keras_selfmodel.datasets.reading import quiet, read_prepared


def read_any_tfds(name: str, tfds_name: str, data_dir: str | os.PathLike | None = None) -> Dataset:
    """Reads a prepared data set in the same way as the package's own.

    Args:
        name: What it is called here.
        tfds_name: Name and version in TFDS, such as "fashion_mnist:3.0.1" or "emnist/letters:3.1.0".
        data_dir: The TFDS data folder. Defaults to TFDS_DATA_DIR, else `~/tensorflow_datasets`.

    Raises:
        DataNotFoundError: If it is not prepared there; says how to get it.
        DataCorruptedError: If a file is damaged or missing.
        MissingPackageError: If TFDS or Pillow is not installed.
        ValueError: If `tfds_name` has no version, or the data are no labeled images of one size with a training and
            a test split.
    """
    match = re.fullmatch(r"(\w[\w.-]*(?:/\w[\w.-]*)?):(\d+\.\d+\.\d+)", tfds_name)
    if match is None:
        raise ValueError(
            "A TFDS data set must be named with its version, such as 'fashion_mnist:3.0.1', so that one name always "
            f"means the same data. Received: {tfds_name!r}"
        )
    root = data_root(data_dir)
    key = re.sub(r"\W", "-", match[1])
    entry = Entry(key, match[1], match[2], num_classes=0, feature="image", url="")
    folder = entry.folder(root)
    if not folder.is_dir():
        others = sorted(path.name for path in (root / match[1]).glob("[0-9]*.[0-9]*.[0-9]*"))
        found = f" Version {', '.join(others)} is there." if others else ""
        raise DataNotFoundError(
            f'{tfds_name} is not prepared in {root}.{found} With a network and TensorFlow, run: python -c "import '
            f"tensorflow_datasets as tfds; tfds.builder('{tfds_name}', data_dir='{root}').download_and_prepare()\". Or "
            f"set TFDS_DATA_DIR (or data_dir) to a folder that holds {match[1]}/{match[2]}."
        )
    _check_kind(tfds_name, folder)
    whole = read_prepared(entry, folder)
    arrays = {split: getattr(whole, split) for split in ("x_train", "y_train", "x_test", "y_test")}
    checked = from_arrays(name, **arrays, source=whole.source)
    return dataclasses.replace(checked, digest=whole.digest)


def _check_kind(tfds_name: str, folder: Path) -> None:
    """Makes sure that a folder holds labeled images of one size, and both splits."""
    require_packages("tensorflow_datasets", "PIL")
    import tensorflow_datasets as tfds

    try:
        info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
        splits = [split["name"] for split in info["splits"]]
        with quiet():
            features = tfds.builder_from_directory(folder).info.features
            shape = features["image"].shape if "image" in features else None
            label = "label" in features and isinstance(features["label"], tfds.features.ClassLabel)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise damaged(folder / "dataset_info.json", error) from error
    if shape is None or not label or not {"train", "test"} <= set(splits):
        raise ValueError(
            f"{tfds_name} must have the features 'image' and 'label' (a class) and the splits 'train' and 'test'. "
            f"Received: features {', '.join(sorted(features))}; splits {', '.join(splits)}"
        )
    if None in shape:
        raise ValueError(f"The images of {tfds_name} must have one size. Received: shape {shape}")
