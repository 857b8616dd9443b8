"""What the estimator does with models, data and random numbers."""

import math
import re
import warnings

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from keras_selfmodel import transforms
from keras_selfmodel.rlct import RLCTWarning
from tests.rlct.quiet import quietly
from tests.rlct.regression import half_squared_error, linear_network, regression

QUICK = {
    "sampler": "sgld",
    "num_chains": 3,
    "num_draws": 12,
    "burn_in": 4,
    "batch_size": 16,
    "step_size": 1e-3,
    "localization": 10.0,
}


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 5)).astype("float32"), rng.integers(0, 3, 40)


@pytest.fixture
def classifier():
    return ksm.models.mlp(6, inputs=5, classes=3, seed=2)


@pytest.fixture
def no_noise(monkeypatch):
    """SGLD without its noise is a gradient descent that NumPy can follow."""
    monkeypatch.setattr(transforms, "normals", lambda key, arrays: (key, [0.0 * a for a in arrays]))


class NumPyNetwork:
    """Cross-entropy of the two-layer classifier and its gradient, in double precision."""

    def __init__(self, weights) -> None:
        self.anchor = [np.asarray(w, np.float64) for w in weights]
        self.weights = [w.copy() for w in self.anchor]

    def loss_and_gradient(self, weights, x, y):
        w, b, v, c = weights
        before = x @ w + b
        hidden = np.maximum(before, 0)
        scores = hidden @ v + c
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(probabilities[np.arange(len(y)), y]))
        d_scores = (probabilities - np.eye(scores.shape[1])[y]) / len(y)
        d_before = (d_scores @ v.T) * (before > 0)
        return loss, [x.T @ d_before, d_before.sum(axis=0), hidden.T @ d_scores, d_scores.sum(axis=0)]

    def step(self, x, y, *, step_size, nbeta, localization, sampled=range(4)) -> tuple[float, float, float]:
        """One noiseless step; returns the batch's loss before it, at w and at w*, and the heat of the step."""
        loss, gradients = self.loss_and_gradient(self.weights, x, y)
        at_anchor, _ = self.loss_and_gradient(self.anchor, x, y)
        forces = [
            (i in sampled) * (-nbeta * g - localization * (w - a))
            for i, (w, a, g) in enumerate(zip(self.weights, self.anchor, gradients, strict=True))
        ]
        self.weights = [w + step_size / 2 * force for w, force in zip(self.weights, forces, strict=True)]
        heat = sum((force * g).sum() for force, g in zip(forces, gradients, strict=True))
        return loss, at_anchor, -step_size / 4 * nbeta * heat


def test_paper_convention_follows_the_papers_recipe_step_by_step(classifier, data, no_noise):
    x, y = data
    reference = NumPyNetwork(classifier.get_weights())
    nbeta = 16 / math.log(16)
    batches = [slice(0, 16), slice(16, 32), slice(32, 40)]  # the order of the data, the last partial batch kept
    rows = [
        reference.step(x[batches[t % 3]], y[batches[t % 3]], step_size=0.01, nbeta=nbeta, localization=10.0)
        for t in range(10)
    ]
    losses, at_anchor, _ = np.array(rows).T
    initial_loss = at_anchor[[0, 1, 2, 0]].mean()  # of the first num_chains = 4 batches
    estimate = quietly(
        classifier, data, convention="paper", step_size=0.01, localization=10.0, batch_size=16, num_chains=4,
        num_draws=5, burn_in=5,
    )  # fmt: skip
    # float32 losses near 1 after ten steps.
    np.testing.assert_allclose(estimate.losses, np.tile(losses, (4, 1)), atol=2e-6)
    np.testing.assert_allclose(estimate.initial_loss, initial_loss, atol=1e-6)
    np.testing.assert_allclose(estimate.value, nbeta * (losses[5:].mean() - initial_loss), atol=1e-5)


