"""Seconds a step of the chains of the IMDB network: by the words of each batch, and with all words.

    KERAS_BACKEND=jax python -m benchmarks rlct_of_words

Real reviews (TFDS_DATA_DIR), an untrained network, and the settings of `ksm run imdb`: 4 chains, batch 64, 6.5 million
weights, float32. Both run in turn, several rounds in one process; of each the best and the median are printed.
"""

import argparse
import statistics
import time

import keras
import numpy as np

from keras_selfmodel import datasets, transforms
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.rlct.batches import batch_indices
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.problem import Problem
from keras_selfmodel.words import WordChains


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8, help="Steps of a round with all words.")
    options = parser.parse_args()
    task = TASKS["imdb"]
    dataset = task.prepare(datasets.load("imdb"))
    model, settings = task.network(task.recipe, dataset), task.recipe.rlct
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    samples = datasets.padded(dataset.x_train), dataset.y_train
    energy = Problem.of(model, samples, loss, training=True).energy
    settings = settings.resolved(energy.num_samples, 1, 1.0)

    ways = {"by the words of each batch": (WordChains, 50), "all words": (Chains, options.steps)}
    chains = {name: kind(energy, settings, range(settings.num_chains)) for name, (kind, _) in ways.items()}
    seconds = {name: [] for name in ways}
    for round_number in range(options.rounds + 1):
        for name, (_, steps) in ways.items():
            indices = batch_indices(settings, energy.num_samples, 0)[:steps]
            start = time.perf_counter()
            chains[name].advance(indices, np.zeros((settings.num_chains, len(indices))))
            if round_number:  # the first round compiles
                seconds[name].append((time.perf_counter() - start) / len(indices))
    print(f"{keras.config.backend()} on {transforms.devices()[0]}: seconds a step of {settings.num_chains} chains")
    reference = seconds["by the words of each batch"]
    for name, times in seconds.items():
        ratio = statistics.median(t / r for t, r in zip(times, reference, strict=True))
        print(f"  {name:<27} best {min(times):7.3f}  median {statistics.median(times):7.3f}   {ratio:.1f} times")


if __name__ == "__main__":
    main()
