"""TensorFlow Datasets: data sets prepared without TensorFlow, and without a progress bar of its own.

Relied on: the module attribute `tf` of `core.download.extractor`, `image_classification.cifar` and `.mnist`;
`core.features.image_feature._ImageEncoder` with `_encode_image` and `_encode_pil_image`;
`core.utils.tqdm_utils._active`; `tempfile` of `core.dataset_info`, of which it calls `mkdtemp`.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Within it, TFDS extracts archives and reads and encodes images with plain Python and Pillow.

    A user of JAX or PyTorch needs no TensorFlow then, and one who has it is spared the seconds of its import
    and the GPU memory it claims. Reading needs none of this: TFDS reads without TensorFlow by itself.

    Example:
        >>> with without_tensorflow():  # doctest: +SKIP
        ...     tfds.builder("mnist").download_and_prepare(file_format="array_record")
    """
    from PIL import Image
    from tensorflow_datasets.core.download import extractor
    from tensorflow_datasets.core.features import image_feature
    from tensorflow_datasets.image_classification import cifar, mnist

    stand_in = SimpleNamespace(
        compat=SimpleNamespace(as_text=os.fsdecode),
        io=SimpleNamespace(gfile=SimpleNamespace(GFile=open)),
    )

    def encode(self, image) -> bytes:
        # Pillow wants gray images without the last axis.
        return self._encode_pil_image(Image.fromarray(image.squeeze()))

    with contextlib.ExitStack() as stack:
        for module in (extractor, cifar, mnist):
            stack.enter_context(_replaced(module, "tf", stand_in))
        stack.enter_context(_replaced(image_feature._ImageEncoder, "_encode_image", encode))
        yield


@contextlib.contextmanager
def without_progress_bars() -> Iterator[None]:
    """Within it, TFDS draws no progress bars."""
    from tensorflow_datasets.core.utils import tqdm_utils

    with _replaced(tqdm_utils, "_active", False):
        yield


@contextlib.contextmanager
def without_leftovers() -> Iterator[None]:
    """Within it, the folders that TFDS makes for descriptions of data sets, and never removes, are gone at the end."""
    from tensorflow_datasets.core import dataset_info

    with tempfile.TemporaryDirectory() as folder:
        stand_in = SimpleNamespace(mkdtemp=lambda suffix=None: tempfile.mkdtemp(suffix, dir=folder))
        with _replaced(dataset_info, "tempfile", stand_in):
            yield


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Within it, the owner's own attribute of this name is another one.

    Raises:
        AttributeError: If there is none: what nobody reads would be replaced in vain.
    """
    if name not in vars(owner):
        raise AttributeError(f"{owner.__name__} of the installed tensorflow-datasets has no {name!r} any more.")
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