def test_dataset_convention_pairs_each_draw_with_its_batch(classifier, data, no_noise):
    x, y = data
    reference = NumPyNetwork(classifier.get_weights())
    nbeta = 40 / math.log(40)
    settings = ksm.rlct.SamplingSettings(
        sampler="sgld", step_size=0.01, localization=10.0, batch_size=16, num_chains=1, num_draws=3, burn_in=2,
        thinning=2, seed=9,
    )  # fmt: skip
    batches = [block[0] for block in ksm.rlct.batches.batch_indices(settings, 40, 0)]
    rows = np.array([reference.step(x[i], y[i], step_size=0.01, nbeta=nbeta, localization=10.0) for i in batches])
    estimate = quietly(classifier, data, settings=settings)
    np.testing.assert_allclose(estimate.losses[0], rows[:, 0], atol=2e-6)
    np.testing.assert_allclose(estimate.reference_losses[0], rows[:, 1], atol=1e-6)
    kept = [2, 4, 6]  # burn-in of 2, then every second step
    np.testing.assert_allclose(estimate.paired_value, nbeta * (rows[kept, 0] - rows[kept, 1]).mean(), atol=1e-5)
    np.testing.assert_allclose(estimate.value, estimate.paired_value - rows[kept, 2].mean() / 2, atol=1e-5)
    whole = reference.loss_and_gradient(reference.anchor, x, y)[0]
    np.testing.assert_allclose(estimate.plain_value, nbeta * (rows[kept, 0].mean() - whole), atol=2e-5)


def test_same_seed_same_estimate_and_another_seed_another(classifier, data):
    first, second = (quietly(classifier, data, seed=1, **QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.losses, second.losses)
    assert not np.array_equal(first.losses, quietly(classifier, data, seed=2, **QUICK).losses)


def test_chains_move_and_differ(classifier, data):
    estimate = quietly(classifier, data, **{**QUICK, "batch_size": 40})
    np.testing.assert_allclose(estimate.losses[:, 0], estimate.initial_loss, rtol=1e-5)  # all start at w*
    assert (np.abs(np.diff(estimate.losses, axis=1)) > 1e-5).all()
    assert len(np.unique(estimate.losses[:, -1])) == 3


def test_noise_has_the_right_size_and_is_drawn_anew(classifier):
    weights = [keras.ops.zeros((4, 300, 20)), keras.ops.zeros((4, 50))]
    key = transforms.random_key(3)
    key, first = transforms.normals(key, weights)
    _, second = transforms.normals(key, weights)
    draws = np.concatenate([keras.ops.convert_to_numpy(a).ravel() for a in (*first, *second)])
    # 48,400 independent normals: the mean is known to ±0.0045, the variance to ±0.0064; four of these.
    assert abs(draws.mean()) < 0.018
    assert abs(draws.var() - 1) < 0.026
    pairs = np.corrcoef(draws[:24_200], draws[24_200:])[0, 1]
    assert abs(pairs) < 0.026


@pytest.mark.parametrize("convention", ["dataset", "paper"])
def test_model_is_left_as_it_was(data, convention):
    x, y = data
    layers = [
        keras.layers.Dense(6),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.5, seed=1),
        keras.layers.Dense(3),
    ]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0)
    before = [keras.ops.convert_to_numpy(v).copy() for v in [*model.variables, *model.optimizer.variables]]
    estimate = quietly(model, data, convention=convention, **QUICK)
    assert np.isfinite(estimate.losses).all()
    for old, variable in zip(before, [*model.variables, *model.optimizer.variables], strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(variable))


def test_inference_mode_under_dataset_and_training_mode_under_paper(data):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(3)])
    tiny = {**QUICK, "batch_size": 40, "step_size": 1e-12}
    still = quietly(model, data, **tiny)
    np.testing.assert_allclose(still.losses, still.initial_loss, rtol=1e-4)
    masked = quietly(model, data, convention="paper", **tiny)
    # The weights stay where they are, so only the masks, drawn anew at each step, can change the loss.
    assert (np.ptp(masked.losses, axis=1) > 0.01).all()
    assert len(np.unique(masked.losses[0])) == masked.losses.shape[1]


