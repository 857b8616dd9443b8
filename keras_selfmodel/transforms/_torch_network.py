"""A `torch.nn.Module` as a function of its weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import torch

from keras_selfmodel._internals.wrappers import uncompiled
from keras_selfmodel.transforms._network import Network, keras_axes, library_axes
from keras_selfmodel.transforms._torch_losses import keras_loss
from keras_selfmodel.transforms.tensors import AnyModel, Tensor

# Layers whose weights are stored as (out, in, ...), where Keras has (..., in, out).
_TURNED = (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_RANDOM = (
    torch.nn.Dropout,
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
    torch.nn.RReLU,
)


def network(model: AnyModel) -> Network | None:
    if not isinstance(model, torch.nn.Module) or isinstance(model, (keras.Layer, keras.Variable)):
        return None
    if isinstance(model, torch.jit.ScriptModule):
        raise ValueError(
            "model is a TorchScript module, whose weights cannot be replaced. Pass the torch.nn.Module that "
            "it was made of"
        )
    # What torch.compile returns would be compiled anew for the chains, in minutes.
    model = uncompiled(model)
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    turned = {id(layer.weight) for layer in model.modules() if isinstance(layer, _TURNED)}
    names = [name for name, parameter in parameters.items() if parameter.requires_grad]
    turns = [id(parameters[name]) in turned for name in names]
    kept = {name: p for name, p in parameters.items() if not p.requires_grad} | buffers

    def call(weights, other, x, training):
        tensors = {n: _as_torch(w) if turn else w for n, w, turn in zip(names, weights, turns, strict=True)}
        # Batch norm changes its statistics in place.
        others = {name: value.clone() if training else value for name, value in zip(kept, other, strict=True)}
        args, kwargs = ((), x) if isinstance(x, dict) else (tuple(x) if isinstance(x, (list, tuple)) else (x,), {})
        with _mode(model, training):
            outputs = torch.func.functional_call(model, {**tensors, **others}, args, kwargs)
        return outputs, list(others.values())

    weights = [_value(parameters[name]) for name in names]
    weights = [_as_keras(weight) if turn else weight for weight, turn in zip(weights, turns, strict=True)]
    return Network(
        names=names,
        weights=weights,
        other=[_value(value) for value in kept.values()],
        call=call,
        keras_loss=keras_loss,
        draws=any(isinstance(layer, _RANDOM) for layer in model.modules()),
    )


def _as_keras(weight: Tensor) -> Any:
    """(out, in, ...) as (..., in, out)."""
    return weight.permute(*keras_axes(weight.ndim)).contiguous()


def _as_torch(weight: Tensor) -> Any:
    """(..., in, out) as (out, in, ...)."""
    return weight.permute(*library_axes(weight.ndim))


def _value(tensor: torch.Tensor) -> torch.Tensor:
    value = tensor.detach()
    return keras.ops.convert_to_tensor(value.float() if value.is_floating_point() else value)


@contextmanager
def _mode(model: torch.nn.Module, training: bool) -> Iterator[None]:
    """The module in training or evaluation mode, and each of its parts as it was before afterwards."""
    before = [(part, part.training) for part in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for part, was in before:
            part.training = was
