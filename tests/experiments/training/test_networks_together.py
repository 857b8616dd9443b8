import keras
import numpy as np
import pytest

from keras_selfmodel import transforms
from keras_selfmodel.experiments.training.networks_together import NetworksTogether
from keras_selfmodel.models import SelfModelingModel, mlp

needs_functional_optimizers = pytest.mark.skipif(
    not transforms.FUNCTIONAL_OPTIMIZERS, reason="Keras's optimizers work in place on this backend"
)
RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(100, 7)).astype("float32"), RNG.integers(0, 3, 100).astype("int32")
X_TEST, Y_TEST = RNG.normal(size=(41, 7)).astype("float32"), RNG.integers(0, 3, 41).astype("int32")


def _model(seed: int, aux_weight: float, optimizer=None) -> keras.Model:
    model = mlp(5, inputs=7, classes=3, seed=seed)
    if aux_weight:
        model = SelfModelingModel(model, ["hidden"], aux_weight, seed=(seed, 99))
    model.compile(
        optimizer or keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def _order(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(100)


@needs_functional_optimizers
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("aux_weights", [(0.0, 0.0), (1.0, 5.0, 2.0)])
def test_each_network_becomes_what_fit_makes_of_it_alone(aux_weights, optimizer):
    def made(seed, aux_weight):
        return _model(seed, aux_weight, None if optimizer == "sgd" else keras.optimizers.Adam(0.01))

    models = [made(seed, aux_weight) for seed, aux_weight in enumerate(aux_weights)]
    orders = np.stack([_order(seed) for seed in range(len(models))])
    together = NetworksTogether(models, X, Y, orders, batch_size=32)  # the last batch has 4
    rows = []
    for _ in range(3):
        logs = together.epoch()
        tests = together.evaluate(X_TEST, Y_TEST)
        rows.append([{**a, **{f"val_{n}": v for n, v in b.items()}} for a, b in zip(logs, tests, strict=True)])
    together.synchronize()
    for seed, aux_weight in enumerate(aux_weights):
        alone = made(seed, aux_weight)
        order = _order(seed)
        history = alone.fit(
            *(X[order], Y[order]),
            batch_size=32, epochs=3, shuffle=False, verbose=0, validation_data=(X_TEST, Y_TEST),
        ).history  # fmt: skip
        # Single precision: the same sums, added in another order.
        for name, values in history.items():
            np.testing.assert_allclose([row[seed][name] for row in rows], values, rtol=1e-5, atol=1e-6)
        assert set(rows[0][seed]) == set(history)
        ours = models[seed]
        for mine, theirs in zip(
            (*ours.trainable_variables, *ours.non_trainable_variables, *ours.optimizer.variables),
            (*alone.trainable_variables, *alone.non_trainable_variables, *alone.optimizer.variables),
            strict=True,
        ):
            mine, theirs = keras.ops.convert_to_numpy(mine), keras.ops.convert_to_numpy(theirs)
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@needs_functional_optimizers
def test_training_can_go_on_where_it_stopped():
    def trained(epochs: list[int]) -> np.ndarray:
        model = _model(1, 2.0)
        for count in epochs:
            together = NetworksTogether([model], X, Y, _order(1)[None], batch_size=50)
            for _ in range(count):
                together.epoch()
            together.synchronize()
        return model.classifier.get_layer("hidden").get_weights()[0]

    np.testing.assert_array_equal(trained([3]), trained([1, 2]))


@needs_functional_optimizers
def test_an_optimizer_that_does_more_than_its_rule_is_refused():
    with pytest.raises(ValueError, match="with clipnorm of SGD"):
        NetworksTogether([_model(1, 0, keras.optimizers.SGD(0.1, clipnorm=1.0))], X, Y, _order(1)[None], batch_size=50)


@pytest.mark.skipif(transforms.FUNCTIONAL_OPTIMIZERS, reason="this backend can")
def test_a_backend_that_cannot_says_so():
    with pytest.raises(ValueError, match="cannot be trained together on tensorflow"):
        NetworksTogether([_model(1, 0)], X, Y, _order(1)[None], batch_size=50)
