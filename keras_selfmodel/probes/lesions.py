"""How well a network predicts what silencing its own units does."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np

from keras_selfmodel._numbers import whole_number
from keras_selfmodel.models import LesionPredictionModel
from keras_selfmodel.models._arguments import check_has_samples
from keras_selfmodel.probes.activations import SAME_ACTIVATION
from keras_selfmodel.transforms.tensors import Tree


@dataclass(frozen=True)
class PredictedLesions:
    """Predicted and true changes of the outputs, over all pairs of a silenced unit and a sample.

    Attributes:
        error: The mean squared error, over pairs and outputs.
        change: The mean square of the true changes: the error of a prediction that nothing changes.
        correlation: Pearson's correlation of predicted and true changes, over the same numbers; `None` if one of both
            does not vary, or is not a number.
        units: How many units were silenced, one at a time.
        samples: How many samples.
    """

    error: float
    change: float
    correlation: float | None
    units: int
    samples: int


def predicted_lesions(
    model: LesionPredictionModel, x: Tree, *, units: Iterable[int] | int | None = None, batch_size: int = 512
) -> PredictedLesions:
    """Silences each unit of a network, as it is in inference, and compares what happens with what it predicts.

    For each unit the classifier itself computes its outputs with and without it. Masked steps of outputs do not count.

    Args:
        model: The network.
        x: Inputs as it takes them, arrays `(samples, ...)`; best ones that it was not trained on.
        units: The units that are silenced, each once, counted from 0; `None` for all.
        batch_size: Samples at a time; memory does not grow with units or samples.

    Raises:
        ValueError: If there are no samples, the model is another one, or there is no such unit, or twice.

    Example:

    >>> from keras_selfmodel.models import mlp
    >>> model = LesionPredictionModel(mlp(5, inputs=3, classes=2, seed=1), layer="hidden", seed=1)
    >>> found = predicted_lesions(model, np.ones((4, 3), "float32"))
    >>> found.units, found.samples, found.error > 0
    (5, 4, True)
    """
    if not isinstance(model, LesionPredictionModel):
        raise ValueError(
            "predicted_lesions needs a LesionPredictionModel: wrap the classifier in one, and train its head. "
            f"Received: {model!r} of type {type(model).__name__}"
        )
    if not check_has_samples("predicted_lesions", x):
        raise ValueError(f"predicted_lesions needs arrays of inputs. Received: x of type {type(x).__name__}")
    batch_size = whole_number("batch_size", batch_size, 1)
    last = model.num_units - 1
    several = range(last + 1) if units is None else units if isinstance(units, Iterable) else [units]
    chosen = [whole_number("units", unit, 0, last) for unit in several]
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"units must name at least one unit, from 0 to {last}, each once. Received: units={units!r}")
    samples, sums = keras.tree.flatten(x)[0].shape[0], np.zeros(len(_Sums._fields))
    for start in range(0, samples, batch_size):
        batch = keras.tree.map_structure(lambda array, start=start: array[start : start + batch_size], x)
        silenced = np.zeros((min(batch_size, samples - start), model.num_units), keras.config.floatx())
        for unit in chosen:
            silenced[:] = 0
            silenced[:, unit] = 1
            sums += np.array(_Sums.of(model.lesions(batch, silenced)))
    total = _Sums(*map(float, sums))
    return PredictedLesions(
        error=total.squared_errors / total.numbers,
        change=total.squared_changes / total.numbers,
        correlation=total.correlation(),
        units=len(chosen),
        samples=samples,
    )


class _Sums(NamedTuple):
    """What is summed over pairs and outputs, in double precision."""

    numbers: float
    predictions: float
    changes: float
    squared_predictions: float
    squared_changes: float
    products: float
    squared_errors: float

    @classmethod
    def of(cls, found: dict) -> "_Sums":
        counted = np.asarray(found["target_mask"], bool) if "target_mask" in found else slice(None)
        said, true = (np.asarray(found[name], np.float64)[counted] for name in ("lesion_prediction", "lesion_change"))
        squares = (np.sum(said**2), np.sum(true**2), np.sum(said * true), np.sum((said - true) ** 2))
        return cls(said.size, said.sum(), true.sum(), *squares)

    def correlation(self) -> float | None:
        variance_said = self.squared_predictions - self.predictions**2 / self.numbers
        variance_true = self.squared_changes - self.changes**2 / self.numbers
        smallest = SAME_ACTIVATION**2  # of the size: less is rounding, as of activations
        varies = variance_said > smallest * self.squared_predictions and variance_true > smallest * self.squared_changes
        if not varies:
            return None
        covariance = self.products - self.predictions * self.changes / self.numbers
        return covariance / math.sqrt(variance_said * variance_true)