def test_frozen_layers_are_not_sampled(classifier, data):
    assert quietly(classifier, data, **QUICK).num_parameters == 5 * 6 + 6 + 6 * 3 + 3
    classifier.layers[0].trainable = False
    assert quietly(classifier, data, **QUICK).num_parameters == 6 * 3 + 3


@pytest.mark.any_backend
def test_self_modeling_model_is_measured_as_its_classifier(classifier, data):
    model = ksm.SelfModelingModel(classifier, "hidden", 5.0)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    np.testing.assert_array_equal(quietly(model, data, **QUICK).losses, quietly(classifier, data, **QUICK).losses)


def test_softmax_classifier_is_measured_on_probabilities(classifier, data):
    probabilities = keras.Sequential([keras.Input((5,)), *classifier.layers, keras.layers.Softmax()])
    ours, theirs = quietly(probabilities, data, **QUICK), quietly(classifier, data, **QUICK)
    np.testing.assert_allclose(ours.losses, theirs.losses, atol=1e-5)


def test_convolutions_several_inputs_and_one_hot_labels():
    rng = np.random.default_rng(0)
    x = {"image": rng.normal(size=(20, 6, 6, 1)).astype("float32"), "more": rng.normal(size=(20, 2)).astype("float32")}
    inputs = {"image": keras.Input((6, 6, 1), name="image"), "more": keras.Input((2,), name="more")}
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 3)(inputs["image"]))
    scores = keras.layers.Dense(3)(keras.layers.Concatenate()([pooled, inputs["more"]]))
    y = np.eye(3, dtype="float32")[rng.integers(0, 3, 20)]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    estimate = quietly(keras.Model(inputs, scores), (x, y), loss=loss, **QUICK)
    assert np.isfinite(estimate.value)


@pytest.mark.any_backend
def test_progress_counts_the_steps(classifier, data):
    reported = []
    quietly(classifier, data, progress=lambda *done: reported.append(done), **{**QUICK, "num_draws": 120})
    assert reported[-1] == (124, 124)
    assert len(reported) == 3


