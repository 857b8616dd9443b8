"""The training graph of self-modeling: class scores, prediction and its target in a single forward pass."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel._model_calls import Value
from keras_selfmodel.models._heads import check_prediction, checked_head
from keras_selfmodel.models._masks import masks_of_steps, masks_of_units
from keras_selfmodel.models._targets import (
    TargetNormalization,
    check_sizes,
    concatenated,
    flat,
    steps_apart,
    target_tensor,
)
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.transforms.tensors import Tensor

# Layers that an error lists: those that are nearest to the head.
NEAREST = 12


class JointNetwork(TrainingGraph):
    """Calls the classifier, the head and, if something else than the classifier is predicted, that network.

    Args:
        graph: The classifier.
        targets: Names of its layers, or a frozen network that takes the same inputs.
        features: Names of the layers that the head reads; `None` for what the final layer reads.
        make_head: Makes the head for n target values.
        transformation: A layer that is applied to the target, or `None`.
        stop_gradient: As for `SelfModelingModel`.
        normalization: As for `SelfModelingModel`.
        per_timestep: As for `SelfModelingModel`.
        steps_ahead: As for `SelfModelingModel`.

    Attributes:
        units: Number of target values n, all targets together; of one timestep, if the head is applied to each.
        head: The layer that predicts them.
    """

    def __init__(
        self,
        graph: ClassifierGraph,
        targets: Sequence[str] | keras.Model,
        *,
        features: Sequence[str] | None,
        make_head: Callable[[int], keras.Layer],
        transformation: keras.Layer | None,
        stop_gradient: bool,
        normalization: TargetNormalization,
        per_timestep: bool,
        steps_ahead: int,
    ) -> None:
        network = targets if isinstance(targets, keras.Model) else None
        models_itself = network is None
        sources = [graph.features] if features is None else [graph.activation(name, "features") for name in features]
        values = [graph.activation(name) for name in targets] if models_itself else []
        if models_itself and features is None:
            _check_upstream(graph, targets, values)
        scores, read = graph.read([*sources, *values])
        read_at, activations = read[: len(sources)], read[len(sources) :]
        names: Sequence[str] = targets
        if network is not None:
            activations = _outputs(network, graph)
            names = [f"{network.name}:{number}" for number in range(len(activations))]
        check_sizes("targets", names, activations, per_timestep=per_timestep)
        names = [graph.final_call.path] if features is None else features
        check_sizes("features" if features else "the input of", names, read_at, per_timestep=per_timestep)
        target = target_tensor(activations, normalization, per_timestep=per_timestep)
        if transformation is not None:
            target = flat(transformation(target), per_timestep=per_timestep)
        read_by_head = concatenated([flat(tensor, per_timestep=per_timestep) for tensor in read_at])
        self.units = target.shape[-1]
        of = f"targets={list(targets)}" if network is None else f"the network {network.name!r}"
        self.head = checked_head(graph, make_head(self.units))
        prediction = flat(self.head(read_by_head), per_timestep=per_timestep)
        check_prediction(self.head, prediction, self.units, f"target activations of {of}")
        mask = None
        if per_timestep:
            prediction, target = steps_apart(prediction, target, steps_ahead)
            mask = masks_of_steps(activations, read_at if models_itself else [], steps_ahead)
        elif transformation is None:
            mask = masks_of_units(activations)
        if stop_gradient:
            target = ops.stop_gradient(target)
        outputs = {"scores": scores, "self_prediction": prediction}
        predicted = {"target": target}
        predicted |= {} if mask is None else {"target_mask": mask}
        super().__init__(graph, outputs | predicted if models_itself else outputs)
        # A graph of its own, because a functional model passes its mode on to all that is in it.
        self._frozen = None
        if network is not None:
            inputs = network.inputs[0] if len(network.inputs) == 1 else network.input
            self._frozen = keras.Model(inputs, predicted, name="frozen_target")

    def __call__(self, inputs: Tensor, training: bool | None = None) -> dict:
        outputs = super().__call__(inputs, training=training)
        if self._frozen is None:
            return outputs
        # Without its losses: regularizers of a network that does not learn are no part of the task.
        state = [variable.value for variable in self._frozen.non_trainable_variables]
        return outputs | self._frozen.stateless_call([], state, inputs, training=False)[0]

    def predict_on_batch(self, inputs: Tensor) -> dict:
        outputs = super().predict_on_batch(inputs)
        return outputs if self._frozen is None else outputs | self._frozen.predict_on_batch(inputs)


def _check_upstream(graph: ClassifierGraph, names: Sequence[str], values: Sequence[Value]) -> None:
    for name, value in zip(names, values, strict=True):
        if value is not graph.features and graph.reads(value, graph.features):
            possible = [one for one in graph.layer_names if _is_upstream(graph, one)]
            nearest = f"the last {NEAREST} of {len(possible)}" if len(possible) > NEAREST else "all"
            raise ValueError(
                f"Target {name!r} is computed from the features that the self-prediction head reads (the input of "
                f"{graph.final_call.path!r}). Choose a target before what the head reads (features=…). Received: "
                f"target {name!r}; layers before the head, {nearest}: {possible[-NEAREST:]}"
            )


def _is_upstream(graph: ClassifierGraph, name: str) -> bool:
    outputs = [value for call in graph.calls if call.path == name for value in call.outputs]
    return not any(value is not graph.features and graph.reads(value, graph.features) for value in outputs)


def _outputs(network: keras.Model, graph: ClassifierGraph) -> list:
    """The symbolic outputs of a frozen network that is predicted.

    Raises:
        ValueError: If it is not frozen, takes other inputs than the classifier, or hides what it does.
    """
    if not getattr(network, "outputs", None):
        raise ValueError(
            "A network that is predicted must be functional, or Sequential with a keras.Input. "
            f"Received: targets={network.name!r} of type {type(network).__name__}"
        )
    if network.trainable_variables:
        raise ValueError(
            "A network that is predicted must be frozen: set its trainable = False before. "
            f"Received: targets={network.name!r} with {len(network.trainable_variables)} trainable variables"
        )
    shapes = [
        [tuple(tensor.shape[1:]) for tensor in keras.tree.flatten(inputs)]
        for inputs in (network.inputs, graph.functional.input)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "A network that is predicted must take the classifier's inputs. Received: targets="
            f"{network.name!r} for samples of shape {shapes[0]}; the classifier's: {shapes[1]}"
        )
    return network.outputs
