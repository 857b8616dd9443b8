"""A folder of image files as a data set."""

from pathlib import Path

import numpy as np

from keras_selfmodel.datasets.arrays import from_arrays
from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.errors import DataCorruptedError, DataNotFoundError, require_packages

SPLITS = ("train", "test")
ENDINGS = (".png", ".jpg", ".jpeg")
LARGEST_SIDE = 10_000
"""Most pixels that an image may have from top to bottom, or from left to right."""

UNREADABLE = (OSError, ValueError, SyntaxError)  # a damaged PNG is a SyntaxError to Pillow

_GRAY, _COLOR = ("1", "L", "LA"), ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


def read_image_folder(name: str, folder: Path, size: tuple[int, int] | None = None) -> Dataset:
    """Reads `train/CLASS/*.png` and `test/CLASS/*.png`, or .jpg; classes are numbered by name.

    Args:
        name: What the data set is called.
        folder: The folder that holds `train` and `test`.
        size: Height and width that all images are resized to, whatever their aspect ratio. `None`: all have
            one size already.

    Returns:
        The images as uint8 `(samples, height, width, channels)`: one channel if all of them are gray, else three.

    Raises:
        DataNotFoundError: If a folder is missing, or has no images.
        DataCorruptedError: If a file cannot be read as an image.
        MissingPackageError: If Pillow is not installed.
        ValueError: If the images have several sizes and `size` is not given, or the test images other classes.
    """
    require_packages("PIL.Image")
    files = {split: _files(folder / split) for split in SPLITS}
    classes = sorted(files["train"])
    strange = sorted(set(files["test"]) - set(classes))
    if strange:
        raise ValueError(
            f"{folder / 'test'} may only contain classes of {folder / 'train'}: {', '.join(classes)}. Received: "
            f"{', '.join(strange)}"
        )
    lists = {
        split: [(file, number) for number, label in enumerate(classes) for file in of.get(label, [])]
        for split, of in files.items()
    }
    modes = [_mode(file) for rows in lists.values() for file, _ in rows]
    mode = "L" if all(m in _GRAY for m in modes) else "RGB"
    arrays, first = {}, None
    for split, rows in lists.items():
        images = []
        for file, _ in rows:
            images.append(_decoded(file, mode, size))
            first = first or (file, images[0].shape)
            if images[-1].shape != first[1]:
                (h, w), (other_h, other_w) = first[1][:2], images[-1].shape[:2]
                raise ValueError(
                    "The images must have one size, or be resized to one with size = [height, width]. Received: "
                    f"{first[0]} of {h} × {w} and {file} of {other_h} × {other_w}"
                )
        arrays[f"x_{split}"] = np.stack(images)
        arrays[f"y_{split}"] = np.array([number for _, number in rows], np.int32)
    return from_arrays(name, **arrays, source=f"images in {folder}")


def _files(split: Path) -> dict[str, list[Path]]:
    """The image files of each class."""
    if not split.is_dir():
        raise DataNotFoundError(f"The folder {split} does not exist. Images must be in train/CLASS/ and test/CLASS/.")
    found = {}
    for folder in sorted(path for path in split.iterdir() if path.is_dir() and not path.name.startswith(".")):
        found[folder.name] = sorted(
            file for file in folder.iterdir() if file.suffix.lower() in ENDINGS and not file.name.startswith(".")
        )
        if not found[folder.name]:
            raise DataNotFoundError(f"{folder} contains no images. File names must end in {', '.join(ENDINGS)}.")
    if not found:
        raise DataNotFoundError(f"{split} contains no folders. It must contain one folder of images per class.")
    return found


def _mode(file: Path) -> str:
    from PIL import Image

    if not file.is_file():  # reading a named pipe would wait for ever
        raise DataCorruptedError(f"{file} is not a file. Remove or rename it.")
    try:
        with Image.open(file) as image:
            mode, (width, height) = image.mode, image.size
    except UNREADABLE + (Image.DecompressionBombError,) as error:
        raise DataCorruptedError(f"{file} cannot be read as an image: {error}") from error
    if max(width, height) > LARGEST_SIDE:
        raise DataCorruptedError(f"{file} has {height} × {width} pixels; the limit is {LARGEST_SIDE} each way.")
    if mode not in _GRAY + _COLOR:
        raise ValueError(f"Images must have 8 bits per channel. Received: {file} with Pillow mode {mode!r}")
    return mode


def _decoded(file: Path, mode: str, size: tuple[int, int] | None) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            # Cameras note how they were held.
            upright = ImageOps.exif_transpose(image).convert(mode)
    except UNREADABLE as error:
        raise DataCorruptedError(f"{file} cannot be read as an image: {error}") from error
    if size is not None:
        upright = upright.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(upright, np.uint8)
    return pixels[..., None] if mode == "L" else pixels