class TestWeights:
    """Some weights are sampled, the others stay as they are."""

    @pytest.mark.parametrize(
        ("choice", "sampled"),
        [
            pytest.param(lambda model: "hidden", (0, 1), marks=pytest.mark.any_backend),
            pytest.param(lambda model: model.layers[1], (2, 3), marks=pytest.mark.any_backend),
            pytest.param(lambda model: model.layers[0].kernel, (0,), marks=pytest.mark.any_backend),
            pytest.param(lambda model: model.layers[1].bias.path, (3,), marks=pytest.mark.any_backend),
            (lambda model: [model.layers[1].bias.path, "hidden", model.layers[0].kernel], (0, 1, 3)),
        ],
        ids=["name of a layer", "layer", "variable", "path of a variable", "list"],
    )
    def test_only_those_named_move(self, classifier, data, no_noise, choice, sampled):
        x, y = data
        reference = NumPyNetwork(classifier.get_weights())
        given = {"step_size": 0.01, "localization": 10.0}
        rows = [reference.step(x, y, nbeta=40 / math.log(40), sampled=sampled, **given) for _ in range(10)]
        losses, _, heat = np.array(rows).T
        estimate = quietly(
            classifier, data, weights=choice(classifier), sampler="sgld", batch_size=40, num_chains=2, burn_in=2,
            num_draws=8, **given,
        )  # fmt: skip
        # float32 losses near 1 after ten steps.
        np.testing.assert_allclose(estimate.losses, np.tile(losses, (2, 1)), atol=2e-6)
        np.testing.assert_allclose(estimate.heat, np.tile(heat, (2, 1)), rtol=1e-4)
        assert estimate.num_parameters == sum((30, 6, 18, 3)[i] for i in sampled)
        moved = [w - a for w, a in zip(reference.weights, reference.anchor, strict=True)]
        assert estimate.distance == pytest.approx(math.hypot(*(np.linalg.norm(m) for m in moved)), rel=1e-4)
        anchors = [np.linalg.norm(reference.anchor[i]) for i in sampled]
        assert estimate.anchor_norm == pytest.approx(math.hypot(*anchors), rel=1e-5)

    def test_are_sampled_as_if_the_others_were_frozen(self, classifier, data):
        chosen = quietly(classifier, data, weights="logits", **QUICK)
        classifier.layers[0].trainable = False
        np.testing.assert_array_equal(chosen.losses, quietly(classifier, data, **QUICK).losses)

    @pytest.mark.long_chains
    @pytest.mark.parametrize(("name", "number"), [("few", 4), ("many", 8)])
    def test_of_a_linear_regression_have_half_their_number(self, name, number):
        # At the least squares of all weights, those of each layer are at theirs: E[nβ(L − L*)] = Σ ½ nβh/(nβh + γ).
        rng = np.random.default_rng(0)
        x = {"few": rng.normal(size=(400, 4)), "many": rng.normal(size=(400, 8))}
        together = np.concatenate([x["few"], x["many"]], axis=1)
        y = together.sum(axis=1, keepdims=True) + rng.normal(size=(400, 1))
        inputs = {key: keras.Input((value.shape[1],), name=key) for key, value in x.items()}
        layers = {key: keras.layers.Dense(1, use_bias=False, name=f"of_{key}") for key in x}
        model = keras.Model(inputs, keras.layers.Add()([layers[key](inputs[key]) for key in x]))
        solution = np.linalg.lstsq(together, y, rcond=None)[0]
        layers["few"].kernel.assign(solution[:4])
        layers["many"].kernel.assign(solution[4:])
        data = {key: value.astype("float32") for key, value in x.items()}, y.astype("float32")
        estimate = quietly(
            model, data, weights=f"of_{name}", loss=half_squared_error, batch_size=400, localization=1.0, num_chains=4,
            burn_in=200, num_draws=2000, seed=1,
        )  # fmt: skip
        curvature = 400 / math.log(400) * np.linalg.eigvalsh(x[name].T @ x[name] / 400)
        exact = np.sum(0.5 * curvature / (curvature + 1))
        assert exact == pytest.approx(number / 2, rel=0.03)
        # 8000 draws of relative deviation √(2/d), remembered for some ten steps: 2 % of d = 4. Four of these.
        assert estimate.value == pytest.approx(exact, rel=0.08)
        assert estimate.num_parameters == number

    @pytest.mark.any_backend
    @pytest.mark.parametrize("wrong", ["hiden", "hidden/weights", ["hidden", "logit"]], ids=str)
    def test_unknown_names_are_answered_with_the_choices(self, classifier, data, wrong):
        paths = ", ".join(v.path for v in classifier.trainable_variables)
        name = wrong if isinstance(wrong, str) else wrong[-1]
        with pytest.raises(ValueError, match=f"layers hidden, logits; variables {paths}. Received: '{name}'"):
            ksm.estimate_rlct(classifier, data, weights=wrong, **QUICK)

    @pytest.mark.any_backend
    def test_of_nested_models_have_paths_and_an_ambiguous_name_is_refused(self):
        inner = {
            name: keras.Sequential([keras.Input((size,)), keras.layers.Dense(units, name="hidden")], name=name)
            for name, size, units in (("a", 3, 4), ("b", 4, 5))
        }
        inputs = keras.Input((3,))
        model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(inner["b"](inner["a"](inputs))))
        data = np.ones((20, 3), "float32"), np.arange(20) % 3
        for weights, number in (("a/hidden", 16), ("b", 25), ("a/hidden/bias", 4), (["a/hidden", "logits"], 16 + 18)):
            assert quietly(model, data, weights=weights, **QUICK).num_parameters == number
        with pytest.raises(ValueError, match="'hidden' is ambiguous.* a/hidden, b/hidden.*Received: weights='hidden'"):
            ksm.estimate_rlct(model, data, weights="hidden", **QUICK)

    @pytest.mark.any_backend
    def test_whose_path_several_share_are_refused_by_it(self):
        class Pair(keras.layers.Layer):
            def build(self, shape):
                self.one, self.two = (self.add_weight(shape=(3,), name="scale") for _ in range(2))

            def call(self, x):
                return x * self.one + self.two

        pair = Pair(name="pair")
        model = keras.Sequential([keras.Input((3,)), pair])
        data = np.ones((20, 3), "float32"), np.arange(20) % 3
        with pytest.raises(ValueError, match="pair/scale' is ambiguous: it names 2 variables"):
            ksm.estimate_rlct(model, data, weights=pair.one.path, **QUICK)
        assert quietly(model, data, weights=pair.one, **QUICK).num_parameters == 3

    def test_of_another_model_or_frozen_are_refused(self, classifier, data):
        other = ksm.models.mlp(6, inputs=5, classes=3, seed=2)
        classifier.layers[0].trainable = False
        for wrong in (other.layers[1], other.layers[1].kernel, classifier.layers[0], "hidden", "hidden/bias"):
            with pytest.raises(
                ValueError, match="must name layers or trainable variables of the model: layers logits;"
            ):
                ksm.estimate_rlct(classifier, data, weights=wrong, **QUICK)

    def test_none_at_all_are_refused(self, classifier, data):
        with pytest.raises(ValueError, match="weights"):
            ksm.estimate_rlct(classifier, data, weights=[], **QUICK)


