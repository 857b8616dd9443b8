"""The CIFAR-10 network of the paper."""

import itertools
from collections.abc import Callable, Sequence

import keras
from keras import layers

from keras_selfmodel._numbers import whole_number
from keras_selfmodel.initializers import FanInUniform
from keras_selfmodel.models._dense_layers import dense
from keras_selfmodel.transforms.tensors import Tensor, Tree


def resnet18(
    hidden: int = 2000,
    *,
    image: tuple[int, int, int] = (32, 32, 3),
    widths: Sequence[int] = (64, 128, 256, 512),
    classes: int = 10,
    batch_norm: bool = True,
    seed: int | None = None,
) -> keras.Model:
    """ResNet-18 as it is used for small images, one hidden ReLU layer on top, and one linear layer of class scores.

    The first convolution is 3 × 3 with stride 1, and no pooling follows it. Each width has two residual blocks; from
    the second width on, the first of them halves the image. The mean over the image goes to the hidden layer: of
    32 × 32 pixels 4 × 4 are left.

    Args:
        hidden: Units of the hidden layer, named "hidden".
        image: Height, width and channels.
        widths: Channels of the residual blocks. What the last block puts out, after its ReLU, is layer "last_block".
        classes: Number of classes; the last layer, "logits", has one score for each.
        batch_norm: Whether batch normalization follows each convolution, as in the paper; without it convolutions have
            a bias.
        seed: Fixes the initial weights, the same on every backend; `None` draws them anew.

    Returns:
        A functional model, not compiled.

    Raises:
        ValueError: If a size is not positive.

    Reference:
        He et al., "Deep Residual Learning for Image Recognition", arXiv 1512.03385; arXiv 2407.10188, CIFAR-10
        experiment.

    Example:

    >>> resnet18(5, widths=(2, 4), seed=1).get_layer("last_block").output.shape
    (None, 16, 16, 4)
    """
    if not widths:
        raise ValueError(f"widths is empty. Received: widths={widths!r}")
    hidden, classes = whole_number("hidden", hidden, 1), whole_number("classes", classes, 1)
    height, width, channels = (whole_number("image", size, 1) for size in image)
    widths = [whole_number("widths", size, 1) for size in widths]
    numbers = itertools.count()

    def convolve(x, width: int, size: int, stride: int):
        number = next(numbers)
        seeds = (None, None) if seed is None else ((seed, number, 0), (seed, number, 1))
        return _convolution(x, width, size, stride, seeds, batch_norm)

    inputs = keras.Input((height, width, channels))
    x = layers.ReLU()(convolve(inputs, widths[0], 3, 1))
    for stage, width in enumerate(widths):
        for block in range(2):
            stride = 2 if stage and not block else 1
            last = stage == len(widths) - 1 and block == 1
            x = _residual_block(x, width, stride, convolve, "last_block" if last else None)
    x = layers.GlobalAveragePooling2D()(x)
    x = dense(hidden, widths[-1], seed, next(numbers), activation="relu", name="hidden")(x)
    scores = dense(classes, hidden, seed, next(numbers), name="logits")(x)
    return keras.Model(inputs, scores, name="resnet18")


def _residual_block(x: Tree, width: int, stride: int, convolve: Callable, name: str | None) -> Tensor:
    """ReLU(BN(conv(ReLU(BN(conv(x))))) + x), x through a 1 × 1 convolution where its shape changes."""
    inner = layers.ReLU()(convolve(x, width, 3, stride))
    inner = convolve(inner, width, 3, 1)
    if stride > 1 or x.shape[-1] != width:
        x = convolve(x, width, 1, stride)
    return layers.ReLU(name=name)(layers.Add()([inner, x]))


def _convolution(x: Tree, width: int, size: int, stride: int, seeds: tuple, batch_norm: bool) -> Tensor:
    fan_in = size * size * x.shape[-1]
    padding = "same"
    if stride > 1 and size > 1:
        # The same zeros on both sides, as in PyTorch: Keras's "same" would pad a strided convolution on one side only.
        x, padding = layers.ZeroPadding2D(size // 2)(x), "valid"
    convolution = layers.Conv2D(
        width,
        size,
        stride,
        padding,
        use_bias=not batch_norm,
        kernel_initializer=FanInUniform(seeds[0]),
        bias_initializer=FanInUniform(seeds[1], fan_in=fan_in),
    )
    x = convolution(x)
    if not batch_norm:
        return x
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
