import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


def test_known_distributions():
    rng = np.random.default_rng(0)
    normal = ksm.metrics.spread_of(rng.normal(scale=0.3, size=200_000))
    # Normal: IQR = 1.349 σ, excess kurtosis 0 (known to √(24/n) = 0.011); four standard errors each.
    assert normal.standard_deviation == pytest.approx(0.3, rel=0.007)
    assert normal.interquartile_range == pytest.approx(1.349 * 0.3, rel=0.01)
    assert abs(normal.excess_kurtosis) < 0.044
    uniform = ksm.metrics.spread_of(np.linspace(-1, 1, 10_001))
    np.testing.assert_allclose(uniform, (1 / np.sqrt(3), 1.0, -1.2), rtol=1e-3)


def test_weights_that_are_not_finite_have_no_spread():
    for weights in ([1.0, np.inf], [1.0, np.nan]):
        assert np.isnan(ksm.metrics.spread_of(weights)).all()


def test_it_is_the_final_kernel_without_head_and_bias():
    classifier = ksm.models.mlp(6, inputs=4, classes=3, seed=1)
    kernel = classifier.layers[-1].get_weights()[0]
    for model in (classifier, ksm.SelfModelingModel(classifier, "hidden")):
        assert ksm.weight_spread(model).standard_deviation == pytest.approx(float(np.std(kernel)), rel=1e-6)


def test_final_layer_is_found_behind_softmax_and_dropout():
    inputs = keras.Input((4,))
    logits = keras.layers.Dense(3, name="last")(keras.layers.Dense(5)(inputs))
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Dropout(0.1)(logits)))
    wanted = float(np.std(model.get_layer("last").get_weights()[0]))
    assert ksm.weight_spread(model).standard_deviation == pytest.approx(wanted, rel=1e-6)


def test_callback_records_every_epoch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    model = ksm.models.mlp(6, inputs=4, classes=3, seed=1)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, y, epochs=3, verbose=0, callbacks=[ksm.callbacks.WeightSpread()]).history
    assert len(history["weight_spread"]) == 3
    last = ksm.weight_spread(model)
    assert history["weight_spread"][-1] == last.standard_deviation
    assert history["weight_interquartile_range"][-1] == last.interquartile_range
    assert history["weight_excess_kurtosis"][-1] == last.excess_kurtosis
