"""The estimator on what is no Keras model: the same network gives the same number."""

import functools
import inspect
import warnings

import keras
import numpy as np
import pytest
from keras import ops

import keras_selfmodel as ksm
from keras_selfmodel.rlct import estimate_of_function
from keras_selfmodel.rlct.structures import flattened
from tests.rlct.quiet import quietly
from tests.rlct.small_data import loss_at_anchor

N = 30
X = np.random.default_rng(0).normal(size=(N, 4)).astype("float32")
Y = np.arange(N) % 3
STEPS = {"seed": 3, "burn_in": 8, "num_draws": 12, "num_chains": 2, "batch_size": 10}
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RISES = (X[:, :3] > 0).astype("float32")


def network() -> keras.Model:
    return ksm.models.mlp(5, inputs=4, classes=3, seed=1)


def of_function(*args, **arguments) -> ksm.rlct.RLCTEstimate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        return estimate_of_function(*args, **STEPS, **arguments)


def bce(outputs, labels):
    """PyTorch's cross-entropy of zeros and ones, of each entry."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(outputs, labels, reduction="none")


def passing_on(function):
    """Decorates a function as a user does."""

    @functools.wraps(function)
    def decorated(*args, **keywords):
        return function(*args, **keywords)

    return decorated


def losses(weights, batch):
    x, y = batch
    hidden = ops.relu(ops.matmul(x, weights["hidden"]["kernel"]) + weights["hidden"]["bias"])
    kernel, bias = weights["logits"]
    return ops.sparse_categorical_crossentropy(y, ops.matmul(hidden, kernel) + bias, from_logits=True)


def assert_same(ours, theirs):
    # The same operations and the same noise; some are fused otherwise: single precision through twenty steps.
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-4)
    assert ours.value == pytest.approx(theirs.value, rel=1e-2)
    assert ours.num_parameters == theirs.num_parameters == 5 * 5 + 6 * 3


def test_weights_of_half_precision_are_taken_in_single_precision():
    weights = ops.cast(ops.array([0.3, -1.0, 0.7, 2.0]), "bfloat16")
    found = of_function(lambda w, batch: ops.square(ops.matmul(batch["x"], w)), weights, {"x": X})
    rounded = ops.convert_to_numpy(ops.cast(weights, "float32"))
    assert rounded[0] != np.float32(0.3)
    # Losses of order one in single precision.
    assert found.initial_loss == pytest.approx(np.mean((X @ rounded) ** 2), rel=1e-5)
    assert found.losses[0, -1] != found.losses[0, 0]


def test_function_gets_the_batches_of_a_data_set():
    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, i: int):
            return X[15 * i : 15 * i + 15], Y[15 * i : 15 * i + 15]

    kernel, bias, *logits = network().get_weights()
    weights = {"hidden": {"kernel": kernel, "bias": bias}, "logits": logits}
    of_arrays, of_batches = (of_function(losses, weights, data) for data in ((X, Y), Batches()))
    np.testing.assert_array_equal(of_batches.losses, of_arrays.losses)


def test_function_that_returns_one_number_is_refused():
    with pytest.raises(ValueError, match="a number for each sample, an array of shape"):
        of_function(lambda w, batch: ops.mean(w * batch), np.ones(2), X[:, :2])
    with pytest.raises(ValueError, match="weights must hold arrays"):
        of_function(losses, {}, (X, Y))


def test_structures_keep_their_order():
    arrays, rebuild = flattened({"z": 1, "a": (2, [3, None])})
    assert arrays == [1, 2, 3]
    assert rebuild([4, 5, 6]) == {"z": 4, "a": (5, [6, None])}


@pytest.mark.skipif(keras.config.backend() != "torch", reason="modules of PyTorch")
class TestTorchModule:
    @pytest.fixture
    def module(self):
        import torch

        kernel, bias, last, last_bias = map(torch.from_numpy, network().get_weights())
        module = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
        for layer, weight, shift in ((module[0], kernel, bias), (module[2], last, last_bias)):
            layer.weight.data, layer.bias.data = weight.T.contiguous(), shift
        return module

    def test_gives_what_the_keras_model_gives(self, module):
        import torch

        theirs = quietly(network(), (X, Y), loss=CROSS_ENTROPY, **STEPS)
        assert_same(quietly(module, (X, Y), **STEPS), theirs)
        assert_same(quietly(module, (X, Y), loss=torch.nn.functional.cross_entropy, **STEPS), theirs)

    @pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
    def test_functions_of_the_users_own_that_bear_a_name_of_pytorch_get_the_labels_first(self):
        import torch

        class Weighted(torch.autograd.Function):
            @staticmethod
            def forward(ctx, y, outputs):
                ctx.save_for_backward(y, outputs)
                return ((outputs - y) ** 2 * torch.exp(y)).mean(1)

            @staticmethod
            def backward(ctx, gradient):
                y, outputs = ctx.saved_tensors
                return None, 2 * (outputs - y) * torch.exp(y) / y.shape[1] * gradient[:, None]

        def weighted(y, outputs):
            return ((outputs - y) ** 2 * torch.exp(y)).mean(1)

        traced = torch.jit.trace(weighted, (torch.ones(2, 3), torch.ones(2, 3)))
        module = torch.nn.Linear(X.shape[1], 3)
        wanted = np.random.default_rng(2).normal(size=(N, 3)).astype("float32")
        outputs = module(torch.from_numpy(X)).detach().numpy()
        exact = np.mean((outputs - wanted) ** 2 * np.exp(wanted))
        for loss in (Weighted.apply, traced):
            assert loss_at_anchor(module, (X, wanted), loss=loss)[0] == pytest.approx(exact, rel=1e-5)

    def test_convolution_and_batch_norm_give_what_keras_gives(self, monkeypatch):
        import torch

        # The curvatures at w*, of which the losses know nothing, take most of the time.
        monkeypatch.setattr("keras_selfmodel.rlct.problem.FEW_WEIGHTS", 0)

        images = np.random.default_rng(1).normal(size=(N, 6, 6, 2)).astype("float32")
        layers = [keras.layers.Conv2D(3, 3), keras.layers.BatchNormalization(epsilon=1e-5), keras.layers.Flatten()]
        model = keras.Sequential([keras.Input((6, 6, 2)), *layers, keras.layers.Dense(3)])
        kernel, bias, *_, dense, shift = (torch.from_numpy(w) for w in model.get_weights())
        module = torch.nn.Sequential(
            torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), Channels(), torch.nn.Linear(48, 3)
        )
        module[0].weight.data, module[0].bias.data = kernel.permute(3, 2, 0, 1).contiguous(), bias
        module[3].weight.data, module[3].bias.data = dense.T.contiguous(), shift
        module[1].train(False)
        state = {name: value.clone() for name, value in module.state_dict().items()}
        modes = [part.training for part in module.modules()]
        ours = quietly(module, (images.transpose(0, 3, 1, 2), Y), **STEPS)
        theirs = quietly(model, (images, Y), loss=CROSS_ENTROPY, **STEPS)
        np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-3)
        # In training mode each batch has its own mean and variance.
        paper = {"convention": "paper", "step_size": 1e-4, **STEPS}
        trained = quietly(module, (images.transpose(0, 3, 1, 2), Y), **paper)
        theirs = quietly(model, (images, Y), loss=CROSS_ENTROPY, **paper)
        np.testing.assert_allclose(trained.losses, theirs.losses, rtol=1e-3)
        # The module is left as it was.
        assert modes == [part.training for part in module.modules()]
        for name, value in module.state_dict().items():
            assert torch.equal(value, state[name])
        assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())

    def test_a_gru_gives_what_its_formula_gives(self):
        # What PyTorch computes in place, as its GRU, cannot be computed for all chains at once.
        import torch

        torch.manual_seed(0)
        module = LastStep()

        def formula(weights, batch):
            gates, states, bias, shift, kernel, last = weights
            x, y = batch
            h = ops.zeros((x.shape[0], 2))
            for step in range(x.shape[1]):
                given = ops.split(ops.matmul(x[:, step], ops.transpose(gates)) + bias, 3, axis=-1)
                before = ops.split(ops.matmul(h, ops.transpose(states)) + shift, 3, axis=-1)
                reset, update = (ops.sigmoid(a + b) for a, b in zip(given[:2], before[:2], strict=True))
                new = ops.tanh(given[2] + reset * before[2])
                h = (1 - update) * new + update * h
            return ops.sparse_categorical_crossentropy(y, ops.matmul(h, kernel) + last, from_logits=True)

        weights = [w.detach().numpy() for w in module.parameters()]
        weights[4] = weights[4].T
        sequences = X.reshape(N, 2, 2)
        ours = quietly(module, (sequences, Y), loss=torch.nn.CrossEntropyLoss(), **STEPS)
        theirs = of_function(formula, weights, (sequences, Y))
        np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-4)
        assert ours.losses.std() > 0

    def test_only_the_weights_named_are_sampled(self, module):
        assert quietly(module, (X, Y), weights="2", **STEPS).num_parameters == 6 * 3
        with pytest.raises(ValueError, match="parts of it: 0.weight, 0.bias, 2.weight, 2.bias. Received: 'nowhere'"):
            quietly(module, (X, Y), weights="nowhere", **STEPS)
        module[0].requires_grad_(False)
        assert quietly(module, (X, Y), **STEPS).num_parameters == 6 * 3


@pytest.mark.skipif(keras.config.backend() != "torch", reason="losses of PyTorch")
class TestLossesOfPyTorch:
    """The loss at w* is PyTorch's own, or the estimate says that it is not."""

    @staticmethod
    def estimate(loss, y):
        import torch

        torch.manual_seed(0)
        module = torch.nn.Linear(4, 3)
        outputs = module(torch.from_numpy(X)).detach()
        return quietly(module, (X, y), loss=loss, **STEPS), loss(outputs, torch.from_numpy(y))

    @pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "mse_loss"])
    def test_a_partial_loss_takes_its_arguments_in_order(self, name):
        import torch

        targets = (X[:, :3] > 0).astype("float32")
        whole = functools.partial(getattr(torch.nn.functional, name), reduction="mean")
        estimate, theirs = self.estimate(whole, targets)
        assert estimate.initial_loss == pytest.approx(float(theirs), rel=1e-5)

    @pytest.mark.parametrize(
        ("loss", "name"),
        [
            (lambda torch: torch.nn.CrossEntropyLoss(ignore_index=0), "CrossEntropyLoss (given)"),
            (lambda torch: torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 5.0])), "CrossEntropyLoss (given)"),
            (
                lambda torch: functools.partial(
                    torch.nn.functional.cross_entropy,
                    weight=torch.tensor([1.0, 2.0, 5.0]),
                    ignore_index=1,
                    label_smoothing=0.1,
                ),
                "cross_entropy (given)",
            ),
            (lambda torch: torch.nn.CrossEntropyLoss(label_smoothing=0.1), "CrossEntropyLoss (given)"),
        ],
    )
    def test_class_weights_and_ignored_classes_are_measured_as_pytorch_reduces_them(self, loss, name):
        import torch

        # Labels of which the first batches have more of one class than the others.
        estimate, theirs = self.estimate(loss(torch), np.sort(Y))
        assert estimate.initial_loss == pytest.approx(float(theirs), rel=1e-5)
        assert not any("temperature differs" in sentence for sentence in estimate.warnings)
        assert estimate.loss == name

    def test_a_sum_is_that_of_each_sample_and_warned_of(self):
        import torch

        sums = {"reduction": "sum"}
        for loss, y in (
            (torch.nn.CrossEntropyLoss(**sums), Y),
            (torch.nn.MSELoss(**sums), X[:, :3]),
            (functools.partial(torch.nn.functional.huber_loss, **sums), X[:, :3]),
        ):
            estimate, theirs = self.estimate(loss, y)
            assert estimate.initial_loss == pytest.approx(float(theirs) / N, rel=1e-5)
            assert any("The loss sums over the batch" in sentence for sentence in estimate.warnings)

    def test_a_mean_over_the_batch_of_sums_over_entries_is_measured_as_such(self):
        import torch

        shares = np.random.default_rng(1).dirichlet(np.ones(3), N).astype("float32")
        estimate, theirs = self.estimate(torch.nn.KLDivLoss(reduction="batchmean"), shares)
        assert estimate.initial_loss == pytest.approx(float(theirs), rel=1e-5)
        assert not any("sums over" in s or "temperature differs" in s for s in estimate.warnings)

    @pytest.mark.parametrize(
        ("loss", "doubted"),
        [
            (lambda logits, labels: bce(logits, labels), True),
            (functools.partial(lambda out, target, k: bce(k * out, target), k=1.0), True),
            (functools.partial(lambda k, Y_hat, y: bce(k * Y_hat, y), 1.0), True),
            (lambda student_logits, gt: bce(student_logits, gt), True),
            (lambda labels, logits: bce(logits, labels), False),
            (lambda a, b: bce(b, a), False),
            (lambda true_output, label: bce(label, true_output), False),
            (lambda torch: torch.nn.MSELoss(), False),
            (lambda torch: torch.nn.functional.mse_loss, False),
        ],
        ids="logits keyword positional words right silent both module function".split(),
    )
    def test_arguments_that_bear_each_others_names_are_doubted(self, loss, doubted):
        import torch

        loss = loss(torch) if list(inspect.signature(loss).parameters) == ["torch"] else loss
        doubts = self.doubts(torch.nn.Linear(4, 3), loss)
        assert any("called with (labels, outputs)" in doubt for doubt in doubts) == doubted

    @staticmethod
    def doubts(model, loss):
        _, problem = loss_at_anchor(model, (X, np.eye(3, dtype="float32")[Y]), loss=loss)
        return [doubt for doubt in problem.doubts if "turn them round" in doubt]

    @pytest.mark.parametrize("outputs_first", [True, False])
    def test_modules_of_the_users_own_are_doubted_by_what_calls_them(self, outputs_first):
        """PyTorch's networks call modules as PyTorch does, outputs first; Keras's models call them as Keras does."""
        import torch

        class OutputsFirst(torch.nn.Module):
            def forward(self, y_pred, y_true):
                return bce(y_pred, y_true).mean(-1)

        class LabelsFirst(torch.nn.Module):
            def forward(self, y_true, y_pred):
                return bce(y_pred, y_true).mean(-1)

        loss = OutputsFirst() if outputs_first else LabelsFirst()
        said = {True: "called with (outputs, labels), but calls its arguments (y_true, y_pred)", False: "(labels, out"}
        for model, called_outputs_first in ((torch.nn.Linear(4, 3), True), (network(), False)):
            found = self.doubts(model, loss)
            assert len(found) == (outputs_first != called_outputs_first)
            assert all(said[called_outputs_first] in doubt for doubt in found)

    def test_a_function_that_wants_whole_numbers_is_told_of(self):
        import torch

        with pytest.raises(ValueError, match=r"called with \(labels, outputs\), and raises.*'int32'"):
            loss_at_anchor(
                torch.nn.Linear(4, 3),
                (X, Y),
                loss=lambda labels, outputs: torch.nn.functional.cross_entropy(outputs, labels),
            )

    def test_a_loss_without_reduction_is_that_of_samples(self):
        import torch

        for loss, y in (
            (torch.nn.CrossEntropyLoss(torch.tensor([0.2, 1.0, 3.0]), reduction="none"), Y),
            (torch.nn.CrossEntropyLoss(reduction="none"), Y),
            (torch.nn.MSELoss(reduction="none"), X[:, :3]),
        ):
            estimate, theirs = self.estimate(loss, y)
            assert estimate.initial_loss == pytest.approx(float(theirs.mean()), rel=1e-5)
            assert not any("temperature differs" in sentence for sentence in estimate.warnings)

    def test_ignored_words_do_not_count(self):
        import torch

        torch.manual_seed(0)
        words = np.random.default_rng(2).normal(size=(N, 4, 6)).astype("float32")
        labels = np.random.default_rng(3).integers(0, 3, (N, 6))
        labels[: N // 2, 2:] = -100
        module, loss = torch.nn.Conv1d(4, 3, 1), torch.nn.CrossEntropyLoss()
        theirs = loss(module(torch.from_numpy(words)).detach(), torch.from_numpy(labels))
        estimate = quietly(module, (words, labels), loss=loss, **STEPS)
        assert estimate.initial_loss == pytest.approx(float(theirs), rel=1e-5)

    def test_outputs_that_no_loss_fits_are_refused_in_a_sentence(self):
        import torch

        sequences = X[:, :, None]
        module = torch.nn.LSTM(1, 3, batch_first=True)
        with pytest.raises(
            ValueError, match=r"Wrap the module.*Received: a module that returns a tuple of Tensor, tuple"
        ):
            quietly(module, (sequences, Y), loss=torch.nn.CrossEntropyLoss(), **STEPS)

    # torch.compile itself uses what PyTorch warns of.
    @pytest.mark.filterwarnings("ignore:size_average and reduce", "ignore:.*torch.jit:DeprecationWarning")
    def test_the_loss_at_the_weights_is_pytorchs_own_however_it_is_called(self):
        import torch

        functions, x = torch.nn.functional, torch.from_numpy(X)
        module, unit = torch.nn.Linear(4, 3), torch.nn.Linear(4, 1)
        for model, loss, y, share in (
            (module, functools.partial(functions.mse_loss, size_average=False), X[:, :3], 1 / N),
            (module, functools.partial(functions.smooth_l1_loss, beta=0.5), X[:, :3], 1.0),
            (unit, torch.nn.BCEWithLogitsLoss(), Y[:, None] % 2, 1.0),
        ):
            theirs = float(loss(model(x).detach(), torch.from_numpy(y).float()))
            # Zeros and ones that are whole numbers PyTorch itself refuses. What is compiled is computed as it was.
            found, _ = loss_at_anchor(torch.compile(model), (X, y), loss=loss)
            assert found == pytest.approx(theirs * share, rel=1e-5)

    @pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
    @pytest.mark.parametrize(
        "wrapped",
        [
            lambda torch, loss: torch.compile(loss),
            lambda torch, loss: torch.compile(loss).forward,
            lambda torch, loss: torch.compile(loss).__call__,
            lambda torch, loss: torch.nn.DataParallel(loss),
            lambda torch, loss: torch.nn.DataParallel(torch.compile(loss)),
            lambda torch, loss: loss.__call__,
            lambda torch, loss: loss.forward,
            lambda torch, loss: functools.partial(loss),
            lambda torch, loss: functools.partial(loss.forward),
        ],
    )
    def test_a_wrapped_loss_is_the_loss_inside_and_stays_as_it_is(self, wrapped):
        import torch

        loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]))
        torch.manual_seed(0)
        module, y = torch.nn.Linear(4, 3), np.sort(Y)
        theirs = float(loss(module(torch.from_numpy(X)).detach(), torch.from_numpy(y)))
        found, _ = loss_at_anchor(module, (X, y), loss=wrapped(torch, loss))
        assert loss.reduction == "mean" and found == pytest.approx(theirs, rel=1e-5)

    @pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
    @pytest.mark.parametrize(
        "wrapped",
        [
            lambda torch, loss: compiled(loss),
            lambda torch, loss: compiled(loss).__call__,
            lambda torch, loss: torch.compiler.disable(loss),
            lambda torch, loss: torch.enable_grad()(loss),
            lambda torch, loss: torch.no_grad()(compiled(loss)),
            lambda torch, loss: torch.autocast("cpu", enabled=False)(loss),
            lambda torch, loss: functools.partial(torch.enable_grad()(functools.partial(loss)), size_average=True),
            lambda torch, loss: torch.func.vmap(loss),
            lambda torch, loss: passing_on(loss),
            lambda torch, loss: torch.enable_grad()(passing_on(torch.compiler.disable(loss))),
        ],
        ids="compiled call disabled enabled both autocast partial vmap decorated nested".split(),
    )
    def test_a_partial_loss_in_wrappers_is_the_loss_inside(self, wrapped):
        import torch

        weight = np.array([2.0, 1.0, 0.5], dtype="float32")
        loss = functools.partial(
            torch.nn.functional.binary_cross_entropy_with_logits, pos_weight=torch.from_numpy(weight)
        )
        torch.manual_seed(0)
        module, targets = torch.nn.Linear(4, 3), (X[:, :3] > 0).astype("float32")
        outputs = module(torch.from_numpy(X)).detach().numpy().astype("float64")
        expected = np.mean(weight * targets * np.logaddexp(0, -outputs) + (1 - targets) * np.logaddexp(0, outputs))
        found, _ = loss_at_anchor(module, (X, targets), loss=wrapped(torch, loss))
        assert found == pytest.approx(expected, rel=1e-5)
        with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*of torch"):
            loss_at_anchor(network(), (X, targets), loss=wrapped(torch, loss))

    @pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
    @pytest.mark.parametrize(
        ("loss", "y"),
        [
            (
                lambda torch, f: functools.partial(
                    compiled(functools.partial(f.cross_entropy, ignore_index=0)),
                    weight=torch.tensor([1.0, 2.0, 5.0]),
                ),
                np.sort(Y),
            ),
            (lambda torch, f: compiled(functools.partial(f.poisson_nll_loss, full=True)), 3 * RISES),
            (lambda torch, f: compiled(functools.partial(torch.nn.BCEWithLogitsLoss())), RISES),
            (lambda torch, f: torch.jit.script(f.binary_cross_entropy_with_logits), RISES),
            (lambda torch, f: torch.jit.script(f.binary_cross_entropy_with_logits).__call__, RISES),
            (lambda torch, f: functools.partial(f.gaussian_nll_loss, var=1.0), RISES),
            (lambda torch, f: torch.binary_cross_entropy_with_logits, RISES),
            (lambda torch, f: functools.partial(torch.kl_div, log_target=True), RISES),
            (lambda torch, f: torch.hinge_embedding_loss, 2 * RISES - 1),
            (
                lambda torch, f: torch.compiler.disable(
                    functools.partial(torch.poisson_nll_loss, log_input=True, full=True, eps=1e-8, reduction=1)
                ),
                3 * RISES,
            ),
            (lambda torch, f: functools.partial(torch.ops.aten.cross_entropy_loss, weight=torch.arange(1.0, 4.0)), Y),
            (lambda torch, f: torch.ops.aten.huber_loss.default, RISES),
            (lambda torch, f: passing_on(torch.nn.CrossEntropyLoss()), Y),
        ],
    )
    def test_losses_inside_wrappers_and_built_in_ones_are_called_as_pytorch_has_it(self, loss, y):
        import torch

        loss = loss(torch, torch.nn.functional)
        torch.manual_seed(0)
        module = torch.nn.Linear(4, 3)
        # Some built-in functions reduce nothing unless they are told to.
        theirs = float(loss(module(torch.from_numpy(X)).detach(), torch.from_numpy(y)).mean())
        found, _ = loss_at_anchor(module, (X, y), loss=loss)
        assert found == pytest.approx(theirs, rel=1e-5)
        with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*of torch"):
            loss_at_anchor(network(), (X, y), loss=loss)

    def test_functions_of_the_user_have_the_labels_first_however_they_are_wrapped(self):
        import torch

        def losses(labels, outputs, factor):
            return factor * torch.nn.functional.poisson_nll_loss(outputs, labels, reduction="none")

        torch.manual_seed(0)
        module, one = torch.nn.Linear(4, 3), functools.partial(losses, factor=2.0)
        outputs = module(torch.from_numpy(X)).detach().numpy().astype("float64")
        expected = 2 * np.mean(np.exp(outputs) - RISES * outputs)
        for loss in (one, compiled(one), torch.enable_grad()(one), passing_on(one)):
            found, _ = loss_at_anchor(module, (X, RISES), loss=loss)
            assert found == pytest.approx(expected, rel=1e-5)

    def test_losses_whose_order_or_arguments_are_not_known_are_refused_in_a_sentence(self):
        import torch

        functions = torch.nn.functional
        module = torch.nn.Linear(4, 3)
        swapped = functools.wraps(functions.mse_loss)(lambda y, outputs: functions.mse_loss(outputs, y))
        for loss in (swapped, torch.enable_grad()(swapped)):
            with pytest.raises(ValueError, match=r"loss is a function \(y, outputs\).*without functools.wraps"):
                loss_at_anchor(module, (X, RISES), loss=loss)
        for name in ("poisson_nll_loss", "cosine_embedding_loss"):
            with pytest.raises(ValueError, match=f"{name} cannot be called with the outputs and the labels"):
                loss_at_anchor(module, (X, RISES), loss=getattr(torch, name))
        # The decorator may do more than pass on, so that its loss is not taken apart.
        weighted = functools.partial(functions.cross_entropy, weight=torch.tensor([1.0, 2.0, 5.0]))
        with pytest.raises(ValueError, match="one number for a batch"):
            loss_at_anchor(module, (X, np.sort(Y)), loss=passing_on(weighted))
        with pytest.raises(ValueError, match="not its class"):
            loss_at_anchor(module, (X, Y), loss=torch.nn.CrossEntropyLoss)

    def test_a_wrapper_that_passes_attributes_on_leaves_the_loss_inside_alone(self):
        import torch

        class Halved(torch.nn.Module):
            def __init__(self, loss):
                super().__init__()
                self.inside = loss

            def __setattr__(self, name, value):
                if name == "reduction":
                    setattr(self.inside, name, value)
                else:
                    super().__setattr__(name, value)

            def forward(self, outputs, labels):
                return self.inside(outputs, labels) / 2

        loss = torch.nn.CrossEntropyLoss()
        estimate, theirs = self.estimate(Halved(loss), Y)
        assert loss.reduction == "mean" and estimate.initial_loss == pytest.approx(float(theirs), rel=1e-5)

    @pytest.mark.filterwarnings("ignore:There is a performance drop")
    @pytest.mark.parametrize("function", [True, False])
    def test_numbers_of_classes_in_a_row_stay_whole(self, function):
        import torch

        y = np.stack([Y, np.full(N, -1), np.zeros(N, int)], axis=1)
        loss = torch.nn.functional.multilabel_margin_loss if function else torch.nn.MultiLabelMarginLoss()
        estimate, theirs = self.estimate(loss, y)
        assert estimate.initial_loss == pytest.approx(float(theirs), rel=1e-5)

    @pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
    def test_losses_and_modules_that_cannot_be_called_so_are_refused_in_a_sentence(self):
        import torch

        module, words = torch.nn.Linear(4, 3), np.random.default_rng(2).normal(size=(N, 5, 4)).astype("float32")
        for loss in (torch.nn.TripletMarginLoss(), torch.nn.CTCLoss(), torch.nn.functional.gaussian_nll_loss):
            with pytest.raises(ValueError, match=r"takes more than the outputs and the labels.*estimate_of_function"):
                loss_at_anchor(module, (X, Y), loss=loss)
        # Of the scores of words PyTorch wants the classes first.
        with pytest.raises(ValueError, match=r"labels of shape \(30, 5\) with outputs of shape \(30, 5, 3\)"):
            loss_at_anchor(module, (words, np.zeros((N, 5), int)), loss=torch.nn.CrossEntropyLoss())
        with pytest.raises(ValueError, match="loss is a TorchScript module, whose reduction.*it was made of"):
            loss_at_anchor(module, (X, Y), loss=torch.jit.script(torch.nn.CrossEntropyLoss()))
        with pytest.raises(ValueError, match="TorchScript"):
            loss_at_anchor(torch.jit.trace(module, torch.from_numpy(X)), (X, Y))


