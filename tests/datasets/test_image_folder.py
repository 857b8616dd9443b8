import os
import struct
import zlib

import numpy as np
import pytest

from keras_selfmodel.datasets import DataCorruptedError, DataNotFoundError
from keras_selfmodel.datasets.image_folder import read_image_folder

Image = pytest.importorskip("PIL.Image")


def _write(file, pixels):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


@pytest.fixture
def images():
    """Six gray images of 3 × 2 pixels."""
    return np.random.default_rng(0).integers(0, 256, (6, 3, 2), dtype=np.uint8)


@pytest.fixture
def folder(images, tmp_path):
    """Four of them to train on, of two classes, and two to test."""
    places = ("train/cat/2.png", "train/cat/1.PNG", "train/ant/1.png", "train/ant/2.png", "test/cat/1.png")
    for place, pixels in zip(places, images[:5], strict=True):
        _write(tmp_path / place, pixels)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "train" / ".hidden").mkdir()
    return tmp_path


def test_classes_and_files_are_taken_by_name(folder, images):
    dataset = read_image_folder("mine", folder)
    assert dataset.x_train.dtype == np.uint8
    np.testing.assert_array_equal(dataset.x_train[..., 0], images[[2, 3, 1, 0]])
    np.testing.assert_array_equal(dataset.x_test[..., 0], images[[4]])
    assert dataset.y_train.tolist() == [0, 0, 1, 1] and dataset.y_test.tolist() == [1]
    assert dataset.source == f"images in {folder}"


def test_one_image_in_color_makes_all_of_them_color(folder, images):
    color = np.stack([images[5], 255 - images[5], images[5]], axis=-1)
    _write(folder / "test" / "ant" / "1.png", color)
    dataset = read_image_folder("mine", folder)
    assert dataset.x_train.shape == (4, 3, 2, 3)
    np.testing.assert_array_equal(dataset.x_train[0], np.repeat(images[2][..., None], 3, axis=-1))
    np.testing.assert_array_equal(dataset.x_test[0], color)


def test_a_jpeg_is_read_the_right_way_up(folder):
    pixels = np.zeros((16, 8, 3), np.uint8)
    pixels[:8] = 255
    file = folder / "train" / "cat" / "3.jpg"
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was held upside down
    Image.fromarray(pixels).save(file, exif=exif)
    dataset = read_image_folder("mine", folder, (16, 8))
    last = dataset.x_train[-1]
    assert last.shape == (16, 8, 3) and last[-1].min() > 200 and last[0].max() < 50


def test_images_of_several_sizes_need_a_size(folder):
    _write(folder / "test" / "cat" / "2.png", np.full((5, 4), 7, np.uint8))
    with pytest.raises(ValueError, match=r"size = \[height, width\].*1.png of 3 × 2 and .*2.png of 5 × 4"):
        read_image_folder("mine", folder)
    dataset = read_image_folder("mine", folder, (6, 4))
    assert dataset.x_train.shape == (4, 6, 4, 1) and (dataset.x_test[1] == 7).all()


def test_missing_folders_are_named(folder, tmp_path):
    with pytest.raises(DataNotFoundError, match="The folder .*nowhere.train does not exist"):
        read_image_folder("mine", tmp_path / "nowhere")
    (folder / "train" / "dog").mkdir()
    with pytest.raises(DataNotFoundError, match="dog contains no images. File names must end in .png"):
        read_image_folder("mine", folder)


def test_a_folder_without_classes_is_an_error(tmp_path):
    _write(tmp_path / "train" / "1.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataNotFoundError, match="train contains no folders. It must contain one"):
        read_image_folder("mine", tmp_path)


def test_a_class_that_only_the_test_images_have_is_refused(folder, images):
    _write(folder / "test" / "dog" / "1.png", images[5])
    with pytest.raises(ValueError, match="may only contain classes of .*train: ant, cat. Received: dog"):
        read_image_folder("mine", folder)


@pytest.mark.parametrize("part", [slice(0), slice(20), slice(-30)])
def test_a_damaged_image_is_named(folder, part):
    file = folder / "train" / "cat" / "2.png"
    file.write_bytes(file.read_bytes()[part])
    with pytest.raises(DataCorruptedError, match="2.png cannot be read as an image"):
        read_image_folder("mine", folder)


def test_images_of_16_bits_are_refused_rather_than_clipped(folder):
    _write(folder / "train" / "cat" / "2.png", np.full((3, 2), 40_000, np.uint16))
    with pytest.raises(ValueError, match="8 bits per channel.*2.png.*'I;16'"):
        read_image_folder("mine", folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_refused_not_waited_for(folder):
    os.mkfifo(folder / "train" / "cat" / "zzz.png")
    with pytest.raises(DataCorruptedError, match="zzz.png is not a file. Remove or rename it."):
        read_image_folder("pets", folder)


@pytest.mark.parametrize(
    ("side", "said"), [(10_001, "10001 × 1 pixels; the limit is 10000"), (60_000, "decompression")]
)
def test_an_image_too_large_to_be_read_is_refused_before_it_is_decoded(folder, side, said):
    """A PNG of a few bytes that says it has so many pixels."""
    width = 1 if side == 10_001 else side
    header = struct.pack(">II5B", width, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    content = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    (folder / "train" / "cat" / "zzz.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(content))
    with pytest.raises(DataCorruptedError, match=said):
        read_image_folder("pets", folder)