class TestInverseTemperature:
    @pytest.mark.any_backend
    def test_is_the_one_that_is_used(self, classifier, data, no_noise):
        x, y = data
        reference = NumPyNetwork(classifier.get_weights())
        given = {"step_size": 0.01, "localization": 10.0}
        losses = [reference.step(x, y, nbeta=25.0, **given)[0] for _ in range(5)]
        estimate = quietly(
            classifier, data, sampler="sgld", inverse_temperature=25.0, batch_size=40, num_chains=1, burn_in=0,
            num_draws=5, **given,
        )  # fmt: skip
        np.testing.assert_allclose(estimate.losses[0], losses, atol=2e-6)
        assert estimate.inverse_temperature == 25.0
        assert estimate.paired_value == pytest.approx(25 * (np.mean(losses) - losses[0]), rel=1e-3)

    @pytest.mark.long_chains
    @pytest.mark.parametrize("nbeta", [5.0, 2000.0])
    def test_does_not_matter_to_a_quadratic(self, nbeta):
        # Each direction has ½ at any temperature, without localization.
        model, data, _ = regression(400, 12)
        estimate = quietly(
            model, data, loss=half_squared_error, inverse_temperature=nbeta, localization=0.0, batch_size=400,
            num_chains=4, burn_in=200, num_draws=2000, seed=1,
        )  # fmt: skip
        # 8000 draws of deviation √6, remembered for some ten steps: 0.09. Four of these.
        assert estimate.value == pytest.approx(6.0, abs=0.36)

    @pytest.mark.long_chains
    @pytest.mark.parametrize(("nbeta", "part"), [(0.02, 1.0), (2000.0, 0.1)])
    def test_the_default_localization_is_a_tenth_of_it_weaker_where_the_data_hold_nearly_all_directions(
        self, nbeta, part
    ):
        model, data, curvatures = regression(400, 12)
        # γ₀/10 = d/(10 R²), R² = |w|² = 13: far wider than common initializers, whose variances sum to 1.
        unit = 12 / (10 * float((model.get_weights()[0] ** 2).sum()))
        held = np.mean(nbeta * curvatures / (nbeta * curvatures + unit))
        assert held > 0.9 if part < 1 else held < 0.5  # by the closed form, far from the limit of three quarters
        # Decided by some 250 steps of four chains in twelve directions: known to 5 %.
        estimate = quietly(
            model, data, loss=half_squared_error, inverse_temperature=nbeta, batch_size=400, num_chains=4,
            burn_in=1500, num_draws=4, seed=1,
        )  # fmt: skip
        assert estimate.localization == pytest.approx(part * unit, rel=1e-5)


