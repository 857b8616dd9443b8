"""What the estimator does with models, data and random numbers."""

import math
import re

import keras
import numpy as np
import pytest

import keras_selfmodel as ksm
from keras_selfmodel import transforms
from keras_selfmodel.rlct import RLCTWarning
from tests.rlct.quiet import quietly

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

    def step(self, x, y, *, step_size, nbeta, localization) -> tuple[float, float, float]:
        """One noiseless step; returns the batch's loss before it, at w and at w*, and the heat of the step."""
        loss, gradients = self.loss_and_gradient(self.weights, x, y)
        at_anchor, _ = self.loss_and_gradient(self.anchor, x, y)
        forces = [
            -nbeta * g - localization * (w - a) for w, a, g in zip(self.weights, self.anchor, gradients, strict=True)
        ]
        self.weights = [w + step_size / 2 * force for w, force in zip(self.weights, forces, strict=True)]
        return loss, at_anchor, step_size / 4 * sum((force**2).sum() for force in forces)


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


def test_progress_counts_the_steps(classifier, data):
    told = []
    quietly(classifier, data, progress=lambda *done: told.append(done), **{**QUICK, "num_draws": 120})
    assert told[-1] == (124, 124)
    assert len(told) == 3


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
        assert re.search("not finite in chain 0 from step .*smaller step size", estimate.warnings[0])

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
        # Small steps: the chains drift apart from w* for as long as they run.
        estimate = quietly(classifier, data, **{**QUICK, "step_size": 1e-4, "num_draws": 60})
        assert estimate.r_hat > 1.05
        assert any(re.search("do not agree .*Sample longer", sentence) for sentence in estimate.warnings)

    def test_single_chain_has_no_error(self, classifier, data):
        estimate = quietly(classifier, data, **{**QUICK, "num_chains": 1})
        assert math.isnan(estimate.std_error)
        assert "One chain" in estimate.warnings[-1]


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

    def test_unknown_setting(self, classifier, data):
        with pytest.raises(TypeError, match="epsilon"):
            ksm.estimate_rlct(classifier, data, epsilon=1e-4)


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
    assert arviz.from_netcdf(tmp_path / "chains.nc").attrs["setting_sampler"] == "sgld"


def test_plot_draws_every_chain(classifier, data):
    pytest.importorskip("matplotlib")
    figure = quietly(classifier, data, **QUICK).plot()
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[:3] == ["chain 0", "chain 1", "chain 2"]
