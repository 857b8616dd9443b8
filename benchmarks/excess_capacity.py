"""How much self-modeling a network bears before it fails at its task, against its size and how full it is.

    KERAS_BACKEND=jax python -m benchmarks excess_capacity

Random labels of four classes for random vectors: a task that is learned by heart, and takes more of the network the
more samples there are. Networks of 16, 64 and 256 hidden units learn 50, 200 and 800 samples, with Adam (0.003) in
batches of 50, as many steps for all, at auxiliary weights from 1 to 1,000 and without. Printed for each size and
number: the part that the network without self-modeling has learned, and the largest weight with which a network, and
those of all smaller weights, learn at least nine tenths of it: the median over five seeds, and the least and largest.
"""

import argparse

import keras
import numpy as np

import keras_selfmodel as ksm
from keras_selfmodel.models import mlp

HIDDEN, SAMPLES = (16, 64, 256), (50, 200, 800)
WEIGHTS = (1, 3, 10, 30, 100, 300, 1_000)
SEEDS = range(1, 6)
INPUTS, CLASSES, BATCH_SIZE = 32, 4, 50
BORNE = 0.9


def random_labels(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(samples, INPUTS)).astype("float32"), rng.integers(CLASSES, size=samples)


class Trainer:
    """Trains networks of one size, which share what is compiled for the first."""

    def __init__(self, hidden: int, steps: int) -> None:
        self._hidden, self._steps = hidden, steps
        self._model = self._built(0)
        self._model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self._model.optimizer.build(self._model.trainable_variables)
        self._optimizer = [(one, keras.ops.convert_to_numpy(one)) for one in self._model.optimizer.variables]

    def learned(self, samples: int, aux_weight: float, seed: int) -> float:
        """The part of the samples that a network has learned, 0 … 1."""
        keras.utils.set_random_seed(seed)
        x, y = random_labels(samples, seed)
        self._model.set_weights(self._built(seed).get_weights())
        for variable, at_first in self._optimizer:
            variable.assign(at_first)
        self._model.aux_weight = aux_weight
        # One epoch over repeated samples, each time in another order: starting an epoch takes longer than its steps.
        order = np.concatenate([np.random.permutation(samples) for _ in range(self._steps * BATCH_SIZE // samples)])
        self._model.fit(x[order], y[order], batch_size=BATCH_SIZE, shuffle=False, verbose=0)
        return float(np.mean(np.argmax(self._model.predict(x, verbose=0), -1) == y))

    def _built(self, seed: int) -> ksm.SelfModelingModel:
        classifier = mlp(self._hidden, inputs=INPUTS, classes=CLASSES, seed=seed)
        return ksm.SelfModelingModel(classifier, "hidden", seed=seed)


def borne(learned: dict[float, float]) -> float:
    """The largest auxiliary weight with which, and with all smaller ones, enough is learned; 0 for none."""
    most = 0.0
    for weight in WEIGHTS:
        if learned[weight] < BORNE * learned[0]:
            break
        most = weight
    return most


def _text(weight: float) -> str:
    return f"≥ {weight:,.0f}" if weight == WEIGHTS[-1] else f"{weight:g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3_200, help="Training steps of each network. Default: 3200.")
    arguments = parser.parse_args()
    print("| hidden units | samples | learned without / % | AW that is borne | of the seeds |\n" + "|---" * 5 + "|")
    for hidden in HIDDEN:
        trainer = Trainer(hidden, arguments.steps)
        for samples in SAMPLES:
            found = [{weight: trainer.learned(samples, weight, seed) for weight in (0, *WEIGHTS)} for seed in SEEDS]
            alone = 100 * np.mean([learned[0] for learned in found])
            most = sorted(borne(learned) for learned in found)
            print(
                f"| {hidden} | {samples} | {alone:.0f} | {_text(np.median(most))} "
                f"| {_text(most[0])} to {_text(most[-1])} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