class TestControlVariate:
    """∇L_B(w) − ∇L_B(w*) + ∇L(w*)."""

    def test_each_step_follows_it(self, classifier, data, no_noise):
        x, y = data
        reference = NumPyNetwork(classifier.get_weights())
        nbeta, step_size, localization = 40 / math.log(40), 0.01, 10.0
        settings = ksm.rlct.SamplingSettings(
            sampler="sgld", step_size=step_size, localization=localization, batch_size=16, num_chains=1, num_draws=5,
            burn_in=0, seed=9, control_variate=True,
        )  # fmt: skip
        weights, anchor, losses = reference.anchor, reference.anchor, []
        _, whole = reference.loss_and_gradient(anchor, x, y)
        for i in ksm.rlct.batches.batch_indices(settings, 40, 0)[:, 0]:
            loss, here = reference.loss_and_gradient(weights, x[i], y[i])
            _, at_anchor = reference.loss_and_gradient(anchor, x[i], y[i])
            losses.append(loss)
            weights = [
                w - step_size / 2 * (nbeta * (g - a + f) + localization * (w - w0))
                for w, g, a, f, w0 in zip(weights, here, at_anchor, whole, anchor, strict=True)
            ]
        np.testing.assert_allclose(quietly(classifier, data, settings=settings).losses[0], losses, atol=2e-6)

    @pytest.mark.long_chains
    def test_leaves_no_noise_where_batches_differ_in_their_labels_only(self):
        # Inputs ±1 and k outputs: every batch has the Hessian 1, so that the gradients' difference from w* to w is
        # that of all data. The chains are those of a whole batch, step for step.
        rng = np.random.default_rng(0)
        x = np.where(rng.random((200, 1)) < 0.5, 1.0, -1.0)
        y = x @ np.linspace(-1, 1, 6)[None] + rng.normal(size=(200, 6))
        model = linear_network([1, 6], [(x * y).mean(axis=0)[None]])
        data = x.astype("float32"), y.astype("float32")
        nbeta = 200 / math.log(200)
        given = {"loss": half_squared_error, "localization": 1.0, "step_size": 0.5 / nbeta, "num_chains": 4}
        given |= {"burn_in": 100, "num_draws": 400, "seed": 1}
        plain, corrected = (quietly(model, data, batch_size=8, control_variate=use, **given) for use in (False, True))
        whole = quietly(model, data, batch_size=200, **given)
        # Weights of order 1 in float32, through 500 steps that forget.
        np.testing.assert_allclose(corrected.distances, whole.distances, rtol=1e-3)
        np.testing.assert_allclose(corrected.heat, whole.heat, atol=1e-3 * np.abs(whole.heat).max())
        # Without it they are heated by nearly half of what there is to measure, 6 · ½, or more.
        assert plain.heat_correction > 3 * 0.4
        # Twice the steps' work, and the gradient of all data at w*, 25 batches; w* is looked at in 27 in any case.
        # After burn-in and draws the chains go on at a second localization, and at a higher temperature, for 3/8 as
        # many steps as there are draws. The curvatures of six weights are differences of gradients of 32 batches.
        steps, at_anchor = 4 * (500 + 150 + 150), 27 + 2 * 6 * 32
        assert plain.gradient_evaluations == steps + at_anchor
        assert corrected.gradient_evaluations == 2 * steps + 25 + at_anchor

    @pytest.mark.long_chains
    def test_lessens_the_heat_of_a_regression(self):
        # Gradients of batches at w* differ by the labels' unit noise; their changes from there only by the inputs,
        # times |w − w*| of some tenths.
        model, data, hessian = regression(400, 12)
        given = {"loss": half_squared_error, "localization": 1.0, "batch_size": 32, "num_chains": 4, "burn_in": 400}
        given |= {"num_draws": 2000, "seed": 1, "step_size": 0.3 / (400 / math.log(400) * hessian.max())}
        plain, corrected = (quietly(model, data, control_variate=use, **given) for use in (False, True))
        assert corrected.heat_correction < 0.5 * plain.heat_correction
        curvature = 400 / math.log(400) * hessian
        exact = np.sum(0.5 * curvature / (curvature + 1))
        # 8000 draws of deviation √6 remembered for some tens of steps, and the noise of the batches: 0.1 to 0.15.
        assert corrected.value == pytest.approx(exact, abs=0.5)


