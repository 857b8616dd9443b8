"""The training graph of lesion prediction: class scores, and what silencing a unit changes, predicted and true."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._internals.keras import model_around
from keras_selfmodel.initializers.seeds import checked_seed
from keras_selfmodel.models._heads import check_prediction, checked_head
from keras_selfmodel.models._masks import masks_of_units
from keras_selfmodel.models._saved_seed import SavesItsSeed
from keras_selfmodel.models._targets import flat
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models._unit_axes import axis_of_units, checked_axis
from keras_selfmodel.transforms.tensors import Tensor

# Of the units that are silenced outside training.
SEED_OF_VALIDATION = 0


class LesionNetwork(TrainingGraph):
    """Calls the classifier, the head, and what follows the chosen layer, with one unit silenced and with none.

    Args:
        graph: The classifier.
        layer: Name of the layer whose units are silenced; `None` for what the final layer reads.
        axis: The axis of the units; `None` to find it.
        make_head: Makes the head for n outputs.
        stop_gradient: As for `LesionPredictionModel`.
        seed: Fixes which units are silenced.

    Attributes:
        units: How many units the layer has.
        outputs: Number of outputs n whose change is predicted.
        head: The layer that predicts it.
        draw: The layer that draws the units.
    """

    def __init__(
        self,
        graph: ClassifierGraph,
        layer: str | None,
        axis: int | None,
        *,
        make_head: Callable[[int], keras.Layer],
        stop_gradient: bool,
        seed: Any,
    ) -> None:
        value = graph.features if layer is None else graph.activation(layer, "layer")
        where = f"the input of {graph.final_call.path!r}" if layer is None else f"layer {layer!r}"
        axis = axis_of_units(graph, value, where) if axis is None else checked_axis(axis, len(value.shape))
        if len(value.shape) < 2 or value.shape[axis] is None:
            raise ValueError(f"The number of units must be known. Received: {where} of shape {value.shape}")
        self.units = value.shape[axis]
        others, rest = graph.rest(value)
        scores, (activation, *others) = graph.read([value, *others])
        flat_scores = keras.tree.flatten(scores)
        for place, one in enumerate(flat_scores):
            if None in one.shape[1:]:
                raise ValueError(
                    "All axes of the outputs but the batch must be known, because the head predicts each number. "
                    f"Received: output {place} of shape {tuple(one.shape)}"
                )
        untouched = set(map(id, rest.inputs[1:]))
        if all(id(output) in untouched for output in rest.outputs):
            raise ValueError(f"No output of the classifier is computed from {where}, so silencing it has no effect.")
        self._functional = graph.functional
        self._values = [activation, *others]
        self._change = _Change(rest, axis)
        self._read_by_head = _UnitActivations(axis)(activation)
        self.outputs = sum(math.prod(one.shape[1:]) for one in flat_scores)
        self.head = checked_head(graph, make_head(self.outputs))
        self.draw = _DrawnUnit(self.units, seed)
        self._mask = masks_of_units(flat_scores)
        outputs = self._of(self.draw(self._read_by_head))
        if stop_gradient:
            outputs["lesion_change"] = ops.stop_gradient(outputs["lesion_change"])
            # With its gradient, the change is computed before the weights are written anyway.
            in_order = _ComputedAfter()
            scores = keras.tree.map_structure(lambda one: in_order([one, outputs["lesion_change"]]), scores)
        super().__init__(graph, {"scores": scores, **outputs})

    def _of(self, silenced: Tensor) -> dict:
        """The change of the outputs, predicted and true, where these units are silenced, `(batch, units)`."""
        prediction = flat(self.head(ops.concatenate([self._read_by_head, silenced], axis=-1)))
        check_prediction(self.head, prediction, self.outputs, "outputs whose change is predicted")
        activation, *others = self._values
        outputs = {"lesion_prediction": prediction, "lesion_change": self._change([activation, silenced, *others])}
        return outputs if self._mask is None else outputs | {"target_mask": self._mask}

    @cached_property
    def with_units_given(self) -> keras.Model:
        """A model of a list of the classifier's inputs and the silenced units, one-hot, `(batch, units)`."""
        silenced = keras.Input((self.units,), name="silenced")
        return model_around(self._functional, [self.inputs, silenced], self._of(silenced))