if keras.config.backend() == "torch":
    import torch

    # Inductor would ask for a compiler, and for minutes.
    compiled = functools.partial(torch.compile, backend="eager")

    class Channels(torch.nn.Module):
        """Flattens with channels last, as Keras does."""

        def forward(self, x):
            return x.permute(0, 2, 3, 1).flatten(1)

    class LastStep(torch.nn.Module):
        """Class scores of the last step of a GRU."""

        def __init__(self):
            super().__init__()
            self.gru, self.last = torch.nn.GRU(2, 2, batch_first=True), torch.nn.Linear(2, 3)

        def forward(self, x):
            return self.last(self.gru(x)[0][:, -1])


@pytest.mark.skipif(keras.config.backend() != "jax", reason="modules of JAX libraries")
class TestJaxModules:
    def test_equinox(self):
        eqx = pytest.importorskip("equinox")
        import jax

        keras_network = network()
        kernel, bias, last_kernel, last_bias = map(jax.numpy.asarray, keras_network.get_weights())
        module = eqx.tree_at(
            lambda mlp: [getattr(layer, name) for layer in mlp.layers for name in ("weight", "bias")],
            eqx.nn.MLP(4, 3, 5, 1, key=jax.random.key(0)),
            [kernel.T, bias, last_kernel.T, last_bias],
        )
        assert_same(quietly(module, (X, Y), **STEPS), quietly(keras_network, (X, Y), **STEPS))
        assert quietly(module, (X, Y), weights="layers.1", **STEPS).num_parameters == 6 * 3

    def test_flax(self):
        nnx = pytest.importorskip("flax.nnx")
        keras_network = network()
        module = nnx.Sequential(nnx.Linear(4, 5, rngs=nnx.Rngs(0)), nnx.relu, nnx.Linear(5, 3, rngs=nnx.Rngs(1)))
        places = [getattr(module.layers[i], name) for i in (0, 2) for name in ("kernel", "bias")]
        for place, value in zip(places, keras_network.get_weights(), strict=True):
            place[...] = value
        assert_same(quietly(module, (X, Y), **STEPS), quietly(keras_network, (X, Y), **STEPS))
        assert quietly(module, (X, Y), weights="layers.2", **STEPS).num_parameters == 6 * 3

    @pytest.mark.parametrize("library", ["equinox", "flax.nnx"])
    def test_losses_of_optax_are_called_as_optax_has_it(self, library):
        optax, modules = pytest.importorskip("optax"), pytest.importorskip(library)
        import jax

        if library == "equinox":
            module = modules.nn.Linear(4, 3, key=jax.random.key(0))
            outputs = jax.vmap(module)(X)
        else:
            module = modules.Linear(4, 3, rngs=modules.Rngs(0))
            outputs = module(X)
        one_hot = np.eye(3, dtype="float32")[Y]
        for labels, loss in (
            (one_hot, optax.softmax_cross_entropy),
            (Y, optax.softmax_cross_entropy_with_integer_labels),
            (one_hot, functools.partial(optax.huber_loss, delta=0.5)),
        ):
            found = quietly(module, (X, labels), loss=loss, **STEPS).initial_loss
            assert found == pytest.approx(float(loss(outputs, labels).mean()), rel=1e-5)

    @pytest.mark.parametrize("compiled", ["jit", "filter_jit"])
    def test_a_compiled_loss_of_optax_is_called_as_optax_has_it_and_refused_for_keras(self, compiled):
        optax, eqx = pytest.importorskip("optax"), pytest.importorskip("equinox")
        import jax

        compile_ = jax.jit if compiled == "jit" else eqx.filter_jit
        loss, one_hot = compile_(optax.softmax_cross_entropy), np.eye(3, dtype="float32")[Y]
        module = eqx.nn.Linear(4, 3, key=jax.random.key(0))
        found, _ = loss_at_anchor(module, (X, one_hot), loss=loss)
        logits = np.asarray(jax.vmap(module)(X), dtype=np.float64)
        expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(N), Y])
        assert found == pytest.approx(expected, rel=1e-5)
        for one in (loss, functools.partial(loss, axis=-1), jax.tree_util.Partial(loss)):
            with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*of optax"):
                loss_at_anchor(network(), (X, one_hot), loss=one)
        # A function of the user's own has labels first, compiled or not.
        swapped = compile_(lambda y, outputs: optax.softmax_cross_entropy(outputs, y))
        keras_network = network()
        keras_network.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        found, _ = loss_at_anchor(keras_network, (X, one_hot), loss=swapped)
        assert found == pytest.approx(keras_network.evaluate(X, one_hot, verbose=0), rel=1e-5)

    @pytest.mark.parametrize(
        "wrapped",
        [
            lambda jax, eqx, loss: jax.jit(loss),
            lambda jax, eqx, loss: jax.jit(loss).__call__,
            lambda jax, eqx, loss: jax.jit(jax.tree_util.Partial(loss)),
            lambda jax, eqx, loss: jax.checkpoint(loss),
            lambda jax, eqx, loss: jax.vmap(loss),
            lambda jax, eqx, loss: jax.named_scope("loss")(loss),
            lambda jax, eqx, loss: functools.partial(jax.jit(functools.partial(jax.checkpoint(loss))), gamma=2.0),
            lambda jax, eqx, loss: eqx.filter_jit(loss),
            lambda jax, eqx, loss: eqx.filter_jit(loss).__call__,
            lambda jax, eqx, loss: eqx.filter_jit(eqx.Partial(loss)),
            lambda jax, eqx, loss: jax.jit(passing_on(loss)),
        ],
        ids="jit call Partial checkpoint vmap scope nested filter_jit filter_call eqx.Partial decorated".split(),
    )
    def test_a_partial_loss_of_optax_in_wrappers_is_the_loss_inside(self, wrapped):
        optax, eqx = pytest.importorskip("optax"), pytest.importorskip("equinox")
        import jax

        loss = wrapped(jax, eqx, functools.partial(optax.sigmoid_focal_loss, alpha=0.3))
        module = eqx.nn.Linear(4, 3, key=jax.random.key(0))
        outputs = np.asarray(jax.vmap(module)(X), dtype=np.float64)
        p = 1 / (1 + np.exp(-outputs))
        expected = -np.mean(0.3 * RISES * (1 - p) ** 2 * np.log(p) + 0.7 * (1 - RISES) * p**2 * np.log(1 - p))
        found, _ = loss_at_anchor(module, (X, RISES), loss=loss)
        assert found == pytest.approx(expected, rel=1e-5)
        with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*of optax"):
            loss_at_anchor(network(), (X, RISES), loss=loss)

    def test_a_mapped_loss_of_optax_is_the_loss_inside(self):
        optax, eqx = pytest.importorskip("optax"), pytest.importorskip("equinox")
        import jax

        module = eqx.nn.Linear(4, 3, key=jax.random.key(0))
        logits = np.asarray(jax.vmap(module)(X), dtype=np.float64)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        soft = (np.eye(3)[Y] * 0.7 + 0.1).astype("float32")
        whole = optax.softmax_cross_entropy_with_integer_labels
        for loss, labels, exact in (
            (optax.softmax_cross_entropy, soft, -(soft * log_p).sum(axis=1).mean()),
            (whole, Y, -log_p[np.arange(N), Y].mean()),
        ):
            for mapped in (jax.vmap(loss), jax.jit(jax.vmap(loss)), jax.vmap(loss, in_axes=(0, 0))):
                assert loss_at_anchor(module, (X, labels), loss=mapped)[0] == pytest.approx(exact, rel=1e-5)
                with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*of optax"):
                    loss_at_anchor(network(), (X, labels), loss=mapped)
        # The user's own gets the labels first, mapped or not.
        swapped = jax.vmap(lambda y, outputs: optax.softmax_cross_entropy(outputs, y))
        assert loss_at_anchor(module, (X, soft), loss=swapped)[0] == pytest.approx(
            -(soft * log_p).sum(axis=1).mean(), rel=1e-5
        )

    @pytest.mark.parametrize("shift", [-1, 1])
    def test_labels_of_optax_that_are_no_classes_are_refused(self, shift):
        optax, eqx = pytest.importorskip("optax"), pytest.importorskip("equinox")
        import jax

        loss, module = optax.softmax_cross_entropy_with_integer_labels, eqx.nn.Linear(4, 3, key=jax.random.key(0))
        with pytest.raises(ValueError, match="Class labels must lie in 0 … 2"):
            loss_at_anchor(module, (X, Y + shift), loss=loss)
        with pytest.raises(ValueError, match=r"called with \(labels, outputs\).*'int32'"):
            loss_at_anchor(module, (X, Y), loss=lambda y, outputs: loss(outputs, y))

    def test_classes_and_functions_of_the_user_in_wrappers_are_called_in_their_order(self):
        optax, eqx = pytest.importorskip("optax"), pytest.importorskip("equinox")
        import jax

        module = eqx.nn.Linear(4, 3, key=jax.random.key(0))
        logits = np.asarray(jax.vmap(module)(X), dtype=np.float64)
        expected = np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(N), Y])
        theirs = optax.softmax_cross_entropy_with_integer_labels

        def labels_first(y, outputs, axis):
            return theirs(outputs, y.astype(int), axis=axis)

        for loss in (
            jax.jit(functools.partial(theirs, axis=-1)),
            jax.jit(functools.partial(labels_first, axis=-1)),
            passing_on(jax.checkpoint(functools.partial(labels_first, axis=-1), static_argnums=())),
        ):
            found, _ = loss_at_anchor(module, (X, Y), loss=loss)
            assert found == pytest.approx(expected, rel=1e-5)
        swapped = functools.wraps(theirs)(lambda y, outputs: theirs(outputs, y))
        with pytest.raises(ValueError, match=r"loss is a function \(y, outputs\).*without functools.wraps"):
            loss_at_anchor(module, (X, Y), loss=jax.jit(swapped))

    @pytest.mark.parametrize(
        ("name", "labels", "shape"),
        [
            ("softmax_cross_entropy_with_integer_labels", Y[:, None], r"\(30, 1\)"),
            ("softmax_cross_entropy", Y, r"\(30,\)"),
            ("sigmoid_binary_cross_entropy", Y, r"\(30,\)"),
        ],
    )
    def test_labels_that_a_loss_of_optax_does_not_take_are_named(self, name, labels, shape):
        optax, eqx = pytest.importorskip("optax"), pytest.importorskip("equinox")
        import jax

        module = eqx.nn.Linear(4, 3, key=jax.random.key(0))
        with pytest.raises(ValueError, match=f"does not take labels of shape {shape} with outputs of shape .*30, 3"):
            loss_at_anchor(module, (X, labels), loss=getattr(optax, name))

    def test_dropout_of_equinox_drops_nothing(self):
        eqx = pytest.importorskip("equinox")
        import jax

        linear = eqx.nn.Linear(4, 3, key=jax.random.key(0))
        module = eqx.nn.Sequential([eqx.nn.Dropout(0.5), linear])
        found, _ = loss_at_anchor(module, (X, Y), loss=CROSS_ENTROPY)
        assert found == pytest.approx(float(CROSS_ENTROPY(Y, jax.vmap(linear)(X))), rel=1e-6)
        assert not module.layers[0].inference

    # Equinox itself warns of its new implementation.
    @pytest.mark.filterwarnings("ignore")
    def test_a_module_of_equinox_with_a_state_is_refused_by_what_to_do(self):
        eqx = pytest.importorskip("equinox")
        import jax

        norm = eqx.nn.BatchNorm(3, "batch")
        module = eqx.nn.Sequential([eqx.nn.Linear(4, 3, key=jax.random.key(0)), norm])
        with pytest.raises(ValueError, match=r"Equinox module with a state.*estimate_of_function"):
            loss_at_anchor(module, (X, Y), loss=CROSS_ENTROPY)