@pytest.mark.any_backend
class TestWarnings:
    """Nothing that speaks against an estimate is swallowed."""

    def test_each_sentence_is_issued_as_a_warning(self, classifier, data):
        with pytest.warns(RLCTWarning) as issued:
            estimate = ksm.estimate_rlct(classifier, data, **{**QUICK, "num_chains": 1, "step_size": 1e30})
        sentences = tuple(str(warning.message) for warning in issued if warning.category is RLCTWarning)
        assert sentences == estimate.warnings

    def test_divergence_is_not_averaged_away(self, classifier, data):
        estimate = quietly(classifier, data, **{**QUICK, "step_size": 1e30})
        assert math.isnan(estimate.value)
        assert re.search("not finite in chain 1 from step .*smaller step size", estimate.warnings[0])

    def test_chain_that_runs_away(self, classifier, data):
        # εγ > 4: each step throws the weights further out.
        unstable = {**QUICK, "step_size": 0.3, "localization": 15.0, "num_draws": 40}
        assert "diverged" in " ".join(quietly(classifier, data, **unstable).warnings)

    def test_negative_estimate_is_explained(self, classifier, data):
        # Scores ten times too large are far from any minimum: descent finds lower losses at once.
        classifier.layers[-1].kernel.assign(10.0 * classifier.layers[-1].kernel)
        estimate = quietly(classifier, data, **{**QUICK, "step_size": 1e-2, "num_draws": 200})
        assert estimate.value < 0
        assert estimate.verdict == "not to be used"
        assert re.search("negative.*not a minimum", estimate.warnings[0])

    def test_chains_that_have_not_settled(self, classifier, data):
        # Small steps: the chains drift apart from w* for as long as they run, which no noise of batches hides.
        estimate = quietly(classifier, data, **{**QUICK, "step_size": 1e-4, "num_draws": 60, "batch_size": 40})
        assert estimate.r_hat > 1.05
        assert any(re.search("do not agree .*Sample longer", sentence) for sentence in estimate.warnings)

    def test_single_chain_has_no_error(self, classifier, data):
        estimate = quietly(classifier, data, **{**QUICK, "num_chains": 1})
        assert math.isnan(estimate.std_error)
        assert "One chain" in estimate.warnings[-1]


@pytest.mark.any_backend
class TestWrongArguments:
    @pytest.mark.parametrize(
        ("broken", "message"),
        [
            (lambda x, y: x, "data must be"),
            (lambda x, y: (x[:5], y), "one entry for each sample"),
            (lambda x, y: (x[:, :4], y), r"inputs of shape \(None, 5\)"),
            (lambda x, y: (x, y + 1), "labels from 1 to 3"),
            (lambda x, y: (x[:2], y[:2]), "at least 3 samples"),
        ],
    )
    def test_data_that_do_not_fit(self, classifier, data, broken, message):
        with pytest.raises(ValueError, match=message):
            ksm.estimate_rlct(classifier, broken(*data))

    def test_batch_larger_than_the_data(self, classifier, data):
        with pytest.raises(ValueError, match="batch_size=41 with 40 samples"):
            ksm.estimate_rlct(classifier, data, batch_size=41)

    def test_nothing_to_sample(self, classifier, data):
        classifier.trainable = False
        with pytest.raises(ValueError, match="no trainable weights"):
            ksm.estimate_rlct(classifier, data, **QUICK)

    def test_mala_without_all_data(self, classifier, data):
        with pytest.raises(ValueError, match="'mala'.*needs batch_size=40. Received: batch_size=16"):
            ksm.estimate_rlct(classifier, data, sampler="mala", batch_size=16)

    def test_unknown_anchor(self, classifier, data):
        with pytest.raises(ValueError, match="anchor must be 'trained' or 'descend'. Received: 'best'"):
            ksm.estimate_rlct(classifier, data, anchor="best", **QUICK)

    def test_unknown_setting(self, classifier, data):
        with pytest.raises(TypeError, match="epsilon"):
            ksm.estimate_rlct(classifier, data, epsilon=1e-4)


