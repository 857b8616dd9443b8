"""Training data with noise on labels and inputs, drawn by a seed."""

import hashlib
from dataclasses import replace

import numpy as np

from keras_selfmodel.datasets.dataset import Dataset
from keras_selfmodel.datasets.input_noise import with_noise

# So that the draws are not those of the initial weights or of the order of the data.
NOISE_SEED = 1_000_003
MOST_INPUT_NOISE = 1000
"""At this noise nearly every input lies at an end of the range already; a much larger one overflows in float32."""


def disturbed(dataset: Dataset, *, label_noise: float = 0.0, input_noise: float = 0.0, seed: int = 0) -> Dataset:
    """The same data with noise on the training samples; the test samples stay as they are.

    Args:
        dataset: Any data set; with `input_noise` one whose inputs are numbers of one shape.
        label_noise: Part P of the training labels, 0 … 1, that become another class: round(P·n) samples, each drawn
            class equally likely.
        input_noise: Standard deviation of Gaussian noise on the training inputs in units of their range, 0 … 1000.
            Inputs are cut off at their range, and whole numbers rounded. Drawn once: every epoch sees the same.
        seed: Seed of both.

    Returns:
        A data set with a new digest; the same data set without noise.

    Raises:
        ValueError: If a number is out of its range, there is a single class, or the inputs are no quantities.

    Example:

    >>> x, y = np.zeros((10, 2)), np.arange(10) % 5
    >>> clean = Dataset("mine", x, y, x, y, num_classes=5, source="zeros", digest="ab", is_subset=False)
    >>> noisy = disturbed(clean, label_noise=0.4, seed=1)
    >>> int((noisy.y_train != y).sum()), bool((noisy.y_test == y).all()), noisy.source
    (4, True, 'zeros, with label noise 0.4')
    """
    if not 0 <= label_noise <= 1:
        raise ValueError(f"label_noise must lie in 0 … 1. Received: label_noise={label_noise}")
    if not 0 <= input_noise <= MOST_INPUT_NOISE:
        raise ValueError(f"input_noise must lie in 0 … {MOST_INPUT_NOISE}. Received: input_noise={input_noise}")
    if not label_noise and not input_noise:
        return dataset
    rng = np.random.default_rng([seed, NOISE_SEED])
    words = [f"label noise {label_noise:g}"] * (label_noise > 0) + [f"input noise {input_noise:g}"] * (input_noise > 0)
    return replace(
        dataset,
        # Labels first: they are the same with and without noise on the inputs.
        y_train=_other_labels(dataset, label_noise, rng),
        x_train=_noisy_inputs(dataset, input_noise, rng) if input_noise else dataset.x_train,
        source=f"{dataset.source}, with {' and '.join(words)}",
        digest=hashlib.sha256(f"{dataset.digest} {label_noise} {input_noise} {seed}".encode()).hexdigest(),
    )


def _other_labels(dataset: Dataset, part: float, rng: np.random.Generator) -> np.ndarray:
    if part and dataset.num_classes < 2:
        raise ValueError(f"label_noise needs two classes or more. Received: {dataset.num_classes} class")
    labels = dataset.y_train.copy()
    chosen = rng.permutation(len(labels))[: round(part * len(labels))]
    if len(chosen):
        labels[chosen] = (labels[chosen] + rng.integers(1, dataset.num_classes, len(chosen))) % dataset.num_classes
    return labels


def _noisy_inputs(dataset: Dataset, sigma: float, rng: np.random.Generator) -> np.ndarray:
    x = dataset.x_train
    if x.dtype.kind not in "uf":
        raise ValueError(
            "input_noise needs inputs that are quantities, such as pixels. Received: inputs of dtype "
            f"{x.dtype}, such as texts or tokens"
        )
    return with_noise(x, sigma, rng, x.dtype)
