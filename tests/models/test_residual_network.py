import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


def test_the_papers_network_has_its_weights_and_its_targets():
    model = ksm.models.resnet18(seed=1)
    # 11,173,962 weights are those of the usual CIFAR ResNet-18 with 10 classes on 512 features.
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == (
        11_173_962 - (512 * 10 + 10) + (512 * 2000 + 2000) + (2000 * 10 + 10)
    )
    assert model.get_layer("last_block").output.shape == (None, 4, 4, 512)
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers) == 17 + 3  # three shortcuts
    assert model.get_layer("hidden").units + 4 * 4 * 512 == 10_192


def convolve(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """A convolution with (size − 1)/2 zeros on each side, as PyTorch pads it."""
    size = kernel.shape[0]
    pad = (size - 1) // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwckl,klcd->nhwd", windows, kernel)


class Reference:
    """The network in NumPy, in double precision and inference mode."""

    def __init__(self, model: keras.Model) -> None:
        self.weights = iter([w.astype(np.float64) for layer in in_order(model) for w in layer.get_weights()])

    def normalized(self, x: np.ndarray, stride: int) -> np.ndarray:
        x = convolve(x, next(self.weights), stride)
        gamma, beta, mean, variance = (next(self.weights) for _ in range(4))
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    def block(self, x: np.ndarray, width: int, stride: int) -> np.ndarray:
        inner = np.maximum(self.normalized(x, stride), 0)
        inner = self.normalized(inner, 1)
        if stride > 1 or x.shape[-1] != width:
            x = self.normalized(x, stride)
        return np.maximum(inner + x, 0)

    def __call__(self, x: np.ndarray, widths: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        x = np.maximum(self.normalized(x, 1), 0)
        for stage, width in enumerate(widths):
            x = self.block(x, width, 2 if stage else 1)
            x = self.block(x, width, 1)
        hidden = np.maximum(x.mean(axis=(1, 2)) @ next(self.weights) + next(self.weights), 0)
        return x, hidden @ next(self.weights) + next(self.weights)


def in_order(model: keras.Model) -> list[keras.Layer]:
    """Layers with weights as they were made: their seeds and their names count on."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]

    def number(layer):
        return int(("0" + layer.name).split("_")[-1]) if layer.name[-1].isdigit() else 0

    pairs = zip(sorted(layers, key=number), sorted(norms, key=number), strict=True)
    return [*(layer for pair in pairs for layer in pair), model.get_layer("hidden"), model.get_layer("logits")]


def test_scores_and_last_block_are_those_of_numpy():
    rng, widths = np.random.default_rng(0), (3, 5)
    model = ksm.models.resnet18(7, image=(8, 6, 2), widths=widths, classes=4, seed=1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
    images = rng.normal(size=(3, 8, 6, 2)).astype("float32")
    last_block, scores = Reference(model)(images.astype(np.float64), widths)
    both = keras.Model(model.input, [model.get_layer("last_block").output, model.output])
    ours = both.predict(images, verbose=0)
    np.testing.assert_allclose(ours[0], last_block, atol=1e-5)
    np.testing.assert_allclose(ours[1], scores, atol=1e-5)


def test_initial_weights_are_those_of_numpy_and_each_layer_has_its_own():
    model = ksm.models.resnet18(7, image=(8, 8, 3), widths=(2, 3), classes=4, seed=5)
    kernels = [layer.get_weights()[0] for layer in in_order(model) if isinstance(layer, keras.layers.Conv2D)]
    for number, kernel in enumerate(kernels):
        bound = np.prod(kernel.shape[:-1]) ** -0.5
        expected = np.random.default_rng((5, number, 0)).uniform(-bound, bound, kernel.shape)
        np.testing.assert_array_equal(kernel, expected.astype("float32"))
    for number, (name, fan_in) in enumerate([("hidden", 3), ("logits", 7)], start=len(kernels)):
        kernel, bias = model.get_layer(name).get_weights()
        for part, weight in enumerate((kernel, bias)):
            expected = np.random.default_rng((5, number, part)).uniform(-(fan_in**-0.5), fan_in**-0.5, weight.shape)
            np.testing.assert_array_equal(weight, expected.astype("float32"))


def test_both_targets_are_predicted_together():
    model = ksm.models.resnet18(7, image=(8, 8, 3), widths=(2, 3), classes=4, seed=5)
    assert ksm.SelfModelingModel(model, ["last_block", "hidden"]).head.units == 4 * 4 * 3 + 7


def test_without_batch_norm_convolutions_have_a_bias_and_the_kernels_start_the_same():
    both = [
        ksm.models.resnet18(7, image=(8, 8, 3), widths=(2, 3), classes=4, batch_norm=on, seed=5) for on in (True, False)
    ]
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in both[1].layers)
    convolutions = [[layer for layer in m.layers if isinstance(layer, keras.layers.Conv2D)] for m in both]
    for normalized, plain in zip(*convolutions, strict=True):
        kernel, bias = plain.get_weights()
        np.testing.assert_array_equal(kernel, normalized.get_weights()[0])
        assert 0 < np.abs(bias).max() <= np.prod(kernel.shape[:-1]) ** -0.5
    logits = both[1].predict(np.ones((2, 8, 8, 3)), verbose=0)
    assert logits.shape == (2, 4) and np.isfinite(logits).all()


def test_an_mlp_with_batch_norm_is_that_of_numpy():
    model = ksm.models.mlp(7, inputs=5, classes=3, batch_norm=True, seed=5)
    np.testing.assert_array_equal(
        model.layers[0].get_weights()[0], ksm.models.mlp(7, inputs=5, classes=3, seed=5).layers[0].get_weights()[0]
    )
    rng = np.random.default_rng(0)
    norm, x = model.get_layer("hidden_norm"), rng.normal(size=(4, 5)).astype("float32")
    norm.set_weights([rng.uniform(0.5, 2, 7) for _ in norm.weights])
    gamma, beta, mean, variance = norm.get_weights()
    kernel, bias = model.get_layer("logits").get_weights()
    hidden = np.maximum(gamma * (x @ model.layers[0].get_weights()[0] - mean) / np.sqrt(variance + 1e-5) + beta, 0)
    np.testing.assert_allclose(model.predict(x, verbose=0), hidden @ kernel + bias, atol=1e-5)
    assert ksm.SelfModelingModel(model, "hidden").num_targets == 7


@pytest.mark.filterwarnings("ignore::keras_selfmodel.rlct.RLCTWarning")
def test_the_rlct_is_measured_in_training_mode_and_leaves_the_statistics_alone():
    model = ksm.models.resnet18(5, image=(4, 4, 1), widths=(2,), classes=3, seed=5)  # compiles faster
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 4, 4, 1)).astype("float32"), np.arange(24) % 3
    before = model.get_weights()
    settings = {"convention": "paper", "num_chains": 2, "num_draws": 2, "burn_in": 1, "batch_size": 8}
    estimate = ksm.estimate_rlct(model, (x, y), **settings)
    assert np.isfinite(estimate.value)
    # The first loss of a chain is that of the first batch with the batch's own statistics.
    scores = keras.ops.convert_to_numpy(model(x[:8], training=True)).astype(np.float64)
    model.set_weights(before)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    cross_entropy = -np.log((p / p.sum(axis=1, keepdims=True))[np.arange(8), y[:8]]).mean()
    np.testing.assert_allclose(estimate.losses[:, 0], cross_entropy, rtol=1e-4)


@pytest.mark.parametrize("size", [{"hidden": 0}, {"classes": 0}, {"widths": ()}, {"image": (0, 8, 3)}])
def test_sizes_must_be_positive(size):
    with pytest.raises(ValueError, match=next(iter(size))):
        ksm.models.resnet18(**size)
