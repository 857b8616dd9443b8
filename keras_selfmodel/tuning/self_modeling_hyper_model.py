"""Any hypermodel of keras-tuner, with self-modeling."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import keras_tuner

from keras_selfmodel.callbacks import WeightSpread
from keras_selfmodel.models import SelfModelingModel

Builder = Callable[[keras_tuner.HyperParameters], keras.Model]


class SelfModelingHyperModel(keras_tuner.HyperModel):
    """Searches how a classifier should model itself, together with the classifier's own hyperparameters.

    Adds the hyperparameters `aux_weight`, `targets` and `head`, as far as they have more than one value. For any
    tuner of keras-tuner. The logs have, besides Keras's, `weight_spread`, so that
    `keras_tuner.Objective("weight_spread", "min")` is possible; with `callbacks.RLCT` among the callbacks of `search`,
    `rlct` too.

    Args:
        classifier: `classifier(hp)` returns a compiled functional or Sequential classifier; or a
            `keras_tuner.HyperModel`, whose `fit` is used too.
        targets: The alternatives, each the name of a layer or several of them: `["hidden", ("block", "hidden")]`.
        aux_weights: The auxiliary weights, ≥ 0. With 0 the classifier trains as it would alone.
        heads: The alternatives by name, each as `head` of `SelfModelingModel`: `None`, or `head(n)` that returns the
            layer which predicts n activations, such as `layers.DeepSelfPredictionHead`.
        stop_gradient: As for `SelfModelingModel`.
        target_normalization: As for `SelfModelingModel`.
        seed: Seed of the default head.
        **kwargs: `name`, `tunable`.

    Raises:
        ValueError: If there is no target, weight or head; from `build`, if the classifier is not compiled.

    Example:

    >>> def classifier(hp):
    ...     hidden = keras.layers.Dense(hp.Int("units", 4, 8), activation="relu", name="hidden")
    ...     model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(3)])
    ...     model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    ...     return model
    >>> hypermodel = SelfModelingHyperModel(classifier, ["hidden"], aux_weights=[0, 1, 10])
    >>> hp = keras_tuner.HyperParameters()
    >>> hypermodel.build(hp).aux_weight, hp.values
    (0.0, {'units': 4, 'aux_weight': 0.0})
    """

    def __init__(
        self,
        classifier: Builder | keras_tuner.HyperModel,
        targets: Sequence[str | Sequence[str]],
        aux_weights: Sequence[float] = (0.0, 0.1, 1.0, 10.0, 100.0),
        *,
        heads: Mapping[str, Callable[[int], keras.Layer] | None] | None = None,
        stop_gradient: bool = True,
        target_normalization: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        targets = [targets] if isinstance(targets, str) else targets
        self._targets = {"+".join(names): names for names in ([t] if isinstance(t, str) else list(t) for t in targets)}
        self._aux_weights = [float(weight) for weight in aux_weights]
        self._heads = {"linear": None} if heads is None else dict(heads)
        given = {"targets": self._targets, "aux_weights": self._aux_weights, "heads": self._heads}
        for argument, alternatives in given.items():
            if not alternatives:
                raise ValueError(
                    f"{argument} must contain at least one alternative. Received: {argument}={alternatives}"
                )
        self._classifier = classifier
        self._options: dict = {
            "stop_gradient": stop_gradient,
            "target_normalization": target_normalization,
            "seed": seed,
        }

    def build(self, hp: keras_tuner.HyperParameters) -> SelfModelingModel:
        """The self-modeling network of these values, compiled as its classifier was."""
        inner = self._classifier
        classifier = inner.build(hp) if isinstance(inner, keras_tuner.HyperModel) else inner(hp)
        if not classifier.compiled:
            raise ValueError(f"The classifier must be compiled. Received: {classifier.name!r}, not compiled.")
        targets = self._targets[_chosen(hp, "targets", list(self._targets))]
        aux_weight = _chosen(hp, "aux_weight", self._aux_weights)
        head = self._heads[_chosen(hp, "head", list(self._heads))]
        model = SelfModelingModel(classifier, targets, aux_weight, head=head, **self._options)
        model.compile_from_config(classifier.get_compile_config())
        return model

    def fit(
        self, hp: keras_tuner.HyperParameters, model: SelfModelingModel, *args: Any, callbacks: Any = (), **kwargs: Any
    ) -> Any:
        """Trains, with the weight spread in the logs before keras-tuner's callbacks look at them."""
        kwargs["callbacks"] = [WeightSpread(), *callbacks]
        if isinstance(self._classifier, keras_tuner.HyperModel):
            return self._classifier.fit(hp, model, *args, **kwargs)
        return model.fit(*args, **kwargs)


def _chosen(hp: keras_tuner.HyperParameters, name: str, values: list) -> Any:
    return hp.Choice(name, values) if len(values) > 1 else values[0]
