"""What `_internals.torch` relies on."""

import pytest

from tests.internals.contract import contract

torch = pytest.importorskip("torch")


def test_a_recorded_function_plays_back_its_operations_for_other_values():
    from keras_selfmodel._internals.torch import recorded

    calls = []

    def function(a, b):
        calls.append(a)
        return [a @ b, torch.func.vmap(torch.sin)(b)]

    with contract("torch", "torch.py", "make_fx records what vmap and matrix products do"):
        play = recorded(function, [torch.ones(2, 3), torch.ones(3, 2)])
        a, b = torch.arange(6.0).reshape(2, 3), torch.arange(6.0).reshape(3, 2)
        product, sines = play(a, b)
        torch.testing.assert_close(product, a @ b)
        torch.testing.assert_close(sines, b.sin())
        assert len(calls) == 1


def test_a_function_that_looks_at_its_values_is_not_recorded():
    from keras_selfmodel._internals.torch import recorded

    with contract("torch", "torch.py", "make_fx refuses a function that decides by the values of its tensors"):
        assert recorded(lambda a: [a if torch.func.vmap(torch.sum)(a).sum() > 0 else -a], [torch.ones(2, 2)]) is None


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_is_compiled_scripted_or_spread_over_devices_has_the_original_inside():
    from keras_selfmodel._internals.wrappers import innermost, uncompiled

    loss, function = torch.nn.MSELoss(), torch.nn.functional.mse_loss
    with contract("torch", "wrappers.py", "a compiled module has the original as _orig_mod"):
        assert uncompiled(torch.compile(loss)) is loss and uncompiled(loss) is loss
    with contract("torch", "wrappers.py", "a function of TorchScript has the original as _torchdynamo_inline"):
        assert innermost(torch.jit.script(function)).function is function
    with contract("torch", "wrappers.py", "DataParallel has the original as module"):
        assert innermost(torch.nn.DataParallel(loss)).function is loss
    with contract("torch", "wrappers.py", "a compiled function has the original as __wrapped__"):
        assert innermost(torch.compile(function)).function is function
