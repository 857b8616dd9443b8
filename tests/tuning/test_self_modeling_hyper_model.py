import keras
import keras_tuner
import numpy as np
import pytest

from keras_selfmodel import SelfModelingModel
from keras_selfmodel.layers import SelfPredictionHead
from keras_selfmodel.tuning import SelfModelingHyperModel


def classifier(hp: keras_tuner.HyperParameters) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(5, activation="relu", name="first"),
            keras.layers.Dense(4, activation="relu", name="second"),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(hp.Choice("learning_rate", [0.25, 0.5])), loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def data() -> tuple:
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32")


def deep(units: int) -> keras.Layer:
    return keras.Sequential([keras.layers.Dense(3, activation="relu"), SelfPredictionHead(units)])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("RandomSearch", marks=pytest.mark.every_backend),
        *("BayesianOptimization", "Hyperband", "GridSearch"),
    ],
)
def test_every_tuner_of_keras_tuner_takes_it(name, data, tmp_path):
    hypermodel = SelfModelingHyperModel(classifier, ["second"], aux_weights=[0, 2], seed=1)
    limit = {"max_epochs": 2} if name == "Hyperband" else {"max_trials": 2}
    objective = keras_tuner.Objective("weight_spread", "min")
    tuner = getattr(keras_tuner, name)(hypermodel, objective=objective, directory=str(tmp_path), seed=1, **limit)
    tuner.search(*data, validation_data=data, epochs=1, batch_size=32, verbose=0)
    best = tuner.get_best_hyperparameters()[0]
    assert set(best.values) >= {"learning_rate", "aux_weight"}
    (model,) = tuner.get_best_models()
    assert isinstance(model, SelfModelingModel) and model.aux_weight == best["aux_weight"]
    kernel = keras.ops.convert_to_numpy(model.classifier.layers[-1].kernel)
    # The network of the best epoch is there, and its score is the standard deviation of its last kernel.
    score = tuner.oracle.get_best_trials()[0].score
    assert score == pytest.approx(kernel.std(), rel=1e-5)


@pytest.mark.every_backend
def test_it_builds_what_the_values_say_and_compiles_it_as_its_classifier():
    hypermodel = SelfModelingHyperModel(
        classifier, ["first", ("first", "second")], [1, 3], heads={"linear": SelfPredictionHead, "deep": deep}
    )
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    assert {p.name for p in hp.space} == {"learning_rate", "targets", "aux_weight", "head"}
    hp.values |= {"targets": "first+second", "aux_weight": 3.0, "head": "deep", "learning_rate": 0.5}
    model = hypermodel.build(hp)
    assert model.targets == ("first", "second") and model.num_targets == 9 and model.aux_weight == 3.0
    assert [tuple(w.shape) for w in model.head.weights] == [(4, 3), (3,), (3, 9), (9,)]
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == 0.5
    assert isinstance(model.loss, keras.losses.SparseCategoricalCrossentropy)


def test_the_fit_of_a_hypermodel_is_used():
    class Inner(keras_tuner.HyperModel):
        def build(self, hp):
            return classifier(hp)

        def fit(self, hp, model, *args, **kwargs):
            return {"model": model, "args": args, "callbacks": kwargs["callbacks"]}

    hypermodel = SelfModelingHyperModel(Inner(), ["first"], [1])
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    found = hypermodel.fit(hp, model, 1, 2, callbacks=["theirs"])
    assert found["model"] is model and found["args"] == (1, 2) and found["callbacks"][1:] == ["theirs"]


def test_what_cannot_be_built_is_named():
    for arguments in ({"targets": []}, {"targets": ["a"], "aux_weights": []}, {"targets": ["a"], "heads": {}}):
        with pytest.raises(ValueError, match="must contain at least one alternative"):
            SelfModelingHyperModel(classifier, **arguments)
    bare = SelfModelingHyperModel(lambda hp: keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), ["dense"])
    with pytest.raises(ValueError, match="must be compiled"):
        bare.build(keras_tuner.HyperParameters())
