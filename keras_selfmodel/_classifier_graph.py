"""Where the pieces of a classifier lie: its final dense layer, the features that reads, named activations.

Keras describes a functional model by nodes (one call of one operation). They are the only way to tell which call
of a shared layer belongs to this model and what is computed from what, so this file reads the attributes
`Functional._nodes_by_depth` and `Node`; nothing else in the package touches Keras's internals.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import keras


def classifier_of(model: keras.Model) -> keras.Model:
    """The plain classifier: `model.classifier` of a self-modeling model, any other model itself."""
    return getattr(model, "classifier", model)


def final_kernel_layer(model: keras.Model) -> keras.Layer:
    """The last layer of a classifier that has a kernel: the one the class scores come from.

    Raises:
        ValueError: If there is none, or the model is neither functional nor Sequential.
    """
    return ClassifierGraph(model).final_node.operation


@dataclass(frozen=True)
class ClassifierGraph:
    """A functional view of a built functional or Sequential classifier with one output."""

    classifier: keras.Model

    @cached_property
    def functional(self) -> keras.Model:
        model = self.classifier
        if isinstance(model, keras.Sequential):
            if not model.built or not model.inputs:
                raise ValueError(
                    "The Sequential classifier does not know its input shape yet. Start it with keras.Input(shape), "
                    f"or call it on a batch first. Received: classifier={model.name!r}"
                )
            return keras.Model(model.inputs[0], model.outputs[0])
        if not hasattr(model, "_nodes_by_depth"):
            raise ValueError(
                "The classifier must be a functional or Sequential Keras model, whose layers can be read; a subclassed "
                "model hides them. Build it as keras.Model(inputs, outputs). "
                f"Received: classifier={model!r} of type {type(model).__name__}"
            )
        return model

    @cached_property
    def nodes(self) -> list:
        """Every call of an operation that is part of this model."""
        return [node for nodes in self.functional._nodes_by_depth.values() for node in nodes]

    def values_of_a_sample(self, longest: int) -> int:
        """How many numbers the inputs and all calls of layers put out for one sample, nested models included.

        Args:
            longest: What an axis of no fixed size is taken for.
        """
        total = 0
        for node in self.nodes:
            if isinstance(node.operation, keras.Sequential) or hasattr(node.operation, "_nodes_by_depth"):
                total += ClassifierGraph(node.operation).values_of_a_sample(longest)
            else:
                shapes = [tensor.shape[1:] for tensor in node.output_tensors]
                total += sum(math.prod(longest if size is None else size for size in shape) for shape in shapes)
        return total

    @cached_property
    def scores(self):
        """The symbolic class scores, `(batch, classes)`."""
        outputs = self.functional.outputs
        if len(outputs) != 1:
            raise ValueError(
                "The classifier must have one output, the class scores. "
                f"Received: {len(outputs)} outputs: {[output.name for output in outputs]}"
            )
        return outputs[0]

    @property
    def last_operation(self):
        """The layer or operation that the class scores come out of."""
        return self._producer(self.scores).operation

    @cached_property
    def final_node(self):
        """The call of the last layer with a kernel, found by walking back from the class scores."""
        tensor = self.scores
        while True:
            node = self._producer(tensor)
            if _has_kernel(node.operation):
                return node
            inputs = node.input_tensors
            if len(inputs) != 1:
                raise ValueError(
                    "No single final dense layer: walking back from the class scores, "
                    + (
                        "the inputs were reached without meeting a layer that has a kernel."
                        if not inputs
                        else f"'{node.operation.name}' joins {len(inputs)} branches. End the classifier with one "
                        "dense layer."
                    )
                    + f" Received: layers={self.layer_names}"
                )
            tensor = inputs[0]

    @property
    def features(self):
        """The symbolic input of the final layer with a kernel: what the self-prediction head reads too."""
        return self.final_node.input_tensors[0]

    def scores_from(self, features):
        """The symbolic class scores that the final layer, and what follows it, make of other features."""
        return keras.Model(self.features, self.scores)(features)

    @property
    def layer_names(self) -> list[str]:
        return [layer.name for layer in self.classifier.layers if not isinstance(layer, keras.layers.InputLayer)]

    def activation(self, name: str):
        """The symbolic output of the layer called `name`.

        Raises:
            ValueError: If there is no such layer, if it is called more than once, if it has several outputs or
                one of unknown size, or if it is computed from the features that the head reads.
        """
        if not isinstance(name, str):
            raise ValueError(f"targets are names of layers. Received: {name!r} of type {type(name).__name__}")
        nodes = [node for node in self.nodes if node.operation.name == name]
        if not nodes:
            raise ValueError(
                f"No layer called {name!r} in the classifier that could be a target (layers inside nested models "
                f"cannot). Received: targets containing {name!r}; layers: {self.layer_names}"
            )
        if len(nodes) > 1:
            raise ValueError(
                f"Layer {name!r} is called {len(nodes)} times, so its activation is ambiguous. Put a "
                "keras.layers.Identity(name=...) behind the call that is meant and name that as the target."
            )
        if len(nodes[0].output_tensors) != 1:
            raise ValueError(f"Layer {name!r} has {len(nodes[0].output_tensors)} outputs; a target has one.")
        tensor = nodes[0].output_tensors[0]
        if None in tensor.shape[1:]:
            raise ValueError(
                f"Target {name!r} has shape {tensor.shape}; all axes but the batch must be known, because each "
                "activation gets its own output of the head."
            )
        if tensor is not self.features and self._depends_on_features(nodes[0]):
            raise ValueError(
                f"Target {name!r} is computed from the features that the self-prediction head reads (the input of "
                f"{self.final_node.operation.name!r}). Choose a layer before that. Received: layers: "
                f"{self.layer_names}"
            )
        return tensor

    def _producer(self, tensor):
        for node in self.nodes:
            if any(output is tensor for output in node.output_tensors):
                return node
        raise ValueError(f"Tensor {tensor.name!r} is not part of the classifier {self.classifier.name!r}")

    def _depends_on_features(self, node) -> bool:
        pending, seen = [node], set()
        while pending:
            current = pending.pop()
            if id(current) in seen:
                continue
            seen.add(id(current))
            if any(tensor is self.features for tensor in current.input_tensors):
                return True
            pending.extend(current.parent_nodes)
        return False


def _has_kernel(operation) -> bool:
    return isinstance(operation, keras.Layer) and len(getattr(getattr(operation, "kernel", None), "shape", ())) >= 2
