"""Convolutions in loops on a CPU, in the one layout for which XLA has a fast program there."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.extend import core

from keras_selfmodel.transforms.tensors import Tensor

# Depthwise convolutions are written out, one operation for each position of the kernel, up to 7 × 7.
POSITIONS = 49


def with_fast_convolutions(function: Callable) -> Callable:
    """The same function, whose convolutions are fast inside a loop that XLA compiles for a CPU.

    XLA brings convolutions into the layout that Eigen computes, `(batch, space, features)` by `(space, in, out)`, but
    only outside loops. Inside, every other layout becomes a plain loop over single numbers: the gradients of a network
    of convolutions took ten times as long (benchmarks/rlct_convolutions.py). So the axes are put into that order here.

    Args:
        function: Function of trees of arrays. Without convolutions, it is called as it is.
    """

    def changed(*args):
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        if not _convolves(closed.jaxpr):
            return function(*args)
        results = _evaluate(closed, *jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shape), results)

    return changed


def _convolves(jaxpr: Any) -> bool:
    return any(
        equation.primitive is jax.lax.conv_general_dilated_p
        or any(_convolves(inner.jaxpr) for inner in _programs(equation.params))
        for equation in jaxpr.eqns
    )


def _programs(params: dict) -> list[core.ClosedJaxpr]:
    """The programs that an operation runs: bodies of loops, branches, functions called."""
    return [part for part in jax.tree.leaves(params, is_leaf=_is_program) if _is_program(part)]


def _is_program(part: Any) -> bool:
    return isinstance(part, core.ClosedJaxpr)


def _evaluate(closed: core.ClosedJaxpr, *args: Any) -> list:
    """Computes a program, each convolution by `_convolve`."""
    values = dict(zip([*closed.jaxpr.constvars, *closed.jaxpr.invars], [*closed.consts, *args], strict=True))

    def read(atom):
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in closed.jaxpr.eqns:
        inputs = [read(atom) for atom in equation.invars]
        outputs = _operate(equation, inputs)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in closed.jaxpr.outvars]


def _operate(equation: Any, inputs: list) -> list:
    primitive, params = equation.primitive, equation.params
    if primitive is jax.lax.conv_general_dilated_p:
        return [_convolve(*inputs, **params)]
    if "call_jaxpr" in params and _programs(params) and _convolves(params["call_jaxpr"].jaxpr):
        return _evaluate(params["call_jaxpr"], *inputs)  # A function with a derivative of its own, taken already.
    if any(_convolves(inner.jaxpr) for inner in _programs(params)):
        params = jax.tree.map(lambda part: _rewritten(part) if _is_program(part) else part, params, is_leaf=_is_leaf)
    bound = primitive.get_bind_params(params)
    subfunctions, params = bound if isinstance(bound, tuple) else ((), bound)  # A pair in older versions.
    outputs = primitive.bind(*subfunctions, *inputs, **params)
    return list(outputs) if primitive.multiple_results else [outputs]


def _is_leaf(part: Any) -> bool:
    # Only dictionaries, tuples and lists may hold programs; all else is passed on untouched.
    return not isinstance(part, dict | tuple | list)


def _rewritten(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type) for aval in closed.in_avals]
    return jax.make_jaxpr(lambda *args: _evaluate(closed, *args))(*shapes)


def _convolve(lhs: Tensor, rhs: Tensor, *, dimension_numbers: Any, **params: Any) -> Tensor:
    """The convolution with its axes in Eigen's order; of single features (depthwise), without Eigen, which has none."""
    (batch, feature, *space), (out, into, *kernel_space), result = dimension_numbers
    last = len(space) + 1
    ours = jax.lax.ConvDimensionNumbers(
        (0, last, *range(1, last)), (last, last - 1, *range(last - 1)), (0, last, *range(1, last))
    )
    canonical = partial(jax.lax.conv_general_dilated_p.bind, dimension_numbers=ours, **params)
    features, samples = params["feature_group_count"], params["batch_group_count"]
    moved = jax.lax.transpose(lhs, (batch, *space, feature)), jax.lax.transpose(rhs, (*kernel_space, into, out))
    size, kernel = jax.eval_shape(canonical, *moved).shape[1:-1], moved[1].shape[:-2]
    if features == samples == 1:
        convolved = canonical(*moved)
    elif features == lhs.shape[feature] and math.prod(kernel) <= POSITIONS:
        convolved = _of_features(*moved, size, **params)
    elif samples == lhs.shape[batch] and math.prod(size) <= POSITIONS:
        convolved = _of_samples(*moved, size, **params)
    else:  # Groups of several features: a plain loop is not slower than products of small matrices.
        return jax.lax.conv_general_dilated_p.bind(lhs, rhs, dimension_numbers=dimension_numbers, **params)
    return jax.lax.transpose(convolved, tuple(np.argsort((result[0], *result[2:], result[1]))))


def _of_features(
    lhs: Tensor,
    rhs: Tensor,
    size: tuple[int, ...],
    *,
    window_strides: Sequence[int],
    rhs_dilation: Sequence[int],
    **params: Any,
) -> Tensor:
    """Each feature `(batch, space, features)` by kernels of its own `(kernel, 1, out)`: a sum over the kernel."""
    batch, features = lhs.shape[0], lhs.shape[-1]
    lhs, rhs = _padded(lhs, **params), rhs.reshape(*rhs.shape[:-2], features, -1)
    total: Any = 0.0
    for position in np.ndindex(*rhs.shape[:-2]):
        start = [place * apart for place, apart in zip(position, rhs_dilation, strict=True)]
        total += _part(lhs, start, size, window_strides)[..., None] * rhs[position]
    return total.reshape(batch, *size, -1)


def _of_samples(
    lhs: Tensor,
    rhs: Tensor,
    size: tuple[int, ...],
    *,
    window_strides: Sequence[int],
    rhs_dilation: Sequence[int],
    **params: Any,
) -> Tensor:
    """The gradient of such kernels, where the features are the batch: one position of the result after another."""
    kernel, (into, out) = rhs.shape[:-2], rhs.shape[-2:]
    features, points = lhs.shape[0], math.prod(kernel)
    lhs, rhs = _padded(lhs, **params), rhs.reshape(points, into, features, out // features)
    results = []
    for position in np.ndindex(*size):
        start = [place * apart for place, apart in zip(position, window_strides, strict=True)]
        seen = _part(lhs, start, kernel, rhs_dilation).reshape(features, points, into)
        results.append(jax.numpy.einsum("gpi,pigo->go", seen, rhs).ravel())
    return jax.numpy.stack(results).reshape(1, *size, out)


def _padded(lhs: Tensor, *, padding: Sequence[tuple[int, int]], lhs_dilation: Sequence[int], **_: Any) -> Tensor:
    gaps = [(low, high, dilation - 1) for (low, high), dilation in zip(padding, lhs_dilation, strict=True)]
    return jax.lax.pad(lhs, np.zeros((), lhs.dtype), [(0, 0, 0), *gaps, (0, 0, 0)])


def _part(lhs: Tensor, start: Sequence[int], count: Sequence[int], step: Sequence[int]) -> Tensor:
    """Of the space, `count` points from `start`, `step` apart."""
    stop = [first + (many - 1) * apart + 1 for first, many, apart in zip(start, count, step, strict=True)]
    return jax.lax.slice(lhs, (0, *start, 0), (len(lhs), *stop, lhs.shape[-1]), (1, *step, 1))
