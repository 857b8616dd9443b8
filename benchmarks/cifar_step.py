"""Seconds of a training step of the paper's CIFAR-10 network, and on PyTorch beside a hand-written loop.

    KERAS_BACKEND=torch python -m benchmarks cifar_step
    KERAS_BACKEND=tensorflow python -m benchmarks cifar_step --batches 4

ResNet-18 with 2,000 hidden units and 10,192 targets, AW 1, Adam, batches of 64 made-up images, float32. The
hand-written loop is PyTorch's own modules in its fastest layout, with class scores and self-prediction in one widened
layer, without metrics; it is run in turn with ours, and the ratio of the best rounds and the median one are printed.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

import keras
import numpy as np

import keras_selfmodel as ksm
from keras_selfmodel import transforms
from keras_selfmodel.experiments import find_task

BATCH, CLASSES, HIDDEN, WIDTHS = 64, 10, 2_000, (64, 128, 256, 512)
TARGETS = 4 * 4 * WIDTHS[-1] + HIDDEN
OURS, BY_HAND = "SelfModelingModel.fit", "hand-written loop"


def ours(x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    task = find_task("cifar10")
    classifier = ksm.models.resnet18(HIDDEN, widths=WIDTHS, seed=1)
    model = ksm.SelfModelingModel(classifier, ["last_block", "hidden"], 1.0, seed=1)
    model.compile(
        task.optimizer(dataclasses.replace(task.recipe, seed=1)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **transforms.compile_options(model),
    )
    if keras.config.backend() == "torch":
        x, y = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)


def by_hand(x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    import torch
    from torch import nn
    from torch.nn import functional

    class Convolution(nn.Sequential):
        def __init__(self, inputs: int, outputs: int, size: int, stride: int) -> None:
            convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
            super().__init__(convolution, nn.BatchNorm2d(outputs))

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                Convolution(inputs, outputs, 3, stride), nn.ReLU(), Convolution(outputs, outputs, 3, 1)
            )
            new_shape = stride > 1 or inputs != outputs
            self.shortcut = Convolution(inputs, outputs, 1, stride) if new_shape else nn.Identity()

        def forward(self, x):
            return functional.relu(self.inner(x) + self.shortcut(x))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            stages = zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)
            blocks = [
                block
                for stage, (inputs, outputs) in enumerate(stages)
                for block in (Block(inputs, outputs, 2 if stage else 1), Block(outputs, outputs, 1))
            ]
            self.blocks = nn.Sequential(Convolution(3, WIDTHS[0], 3, 1), nn.ReLU(), *blocks)
            self.hidden, self.widened = nn.Linear(WIDTHS[-1], HIDDEN), nn.Linear(HIDDEN, CLASSES + TARGETS)

        def forward(self, x):
            last = self.blocks(x)
            hidden = functional.relu(self.hidden(last.mean((2, 3))))
            return self.widened(hidden), torch.cat([last.permute(0, 2, 3, 1).flatten(1), hidden], 1)

    network = Network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), find_task("cifar10").recipe.learning_rate)
    batches = list(
        zip(torch.tensor(x).permute(0, 3, 1, 2).split(BATCH), torch.tensor(y).long().split(BATCH), strict=True)
    )

    def epoch() -> None:
        for images, labels in batches:
            outputs, targets = network(images)
            loss = functional.cross_entropy(outputs[:, :CLASSES], labels)
            loss = loss + functional.mse_loss(outputs[:, CLASSES:], targets.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=6, help="Steps of a round. Default: 6.")
    parser.add_argument("--rounds", type=int, default=3, help="Default: 3.")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    samples = BATCH * arguments.batches
    x = rng.normal(size=(samples, 32, 32, 3)).astype("float32")
    y = rng.integers(0, CLASSES, samples).astype("int32")
    epochs = {OURS: ours(x, y)} | ({BY_HAND: by_hand(x, y)} if keras.config.backend() == "torch" else {})
    for epoch in epochs.values():
        epoch()
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(arguments.rounds):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            epoch()
            seconds[name].append((time.perf_counter() - start) / arguments.batches)
    for name, taken in seconds.items():
        print(f"{name}: {min(taken):.2f} s a step, median {statistics.median(taken):.2f} s")
    if BY_HAND in seconds:
        ratios = [a / b for a, b in zip(seconds[OURS], seconds[BY_HAND], strict=True)]
        print(f"ratio: {min(seconds[OURS]) / min(seconds[BY_HAND]):.2f}, median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
