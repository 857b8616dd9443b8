"""How well networks predict their own lesions, trained to do so or not: the table of docs/what-it-buys.md.

    KERAS_BACKEND=jax python -m benchmarks lesions

MNIST, 784-64-64-10, the paper's optimizer, 5 epochs, all seeds together: a baseline (AW 0), and networks that
learned to predict what silencing a unit of their first hidden layer does to their outputs. Each network is asked twice:
by the head that it was trained with, and, frozen, by a new head that is trained afterwards, for all networks alike.
Error and correlation are over all 64 units and the first test images. There are two hidden layers because before a
linear layer a change is exactly the activation times the unit's weights, with a minus sign.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import keras
import numpy as np

from keras_selfmodel import datasets, transforms
from keras_selfmodel._number_texts import with_error
from keras_selfmodel.experiments import Recipe, find_task
from keras_selfmodel.experiments.training.networks_together import NetworksTogether
from keras_selfmodel.metrics import weight_spread
from keras_selfmodel.models import LesionPredictionModel
from keras_selfmodel.models._dense_layers import dense
from keras_selfmodel.probes import predicted_lesions
from keras_selfmodel.statistics import mean_interval

HIDDEN, LAYER = 64, "hidden_1"
# Of the heads that are trained afterwards.
HEAD_SEED, RATE = 2_000_000, 1e-3
COLUMNS = {"accuracy / %": 2, "weight spread": 4, "mean square of changes": 4, "error": 4, "error / mean square": 3}
COLUMNS |= {"correlation": 3}


def network(seed: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((784,)),
            dense(HIDDEN, 784, seed, 0, activation="relu", name=LAYER),
            dense(HIDDEN, HIDDEN, seed, 1, activation="relu", name="hidden_2"),
            dense(10, HIDDEN, seed, 2, name="logits"),
        ]
    )


def trained(models: list[LesionPredictionModel], recipes: list[Recipe], x: np.ndarray, y: np.ndarray) -> None:
    orders = np.stack([recipe.order(len(y)) for recipe in recipes])
    together = NetworksTogether(models, x, y, orders, batch_size=recipes[0].batch_size)
    for _ in range(recipes[0].epochs):
        together.epoch()
    together.synchronize()


def compiled(model: LesionPredictionModel, optimizer: keras.optimizers.Optimizer) -> LesionPredictionModel:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **transforms.compile_options(model))
    return model


def measured(model: LesionPredictionModel, x: np.ndarray, y: np.ndarray, samples: int) -> list[float]:
    """What `COLUMNS` names."""
    accuracy = np.mean(np.argmax(model.classifier.predict(x, batch_size=1_000, verbose=0), axis=1) == y)
    found = predicted_lesions(model, x[:samples], batch_size=samples)
    shares = [
        found.change,
        found.error,
        found.error / found.change,
        math.nan if found.correlation is None else found.correlation,
    ]
    return [100 * float(accuracy), weight_spread(model.classifier).standard_deviation, *shares]


def row(name: str, head: str, values: Iterable[list[float]]) -> str:
    cells = []
    for digits, numbers in zip(COLUMNS.values(), zip(*values, strict=True), strict=True):
        interval = mean_interval(numbers)
        cells.append(with_error(interval.mean, interval.half_width, digits))
    return f"| {name} | {head} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strengths", type=float, nargs="+", default=[3.0, 10.0, 30.0])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1 on")
    parser.add_argument("--epochs", type=int, default=5, help="of the networks, and of the heads trained afterwards")
    parser.add_argument("--samples", type=int, default=2_000, help="test images on which lesions are measured")
    arguments = parser.parse_args()
    task, dataset = find_task("mnist"), datasets.load("mnist")
    (x, y), (x_test, y_test) = (
        (task.inputs(images), labels)
        for images, labels in ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test))
    )
    paper = replace(task.recipe, hidden=HIDDEN, epochs=arguments.epochs, rlct=None)
    recipes = [
        replace(paper, seed=seed, aux_weight=strength)
        for seed in range(1, arguments.seeds + 1)
        for strength in (0.0, *arguments.strengths)
    ]
    models = [
        compiled(LesionPredictionModel(network(one.seed), one.aux_weight, LAYER, seed=one.seed), task.optimizer(one))
        for one in recipes
    ]
    trained(models, recipes, x, y)
    afterwards = []
    for one, model in zip(recipes, models, strict=True):
        model.classifier.trainable = False
        asked = LesionPredictionModel(model.classifier, 1.0, LAYER, seed=HEAD_SEED + one.seed)
        afterwards.append(compiled(asked, keras.optimizers.Adam(RATE)))
    trained(afterwards, recipes, x, y)
    found = defaultdict(list)
    for one, own, new in zip(recipes, models, afterwards, strict=True):
        name = f"AW {one.aux_weight:g}" if one.aux_weight else "baseline"
        # The baseline's own head learned nothing.
        for head, model in ((("its own", own),) if one.aux_weight else ()) + (("afterwards", new),):
            found[name, head].append(measured(model, x_test, y_test, arguments.samples))
    print(f"| network | head | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 2)}")
    for (name, head), values in found.items():
        print(row(name, head, values), flush=True)


if __name__ == "__main__":
    main()
