"""What `_internals.tfds` relies on."""

import sys

import numpy as np
import pytest
from PIL import Image

from keras_selfmodel._internals.tfds import without_progress_bars, without_tensorflow
from tests.internals.contract import contract


def test_images_are_encoded_without_tensorflow(tmp_path):
    with contract("tensorflow-datasets", "tfds.py", "images are written by _ImageEncoder._encode_image"):
        import tensorflow_datasets as tfds

        before = "tensorflow" in sys.modules
        feature = tfds.features.Image(shape=(4, 4, 1), dtype=np.uint8, encoding_format="png")
        image = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
        with without_tensorflow():
            (tmp_path / "image.png").write_bytes(feature.encode_example(image))
        assert ("tensorflow" in sys.modules) == before
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "image.png")), image[..., 0])


def test_archives_are_read_without_tensorflow():
    with contract("tensorflow-datasets", "tfds.py", "extractor, cifar and mnist read files by their attribute tf"):
        from tensorflow_datasets.core.download import extractor
        from tensorflow_datasets.image_classification import cifar, mnist

        before = [vars(module)["tf"] for module in (extractor, cifar, mnist)]
        with without_tensorflow():
            assert all(module.tf.io.gfile.GFile is open for module in (extractor, cifar, mnist))
        assert all(a is b for a, b in zip(before, [m.tf for m in (extractor, cifar, mnist)], strict=True))


def test_no_progress_bars_are_drawn(capsys):
    with contract("tensorflow-datasets", "tfds.py", "tqdm_utils draws its bars if its attribute _active is true"):
        from tensorflow_datasets.core.utils import tqdm_utils

        with without_progress_bars():
            assert list(tqdm_utils.tqdm(range(3), desc="bar")) == [0, 1, 2]
        assert "bar" not in capsys.readouterr().err
        list(tqdm_utils.tqdm(range(3), desc="bar"))
        assert "bar" in capsys.readouterr().err


def test_what_is_not_there_is_not_replaced():
    from keras_selfmodel._internals.tfds import _replaced

    with pytest.raises(AttributeError, match="'no_such_name'"), _replaced(sys, "no_such_name", 1):
        pass
