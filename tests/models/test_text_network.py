import keras
import numpy as np
import pytest

import keras_selfmodel as ksm


def test_the_papers_network_has_its_weights_and_its_layers():
    model = ksm.models.text_classifier(100_683, seed=1)
    assert model.count_params() == 100_683 * 64 + (64 * 128 + 128) + (128 * 2 + 2)
    assert [layer.name for layer in model.layers] == ["pooled", "hidden", "logits"]


def test_the_class_scores_are_those_of_numpy():
    model = ksm.models.text_classifier(20, embedding=5, hidden=4, classes=3, seed=1)
    tokens = np.array([[3, 7, 3, -1], [19, 0, 1, 2]], np.int32)
    table, w, b, v, c = model.get_weights()
    pooled = np.array([table[[3, 7, 3]].mean(axis=0), table[[19, 0, 1, 2]].mean(axis=0)])
    scores = np.maximum(pooled @ w + b, 0) @ v + c
    np.testing.assert_allclose(model.predict(tokens, verbose=0), scores, atol=1e-6)


def test_the_initial_weights_are_those_of_numpy():
    model = ksm.models.text_classifier(20, embedding=5, hidden=4, seed=9)

    def uniform(seed, fan_in, shape):
        return np.random.default_rng(seed).uniform(-(fan_in**-0.5), fan_in**-0.5, shape).astype("float32")

    expected = [
        np.random.default_rng((9, 0, 0)).standard_normal((20, 5), dtype=np.float32),
        *(uniform((9, 1, 0), 5, (5, 4)), uniform((9, 1, 1), 5, 4)),
        *(uniform((9, 2, 0), 4, (4, 2)), uniform((9, 2, 1), 4, 2)),
    ]
    for weight, values in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(weight, values)


@pytest.mark.parametrize(("targets", "units"), [("hidden", 4), ("pooled", 5), (["pooled", "hidden"], 9)])
def test_both_layers_can_be_targets(targets, units):
    model = ksm.SelfModelingModel(ksm.models.text_classifier(20, embedding=5, hidden=4, seed=1), targets)
    assert model.head.units == units


def test_a_saved_model_takes_texts_of_any_length(tmp_path):
    model = ksm.SelfModelingModel(ksm.models.text_classifier(20, embedding=5, hidden=4, seed=1), "hidden")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    short, long = np.array([[3, 7]], np.int32), np.array([[7, 3, -1, -1, -1]], np.int32)
    np.testing.assert_allclose(loaded.predict(short, verbose=0), model.predict(long, verbose=0), atol=1e-6)


@pytest.mark.parametrize("size", ["vocabulary_size", "embedding", "hidden", "classes"])
def test_sizes_must_be_positive(size):
    with pytest.raises(ValueError, match=f"{size}=0"):
        ksm.models.text_classifier(**{"vocabulary_size": 9, size: 0})
