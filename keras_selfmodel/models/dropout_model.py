"""A classifier that is trained with dropout before its final layer."""

from typing import Any

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._numbers import real_number
from keras_selfmodel.models._saved_seed import SavesItsSeed
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.objective_model import ObjectiveModel


@keras.saving.register_keras_serializable(package="keras_selfmodel")
class DropoutModel(ObjectiveModel):
    """Trains a classifier with dropout on the features that its final layer reads; the classifier itself has none.

    The masks are drawn by the backend: unlike all else here, they are not the same on every backend.

    Args:
        classifier: A built functional or Sequential model with one output; see `ObjectiveModel`.
        rate: Fraction of the features that are set to 0 in a training step, 0 ≤ rate < 1; the others are divided by
            1 − rate. It is built into the graph: another rate takes another model.
        output_layer: Name of the final layer, where it cannot be determined; `None` to find it.
        seed: Fixes the masks on one backend.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: If the rate is out of its range; if the classifier is not functional or Sequential, or has no single
            final layer.

    Reference:
        Srivastava et al.: "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    Example:

    >>> classifier = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8), keras.layers.Dense(3)])
    >>> model = DropoutModel(classifier, rate=0.5, seed=1)
    >>> [layer.name for layer in model.classifier.layers if "dropout" in layer.name]
    []
    """

    def __init__(
        self,
        classifier: keras.Model,
        rate: float,
        *,
        output_layer: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        rate = real_number("rate", rate, "a number in 0 ≤ rate < 1", lambda rate: 0 <= rate < 1)
        graph = ClassifierGraph(classifier, output_layer)
        dropout = _Dropout(rate, seed=seed)
        outputs = {"scores": graph.scores_with(dropout)}
        super().__init__(classifier, TrainingGraph(graph, outputs), **kwargs)
        self.rate = float(rate)
        self.output_layer = output_layer
        self.seed = seed
        self._dropout = dropout
        self(self.symbolic_inputs)

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate, "output_layer": self.output_layer, "seed": self.seed}


class _Dropout(SavesItsSeed, keras.layers.Dropout):
    """Saves where its random numbers stand: training that goes on draws the masks that follow."""
