"""A function of each chain, mapped; PyTorch records it after some calls, which must change nothing but the time."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

import keras_selfmodel as ksm
from keras_selfmodel import transforms

# More than `CALLS_BEFORE_RECORDING` on PyTorch.
CALLS = 40

torch_only = pytest.mark.skipif(keras.config.backend() != "torch", reason="only PyTorch records")


def mapped_many_times(rng, chains: int, batch: int, mapped) -> None:
    """Compares with NumPy, at each call with other values of all that is given."""
    for _ in range(CALLS):
        x, w, table = (rng.normal(size=size).astype("float32") for size in ((chains, batch), (chains, 3), (5, 3)))
        index = rng.integers(0, 5, (chains, batch), dtype=np.int32)
        tensors = [ops.convert_to_tensor(a) for a in (x, w, index, table)]
        _, (sums, scaled) = transforms.jit(lambda x, *rest: (x, mapped(x, *rest[:2], shared=(rest[2],))))(*tensors)
        # Sums of at most 21 products near 1 in float32.
        expected = np.einsum("cb,cbk,ck->c", x, table[index], w)
        np.testing.assert_allclose(ops.convert_to_numpy(sums), expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(ops.convert_to_numpy(scaled["w"]), 2 * w, rtol=1e-6)


@pytest.mark.parametrize("separately", [False, True])
def test_each_call_is_computed_from_what_it_is_given(separately):
    def function(x, w, index, table):
        return ops.sum(ops.matmul(x, ops.take(table, index, axis=0)) * w), {"w": 2 * w}

    mapped = transforms.map_chains(function, separately=separately)
    rng = np.random.default_rng(0)
    # Other shapes between: a recording is for one.
    for chains, batch in ((2, 7), (3, 4), (2, 7)):
        mapped_many_times(rng, chains, batch, mapped)


@torch_only
def test_what_cannot_be_recorded_is_called_as_it_is(monkeypatch):
    from torch.fx.experimental import proxy_tensor

    def refuses(function):
        def trace(*args):
            raise RuntimeError("not to be traced")

        return trace

    monkeypatch.setattr(proxy_tensor, "make_fx", refuses)
    counted = []

    def function(x):
        counted.append(1)
        return 3 * x

    mapped = transforms.map_chains(function)
    for call in range(CALLS):
        np.testing.assert_array_equal(mapped(ops.full((2, 3), float(call))), np.full((2, 3), 3.0 * call))
    assert len(counted) == CALLS


@torch_only
def test_errors_of_the_function_come_up():
    mapped = transforms.map_chains(lambda x, w: ops.matmul(x, w))
    with pytest.raises(RuntimeError, match=r"cannot be multiplied \(3x4 and 5x6\)"):
        mapped(ops.ones((2, 3, 4)), ops.ones((2, 5, 6)))


@torch_only
@pytest.mark.parametrize("convention", ["dataset", "paper"])
def test_recordings_of_the_sampler_hold_no_data(monkeypatch, convention):
    # A program serves other networks and other data later: an array kept in it would be those of the first.
    from keras_selfmodel.transforms import _torch

    record, kept = _torch._record, []

    def recording(function, args):
        recorded = record(function, args)
        assert recorded is not None
        graph = recorded[0].__self__
        kept.append([c for name, c in vars(graph).items() if name.startswith("_tensor_constant")])
        return recorded

    monkeypatch.setattr(_torch, "_record", recording)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 6)).astype("float32"), rng.integers(0, 10, 64)
    settings = {"convention": convention, "num_chains": 2, "burn_in": 60, "num_draws": 20, "batch_size": 16}
    if convention == "dataset":
        # More calls of the search for a step size too, and other data.
        settings |= {"control_variate": True, "observe": {"other": data}, "num_draws": 400}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ksm.estimate_rlct(ksm.models.mlp(5, inputs=6), data, **settings)
    assert kept
    assert not any(constant.numel() > 1 for constants in kept for constant in constants)