class _DrawnUnit(SavesItsSeed, keras.layers.Layer):
    """Draws a unit for each sample, one-hot: `(batch, units)`.

    Outside training the draws are the same at any time: validation is measured alike after every epoch, and changes
    nothing about the training.
    """

    def __init__(self, units: int, seed: Any) -> None:
        super().__init__(trainable=False, autocast=False, name="drawn_unit")
        self.units = units
        seed = checked_seed(seed)
        # Keras takes one number.
        self.seed_generator = keras.random.SeedGenerator(
            int(np.random.default_rng(seed).integers(2**31)) if isinstance(seed, list) else seed
        )

    def call(self, activations: Tensor, training: bool | None = None) -> Tensor:
        seed = self.seed_generator if training else SEED_OF_VALIDATION
        drawn = keras.random.randint((ops.shape(activations)[0],), 0, self.units, seed=seed)
        return ops.one_hot(drawn, self.units, dtype=keras.config.floatx())

    def compute_output_spec(self, activations: Tensor, training: bool | None = None) -> Any:
        return keras.KerasTensor((activations.shape[0], self.units), dtype=keras.config.floatx())


class _UnitActivations(keras.layers.Layer):
    """One number for each unit, `(batch, units)`: the activation, or its mean over positions or unmasked steps."""

    def __init__(self, axis: int) -> None:
        super().__init__(trainable=False, autocast=False)
        self.supports_masking = True
        self.axis = axis

    def call(self, activations: Tensor, mask: Tensor | None = None) -> Tensor:
        activations, axes = ops.cast(activations, keras.config.floatx()), len(activations.shape)
        positions = [axis for axis in range(1, axes) if axis != self.axis % axes]
        if mask is None:
            return ops.mean(activations, axis=positions) if positions else activations
        counts = ops.cast(mask, activations.dtype)
        counts = ops.reshape(counts, (*ops.shape(mask), *[1] * (axes - len(mask.shape))))
        counts = ops.broadcast_to(counts, ops.shape(activations))
        return ops.divide_no_nan(ops.sum(activations * counts, axis=positions), ops.sum(counts, axis=positions))

    def compute_mask(self, activations: Tensor, mask: Tensor | None = None) -> None:
        return None

    def compute_output_spec(self, activations: Tensor, mask: Tensor | None = None) -> Any:
        return keras.KerasTensor((activations.shape[0], activations.shape[self.axis]), dtype=keras.config.floatx())


class _ComputedAfter(keras.layers.Layer):
    """Returns the first of two values, computed after the second; see `transforms.after`."""

    def __init__(self) -> None:
        super().__init__(trainable=False, autocast=False)
        self.supports_masking = True

    def call(self, values: list, mask: Any = None) -> Tensor:
        return transforms.after(*values)

    def compute_mask(self, values: list, mask: Any = None) -> Any:
        return None if mask is None else mask[0]

    def compute_output_spec(self, values: list, mask: Any = None) -> Any:
        return keras.KerasTensor(values[0].shape, dtype=values[0].dtype)


class _Change(keras.layers.Layer):
    """What silencing a unit changes of the outputs, flattened and concatenated: `(batch, n)`.

    A layer, because Keras hands masks to layers only, and because what follows the silenced layer computes in inference
    whatever the mode of the graph: else the noise of a dropout would be part of the change, and batch normalization
    would count the lesioned network in its statistics.

    Args:
        rest: The model that computes the outputs from the activation and whatever else they depend on.
        axis: The axis of the units.
    """

    def __init__(self, rest: keras.Model, axis: int) -> None:
        super().__init__(trainable=False, autocast=False)
        self.supports_masking = True
        self._rest = rest
        self.axis = axis

    def call(self, values: list, mask: Any = None) -> Tensor:
        activation, silenced, *others = values
        shape = [1] * len(activation.shape)
        shape[0], shape[self.axis] = -1, activation.shape[self.axis]
        lesioned = ops.where(ops.reshape(silenced, shape) > 0, ops.zeros_like(activation), activation)
        masks = None if mask is None else [one for place, one in enumerate(mask) if place != 1]
        return self._outputs([lesioned, *others], masks) - self._outputs([activation, *others], masks)

    def _outputs(self, values: list, masks: list | None) -> Tensor:
        # Without its losses: those of the classifier's layers count once.
        weights = [variable.value for variable in self._rest.trainable_variables]
        state = [variable.value for variable in self._rest.non_trainable_variables]
        outputs, _ = self._rest.stateless_call(weights, state, values, training=False, mask=masks)
        precision = keras.config.floatx()
        outputs = [
            ops.reshape(ops.cast(one, precision), (-1, math.prod(one.shape[1:]))) for one in keras.tree.flatten(outputs)
        ]
        return ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]

    def compute_mask(self, values: list, mask: Any = None) -> None:
        return None

    def compute_output_spec(self, values: list, mask: Any = None) -> Any:
        outputs = sum(math.prod(one.shape[1:]) for one in self._rest.outputs)
        return keras.KerasTensor((values[0].shape[0], outputs), dtype=keras.config.floatx())
