"""Search the hyperparameters of your own classifier and of its self-model together, with any tuner of keras-tuner.

    pip install '.[jax,tune]' && python examples/tune_your_classifier.py

Uses scikit-learn's digits, which need no download. `ksm tune` does the same for recipes, and measures the RLCT.
"""

import tempfile

# Before keras, so that keras_selfmodel can select the installed backend.
from keras_selfmodel.layers import DeepSelfPredictionHead
from keras_selfmodel.tuning import SelfModelingHyperModel

# isort: split
import keras
import keras_tuner
from sklearn.datasets import load_digits


def classifier(hp: keras_tuner.HyperParameters) -> keras.Model:
    """What you have already: a function that builds and compiles a classifier."""
    hidden = keras.layers.Dense(hp.Choice("units", [32, 64]), activation="relu", name="hidden")
    model = keras.Sequential([keras.Input((64,)), hidden, keras.layers.Dense(10, name="logits")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-2, sampling="log")), loss, metrics=["accuracy"]
    )
    return model


def main() -> None:
    x, y = load_digits(return_X_y=True)
    x = (x / 8 - 1).astype("float32")
    heads = {"linear": None, "deep": DeepSelfPredictionHead}
    hypermodel = SelfModelingHyperModel(classifier, targets=["hidden"], aux_weights=[0, 1, 10], heads=heads)
    with tempfile.TemporaryDirectory() as folder:
        # Or "weight_spread", "min"; and the RLCT of the last epoch, with ksm.callbacks.RLCT among the callbacks.
        objective = keras_tuner.Objective("val_accuracy", "max")
        tuner = keras_tuner.RandomSearch(hypermodel, objective, max_trials=3, seed=1, directory=folder)
        tuner.search(x[:1000], y[:1000], validation_data=(x[1000:1400], y[1000:1400]), epochs=10, verbose=0)
        print("best:", tuner.get_best_hyperparameters()[0].values)
        model = tuner.get_best_models()[0]
    accuracy = model.evaluate(x[1400:], y[1400:], verbose=0, return_dict=True)["accuracy"]
    print(f"accuracy on digits that neither training nor search has seen: {accuracy:.3f}")


if __name__ == "__main__":
    main()
