"""Where the pieces of a classifier are: its final layer, the features which that reads, named activations."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy.typing as npt

from keras_selfmodel._internals.keras import is_built_sequential, layers_inside
from keras_selfmodel._layer_kernel import has_matrix, has_weights, is_several_layers, keeps_values, kernel_of
from keras_selfmodel._model_calls import Call, Value, calls_of, functional_of, model_behind, read_values
from keras_selfmodel.transforms.tensors import Tensor


class AroundClassifier(keras.Model):
    """The base of this package's models around a classifier; other models may use that name for a layer of theirs.

    Attributes:
        classifier: The plain classifier, an ordinary `keras.Model`.
        output_layer: Name of its final layer; `None` to find it.
    """

    classifier: keras.Model
    output_layer: str | None = None


def classifier_of(model: keras.Model) -> keras.Model:
    """The plain classifier: `model.classifier` of a model of this package around one, any other model itself."""
    return model.classifier if isinstance(model, AroundClassifier) else model


def answering_weights(model: keras.Model) -> list[keras.Variable]:
    """The weights that a model answers with, without heads of self-modeling models in it, and without its teacher."""
    if isinstance(model, keras.distillation.Distiller):
        model = model.student
    around = [layer for layer in layers_inside(model) if isinstance(layer, AroundClassifier)]
    answers = {id(weight) for layer in around for weight in layer.classifier.weights}
    heads = {id(weight) for layer in around for weight in layer.weights} - answers
    return [weight for weight in classifier_of(model).weights if id(weight) not in heads]


def final_kernel(model: keras.Model, output_layer: str | None = None) -> npt.NDArray:
    """The kernel of a classifier's final layer, the one the class scores come from.

    Args:
        model: The classifier, or a model of this package around one.
        output_layer: Name of that layer; `None` for what such a model was given, or to find it.

    Raises:
        ValueError: If there is none, it cannot be determined, or the model is neither functional nor Sequential.
    """
    return kernel_of(ClassifierGraph.of(model, output_layer).final_call.operation)


@dataclass(frozen=True)
class ClassifierGraph:
    """A functional view of a built functional or Sequential classifier, and of the models nested in it.

    Attributes:
        classifier: The classifier.
        output_layer: Name of its final layer; `None` to find it.
        in_inference: Whether models of this package that are nested in it are read as their classifiers. They compute
            more than these in training, where they are called as a whole.
    """

    classifier: keras.Model
    output_layer: str | None = None
    in_inference: bool = False

    @classmethod
    def of(cls, model: keras.Model, output_layer: str | None = None) -> "ClassifierGraph":
        """The view of a classifier in inference, which a model of this package may be around.

        Args:
            model, output_layer: As for `final_kernel`.
        """
        if output_layer is None and isinstance(model, AroundClassifier):
            output_layer = model.output_layer
        return cls(classifier_of(model), output_layer, in_inference=True)

    @cached_property
    def functional(self) -> keras.Model:
        model = self.classifier
        if not isinstance(model, keras.Model):
            raise ValueError(
                "The classifier must be a functional or Sequential Keras model. "
                f"Received: {model!r} of type {type(model).__name__}"
            )
        if isinstance(model, keras.Sequential) and not is_built_sequential(model):
            raise ValueError(
                "Keras does not know the shapes in the Sequential classifier: a TorchModuleWrapper needs that of what "
                f"it puts out, such as output_shape=(None, 10). Received: {model.name!r}"
                if model.built
                else "The Sequential classifier does not know its input shape yet. Start it with keras.Input(shape), "
                f"or call it on a batch first. Received: {model.name!r}"
            )
        if classifier_of(model) is not model:
            raise ValueError(
                f"The classifier must be a plain one. Received: {model.name!r} of type {type(model).__name__}, which "
                "wraps one. Pass its classifier, model.classifier"
            )
        functional = functional_of(model)
        if functional is None:
            raise ValueError(
                "The classifier must be a functional or Sequential Keras model, whose layers can be read: a subclassed "
                "model hides which activations become which. Pass a functional model of the same layers, "
                "keras.Model(inputs, model.call(inputs)) with inputs = keras.Input(shape): it shares the weights. "
                f"Received: {model.name!r} of type {type(model).__name__}"
            )
        return functional

    @cached_property
    def _calls_and_outputs(self) -> tuple[list[Call], list[Value]]:
        return calls_of(self.functional, self._read_as)

    def _read_as(self, nested: keras.Model) -> keras.Model:
        return classifier_of(nested) if self.in_inference else nested

    @property
    def calls(self) -> list[Call]:
        """Every call of a layer or operation that is part of this model, those inside nested models included."""
        return self._calls_and_outputs[0]

    @property
    def output_values(self) -> list[Value]:
        """What the outputs are among what the calls put out."""
        return self._calls_and_outputs[1]

    def values_of_a_sample(self, longest: int) -> int:
        """How many numbers the inputs and all calls of layers put out for one sample, nested models included.

        Args:
            longest: Length assumed for an axis without a fixed size.
        """
        shapes = [tensor.shape[1:] for tensor in self.functional.inputs]
        shapes += [value.shape[1:] for call in self.calls if not call.opened for value in call.outputs]
        return sum(math.prod(longest if size is None else size for size in shape) for shape in shapes)

    @property
    def scores(self) -> Tensor:
        """The symbolic class scores, `(batch, classes)`; of several outputs, all, in the user's structure."""
        return self._as_output(self.functional.outputs)

    @property
    def last_operation(self) -> Any:
        """The layer or operation that the class scores come out of, before any that leave their values as they are."""
        (output,) = self.output_values
        call = self.producers[id(output)]
        while keeps_values(call.operation) and id(call.inputs[0]) in self.producers:
            call = self.producers[id(call.inputs[0])]
        return call.operation

    @cached_property
    def final_call(self) -> Call:
        """The call of the layer that the class scores come from: the last one that has weights.

        Raises:
            ValueError: If there is none, or it cannot be determined which it is.
        """
        if self.output_layer is not None:
            call = self._call(self.output_layer, "output_layer")
            if not call.inputs:
                raise ValueError(f"output_layer={self.output_layer!r} reads nothing.")
            return call
        finals, between = self._last_weighted(self.output_values)
        names = [call.path for call in (*between, *finals)]
        if not names:
            raise ValueError(
                "No final layer: walking back from the class scores, the inputs were reached without meeting a layer "
                f"that has weights. Received: layers {', '.join(map(repr, self.layer_names))}"
            )
        if between:
            reason = (
                f"{', '.join(repr(call.path) for call in between)} {'has' if len(between) == 1 else 'have'} weights, "
                "but none that is certainly a matrix"
            )
        elif len(finals) > 1:
            reason = f"the class scores join {len(finals)} branches, or there are several outputs"
        elif isinstance(finals[0].operation, AroundClassifier):
            reason = f"{finals[0].path!r} is trained by an objective of its own and is therefore called as a whole"
        elif is_several_layers(finals[0].operation):
            reason = f"{finals[0].path!r} is made of several layers that have weights"
        else:
            return finals[0]
        raise ValueError(
            f"It cannot be determined which of {', '.join(map(repr, names))} is the final layer (output_layer=…): "
            f"{reason}."
        )

    @cached_property
    def features(self) -> Value:
        """What the final layer reads, and by default the self-prediction head too."""
        return self.final_call.features

    def scores_with(self, changed_features: Callable) -> Tensor:
        """The symbolic outputs where the final layer reads a function of its features instead of these."""
        return self._as_output(read_values(self.functional, (), self._read_as, (self.final_call, changed_features))[0])

    def read(self, values: Sequence[Value]) -> tuple:
        """The symbolic outputs, in the user's structure, and other symbolic tensors of the same graph."""
        outputs, tensors = read_values(self.functional, values, self._read_as)
        return self._as_output(outputs), tensors

    def rest(self, value: Value) -> tuple[list[Value], keras.Model]:
        """See `model_behind`."""
        return model_behind(*self._calls_and_outputs, value)

    @property
    def layer_names(self) -> list[str]:
        """The names that layers go by, "backbone/block_3" those inside a nested model."""
        return [call.path for call in self.calls if isinstance(call.operation, keras.Layer)]

    def activation(self, name: str, argument: str = "targets") -> Value:
        """The output of the layer called `name`; "name:1" is the second of several outputs.

        Raises:
            ValueError: If there is no such layer, if it is called more than once, or if it has several outputs.
        """
        path, colon, number = str(name).rpartition(":")
        if not colon or not number.isdecimal() or any(call.path == name for call in self.calls):
            path, number = name, ""
        outputs = self._call(path, argument).outputs
        if not number and len(outputs) != 1:
            raise ValueError(
                f"Layer {name!r} has {len(outputs)} outputs. Say which is meant, from '{name}:0' to "
                f"'{name}:{len(outputs) - 1}'."
            )
        if number and int(number) >= len(outputs):
            raise ValueError(f"Layer {path!r} has {len(outputs)} outputs, counted from 0. Received: {name!r}")
        return outputs[int(number or 0)]

    def reads(self, value: Value, source: Value) -> bool:
        """Whether a value is computed from another one; not whether it is that one."""
        pending, seen = [value], set()
        while pending:
            call = self.producers.get(id(pending.pop()))
            if call is None or id(call) in seen:
                continue
            seen.add(id(call))
            if any(one is source for one in call.inputs):
                return True
            pending.extend(call.inputs)
        return False

    @cached_property
    def producers(self) -> dict[int, Call]:
        """The calls by the ids of what they put out."""
        return {id(value): call for call in self.calls if not call.opened for value in call.outputs}

    def _as_output(self, tensors: Sequence) -> Any:
        packed = keras.tree.pack_sequence_as(self.functional.output, tensors)
        return packed[0] if isinstance(packed, list | tuple) and len(packed) == 1 else packed

    def _call(self, name: str, argument: str) -> Call:
        if not isinstance(name, str):
            raise ValueError(f"{argument} must be the name of a layer of the classifier. Received: {argument}={name!r}")
        calls = [call for call in self.calls if call.path == name]
        if not calls:
            raise ValueError(
                f"No layer called {name!r} in the classifier (layers inside a nested model are called "
                f"'model/layer'). Received: {argument}={name!r}; layers: {', '.join(self.layer_names)}"
            )
        if len(calls) > 1:
            raise ValueError(
                f"Layer {name!r} is called {len(calls)} times, so its activation is ambiguous. Put a "
                f"keras.layers.Identity(name=...) after the call that is meant, and give its name. Received: "
                f"{argument}={name!r}"
            )
        return calls[0]

    def _last_weighted(self, outputs: Sequence[Value]) -> tuple[list[Call], list[Call]]:
        """The last layers with a matrix, and those with other weights that lie behind."""
        found = self._weighted_behind(outputs)
        final = [call for call in found if _has_matrix(call)]
        between = [call for call in found if call not in final]
        if between:
            before, further = self._last_weighted([value for call in between for value in call.inputs])
            between = [*between, *(call for call in further if call not in between)]
            final = [*final, *(call for call in before if call not in final)]
        return final, between

    def _weighted_behind(self, outputs: Sequence[Value]) -> list[Call]:
        pending, seen, found = list(outputs), set(), []
        while pending:
            call = self.producers.get(id(pending.pop()))
            if call is None or id(call) in seen:
                continue
            seen.add(id(call))
            if has_weights(call.operation):
                found.append(call)
            else:
                pending.extend(call.inputs)
        return found


def _has_matrix(call: Call) -> bool:
    return has_matrix(call.operation, [one.shape for one in call.inputs], [one.shape for one in call.outputs])
