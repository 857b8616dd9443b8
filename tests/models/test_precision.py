import random

import keras
import numpy as np
import pytest

from keras_selfmodel.models import SelfModelingModel, mlp, resnet18
from keras_selfmodel.models.precision import PRECISIONS, building_in, computes_in, in_single_precision
from keras_selfmodel.rlct import SamplingSettings, estimate_rlct

NETWORKS = {
    "mlp": lambda: mlp(4, inputs=12, classes=3, seed=1),
    "resnet18": lambda: resnet18(4, image=(2, 2, 3), widths=(2,), classes=3, seed=1),
}


@pytest.mark.parametrize("precision", PRECISIONS[1:])
@pytest.mark.parametrize("name", NETWORKS)
def test_in_single_precision_it_is_the_network_built_in_float32(name, precision):
    with building_in(precision):
        mixed = NETWORKS[name]()
    assert computes_in(mixed, precision) and {v.dtype for v in mixed.trainable_variables} == {"float32"}
    plain, precise = NETWORKS[name](), in_single_precision(mixed)
    x = np.random.default_rng(0).normal(size=(5, *plain.input_shape[1:])).astype("float32")
    # The same weights and operations; batches of another size or layout may add in another order.
    np.testing.assert_allclose(precise.predict_on_batch(x), plain.predict_on_batch(x), rtol=1e-6, atol=1e-7)
    assert in_single_precision(plain) is plain


def test_python_draws_the_same_random_numbers_afterwards():
    with building_in("mixed_bfloat16"):
        mixed = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.5)])
    random.seed(7)
    expected = random.random()
    random.seed(7)
    in_single_precision(mixed)
    assert random.random() == expected


def test_the_policy_is_as_before_even_after_an_error():
    with pytest.raises(ZeroDivisionError), building_in("mixed_bfloat16"):
        1 / 0  # noqa: B018
    assert keras.config.dtype_policy().name == "float32"


def test_the_rlct_of_a_mixed_network_is_that_of_the_same_weights_in_float32():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 12)).astype("float32"), rng.integers(0, 3, 40)
    settings = SamplingSettings(num_chains=1, num_draws=20, burn_in=0, batch_size=40, step_size=1e-3, sampler="sgld")
    with building_in("mixed_bfloat16"):
        mixed = NETWORKS["mlp"]()
        modeling = SelfModelingModel(mixed, "hidden", 1.0, seed=3)
    plain = NETWORKS["mlp"]()
    with pytest.warns(UserWarning):  # twenty draws
        found = [
            estimate_rlct(model, (x, y), settings=settings, weights=weights)
            for model, weights in ((modeling, mixed.get_layer("logits")), (plain, "logits"))
        ]
    # In bfloat16 the losses would differ in the third digit.
    np.testing.assert_allclose(found[0].losses, found[1].losses, rtol=1e-6)
    assert found[0].num_parameters == 4 * 3 + 3


@pytest.mark.parametrize("scaled", [True, False])
def test_the_loss_of_a_half_precision_classifier_is_scaled_wherever_it_is_wrapped(scaled):
    with building_in("mixed_float16"):
        classifier = mlp(4, inputs=3, classes=2, seed=1)
    model = SelfModelingModel(classifier, "hidden")
    model.compile("sgd", loss="mse", auto_scale_loss=scaled)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) is scaled
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
