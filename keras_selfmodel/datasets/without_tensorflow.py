"""Lets TFDS prepare a data set without TensorFlow, which it uses there to open files and to write PNG."""

import contextlib
import os
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch


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
        # Pillow wants grey images without the last axis.
        return self._encode_pil_image(Image.fromarray(image.squeeze()))

    with contextlib.ExitStack() as stack:
        for module in (extractor, cifar, mnist):
            stack.enter_context(patch.object(module, "tf", stand_in))
        stack.enter_context(patch.object(image_feature._ImageEncoder, "_encode_image", encode))
        yield