@pytest.mark.any_backend
def test_chains_as_arviz_knows_them(classifier, data, tmp_path):
    arviz = pytest.importorskip("arviz")
    estimate = quietly(classifier, data, **{**QUICK, "num_draws": 200, "thinning": 2})
    inference = estimate.to_inference_data()
    assert dict(inference.posterior.sizes) == {"chain": 3, "draw": 200}
    assert float(inference.posterior["rlct"].mean()) == pytest.approx(estimate.value)
    losses = inference.sample_stats["loss"] - inference.sample_stats["reference_loss"]
    heat = 0.5 * inference.sample_stats["heat"]
    corrected = estimate.inverse_temperature * losses - heat
    np.testing.assert_allclose(inference.posterior["rlct"], corrected, rtol=1e-9, atol=1e-9)
    assert float(arviz.ess(inference)["rlct"]) > 1
    inference.to_netcdf(tmp_path / "chains.nc")
    stored = arviz.from_netcdf(tmp_path / "chains.nc").attrs
    assert stored["setting_sampler"] == "sgld" and stored["anchor"] == "trained"
    np.testing.assert_allclose(stored["chain_values"], estimate.chain_values)
    # A list of one sentence comes back as the sentence.
    summary, warnings = estimate.summary(), stored.get("warnings", [])
    assert tuple([warnings] if isinstance(warnings, str) else warnings) == summary.warnings != ()
    assert (stored["std_error"], stored["verdict"]) == (estimate.std_error, estimate.verdict)


@pytest.mark.any_backend
def test_without_a_burn_in_no_group_and_no_figure_has_one(classifier, data):
    pytest.importorskip("arviz")
    pytest.importorskip("matplotlib")
    estimate = quietly(classifier, data, **{**QUICK, "burn_in": 0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groups = estimate.to_inference_data()
    assert hasattr(groups, "posterior") and not hasattr(groups, "warmup_posterior")
    for one, expected in ((estimate, False), (quietly(classifier, data, **QUICK), True)):
        labels = [text.get_text() for text in one.plot().axes[0].get_legend().get_texts()]
        assert ("burn-in" in labels) is expected


@pytest.mark.any_backend
def test_plot_draws_every_chain(classifier, data):
    pytest.importorskip("matplotlib")
    figure = quietly(classifier, data, **QUICK).plot()
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[:3] == ["chain 1", "chain 2", "chain 3"]


@pytest.mark.long_chains
def test_directions_that_the_localization_alone_holds_heat_no_loss():
    # Three directions that the loss knows and 100 that it does not, no noise: λ̂ is ½ Σ nβh/(nβh + γ) of the three.
    x = np.zeros((300, 103), "float32")
    x[:, :3] = np.random.default_rng(0).normal(size=(300, 3))
    model = keras.Sequential([keras.Input((103,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    gamma, step_size = 50.0, 0.004
    estimate = quietly(
        model, (x, np.zeros((300, 1), "float32")), loss=half_squared_error, sampler="sgld", step_size=step_size,
        localization=gamma, batch_size=300, num_chains=4, burn_in=100, num_draws=1500, seed=1,
    )  # fmt: skip
    curvature = 300 / math.log(300) * np.linalg.eigvalsh(x[:, :3].T.astype(float) @ x[:, :3] / 300)
    exact = 0.5 * np.sum(curvature / (curvature + gamma))
    assert estimate.value == pytest.approx(exact, abs=4 * estimate.std_error)
    # The length of the steps heats the three by ε/4·(nβh + γ) each, and the others, of which the loss knows nothing.
    heat = 0.5 * np.sum(curvature * step_size / 4 / (1 - step_size / 4 * (curvature + gamma)))
    assert estimate.heat_correction == pytest.approx(heat, rel=0.15)
    assert 0.5 * 100 * step_size / 4 * gamma > 3 * exact
