"""Seconds an epoch of the IMDB network: by the words of each batch, as `ksm run imdb` trains, and by Keras's `fit`.

    KERAS_BACKEND=jax python -m benchmarks imdb_training

Real reviews (TFDS_DATA_DIR), AW 100, batch 64, SGD 0.1, float32, validation left out. `fit` gets the reviews padded to
the longest one and computes a gradient for each of the 100,683 words; it trains on some of the batches only, and its
seconds are scaled up. Both run in turn, several rounds in one process; of each the best and the median are printed.
"""

import argparse
import dataclasses
import statistics
import time

import keras
import numpy as np

from keras_selfmodel import SelfModelingModel, datasets, transforms
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.words import NetworkOfWords, stacked, word_batches


def model_of(task, recipe, dataset) -> keras.Model:
    classifier = task.network(recipe, dataset)
    model = SelfModelingModel(classifier, recipe.targets, recipe.aux_weight, seed=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(task.optimizer(recipe), loss=loss, metrics=["accuracy"], **transforms.compile_options(model))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dense-batches", type=int, default=32, help="Batches of an epoch that `fit` trains on.")
    options = parser.parse_args()
    task = TASKS["imdb"]
    recipe = dataclasses.replace(task.recipe, rlct=None)
    dataset = task.prepare(datasets.load("imdb"))
    size, batch = datasets.vocabulary_size(dataset.x_train), recipe.batch_size

    batches = word_batches(dataset.x_train, dataset.y_train, batch)
    width = max(len(one.words) for one in batches)
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, stacked(batches, width, size))
    by_words = NetworkOfWords(model_of(task, recipe, dataset), width)

    dense, some = model_of(task, recipe, dataset), min(options.dense_batches, len(batches))
    longest = max(len(text) for text in dataset.x_train)
    x = datasets.padded(dataset.x_train[: some * batch], longest)
    y = dataset.y_train[: some * batch].astype(np.int32)

    ways = {
        "by the words of each batch": (lambda: by_words.train(tensors), 1.0),
        "Keras fit, padded": (lambda: dense.fit(x, y, batch_size=batch, shuffle=False, verbose=0), len(batches) / some),
    }
    seconds = {name: [] for name in ways}
    for round_number in range(options.rounds + 1):
        for name, (epoch, scale) in ways.items():
            start = time.perf_counter()
            epoch()
            if round_number:  # the first round compiles
                seconds[name].append(scale * (time.perf_counter() - start))
    print(f"{keras.config.backend()} on {transforms.devices()[0]}: seconds an epoch of {len(batches)} steps")
    reference = seconds["by the words of each batch"]
    for name, times in seconds.items():
        ratio = statistics.median(t / r for t, r in zip(times, reference, strict=True))
        print(f"  {name:<27} best {min(times):7.2f}  median {statistics.median(times):7.2f}   {ratio:.1f} times")


if __name__ == "__main__":
    main()
