"""Images rotated, shifted and mirrored at random."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """How far images are changed.

    Each image is mirrored or not, turned about its center by an angle and moved by whole pixels, all with equal
    probabilities in their ranges. A pixel takes the value of the nearest one of the original; those that come from
    outside are black. That is what torchvision does by default, before it scales the pixels.

    Attributes:
        degrees: Largest angle, either way.
        translation: Largest shift in each direction, as a part of the image's height or width.
        flip: Whether half of the images are mirrored, left to right.

    Reference:
        torchvision's `RandomAffine(degrees, translate)` and `RandomHorizontalFlip`.

    Example:

    >>> image = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    >>> turned = Augmentation.apply(image, degrees=np.array([90.0]), shifts=np.array([[0, 0]]), flips=np.array([False]))
    >>> turned[0, :, :, 0]
    array([[2, 5, 8],
           [1, 4, 7],
           [0, 3, 6]], dtype=uint8)
    """

    degrees: float
    translation: float
    flip: bool

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Changes each image of a batch by its own random numbers.

        Args:
            images: `(images, height, width, channels)`.
            rng: Where the random numbers come from; the same numbers give the same images on every backend.

        Returns:
            An array of the same shape and dtype.
        """
        count, size = len(images), images.shape[1:3]
        degrees = rng.uniform(-self.degrees, self.degrees, count)
        farthest = self.translation * np.array(size)
        shifts = np.rint(rng.uniform(-farthest, farthest, (count, 2))).astype(int)
        flips = rng.random(count) < (0.5 if self.flip else 0.0)
        return self.apply(images, degrees=degrees, shifts=shifts, flips=flips)

    @staticmethod
    def apply(images: np.ndarray, *, degrees: np.ndarray, shifts: np.ndarray, flips: np.ndarray) -> np.ndarray:
        """Mirrors, then turns counterclockwise, then moves each image.

        Args:
            images: `(images, height, width, channels)`.
            degrees: Angles, `(images,)`.
            shifts: Pixels down and to the right, `(images, 2)`.
            flips: Whether to mirror, `(images,)`.
        """
        height, width = images.shape[1:3]
        # Where each pixel comes from, seen from the center of the image: the way back.
        down = np.arange(height)[:, None] - (height - 1) / 2 - shifts[:, 0, None, None]
        right = np.arange(width) - (width - 1) / 2 - shifts[:, 1, None, None]
        cosine, sine = (function(np.radians(degrees))[:, None, None] for function in (np.cos, np.sin))
        row = np.rint(cosine * down + sine * right + (height - 1) / 2).astype(int)
        column = cosine * right - sine * down
        column = np.rint(np.where(flips[:, None, None], -column, column) + (width - 1) / 2).astype(int)
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        pixels = images[np.arange(len(images))[:, None, None], row.clip(0, height - 1), column.clip(0, width - 1)]
        return np.where(inside[..., None], pixels, np.zeros((), images.dtype))
