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


def test_a_recorded_step_plays_back_forward_and_backward_pass_and_optimizer():
    from keras_selfmodel._internals.torch_steps import recorded_step

    weights = [torch.ones(3, 2, requires_grad=True), torch.zeros(2, requires_grad=True)]
    optimizer = torch.optim.SGD(weights, 0.1, momentum=0.9)

    def step(x):
        optimizer.zero_grad()
        loss = torch.nn.functional.softplus(x @ weights[0] + weights[1]).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    batches = [torch.randn(5, 3) for _ in range(4)]
    with contract("torch", "torch_steps.py", "dispatch modes see every operation, in-place ones on the same tensors"):
        step(batches[0])
        _, program = recorded_step(lambda: step(batches[1]), [batches[1]], lambda loss: [loss])
        before = [weight.detach().clone() for weight in weights]
        momenta = [optimizer.state[weight]["momentum_buffer"] for weight in weights]
        held = [momentum.clone() for momentum in momenta]
        (loss,) = program([batches[2]])
        after = [weight.detach().clone() for weight in weights]
        with torch.no_grad():
            for tensor, value in zip([*weights, *momenta], [*before, *held], strict=True):
                tensor.copy_(value)
        assert torch.equal(loss, step(batches[2]))
        assert all(map(torch.equal, after, weights))


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (lambda a: a * a.sum().item(), "Tensor.item"),
        (lambda a: a * float(a.sum()), "Tensor.__float__"),
        (lambda a: a if a.sum() > 0 else -a, "Tensor.__bool__"),
        (lambda a: a + torch.from_numpy(a.numpy().copy()), "Tensor.numpy"),
        (lambda a: a[a > 0], "depends on values"),
        (lambda a: a + torch.rand(3, generator=torch.Generator()), "a generator of their own"),
    ],
)
def test_a_step_that_asks_for_values_is_not_recorded(step, reason):
    from keras_selfmodel._internals.torch_steps import recorded_step

    given = torch.arange(3.0)
    with contract(
        "torch", "torch_steps.py", "function modes see what Python asks of tensors, and operations have tags"
    ):
        returned, found = recorded_step(lambda: step(given), [given], lambda result: [result])
        assert reason in found and torch.is_tensor(returned)


def test_a_number_that_pytorch_reads_from_an_argument_is_read_again():
    from keras_selfmodel._internals.torch_steps import recorded_step

    rate, given = torch.tensor(0.5), torch.ones(3)
    with contract("torch", "torch_steps.py", "what an operation reads from a tensor is read before it is called"):
        _, program = recorded_step(lambda: torch.add(given, given, alpha=rate), [given], lambda result: [result])
        rate.fill_(2.0)
        torch.testing.assert_close(program([given])[0], torch.full((3,), 3.0))
