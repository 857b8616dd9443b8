"""Wrap a Keras classifier so that it also learns to predict its hidden layer; take the plain classifier back.

    python examples/wrap_your_model.py

Uses scikit-learn's digits, which need no download. They are few and easy: the effect on the complexity shows on larger
data, with `ksm run mnist`.
"""

import keras_selfmodel as ksm  # before keras, so that it can select the installed backend

# isort: split
import keras
import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    digits = load_digits()
    x, y = (digits.data / 8 - 1).astype(np.float32), digits.target
    x_train, y_train, x_test, y_test = x[:1400], y[:1400], x[1400:], y[1400:]

    keras.utils.set_random_seed(1)
    classifier = keras.Sequential(  # any functional or Sequential model; the layer to predict needs a name
        [
            keras.Input((64,)),
            keras.layers.Dense(128, activation="relu", name="hidden"),
            keras.layers.Dense(10, name="logits"),
        ]
    )
    model = ksm.SelfModelingModel(classifier, targets=["hidden"], aux_weight=20.0)
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    spread = ksm.callbacks.WeightSpread()
    history = model.fit(x_train, y_train, batch_size=64, epochs=50, verbose=0, callbacks=[spread]).history

    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
    itself = model.evaluate_self_prediction(x_test)
    print(f"accuracy on new digits {accuracy:.3f}")
    print(f"R² of the self-prediction on new digits {itself['self_prediction_r2']:.2f}")
    print(f"weight spread after epochs 1 and 50: {history['weight_spread'][0]:.3f}, {history['weight_spread'][-1]:.3f}")

    plain = model.classifier  # the pruned network: the object from above, its layers and trained weights
    print(f"{type(plain).__name__} with {plain.count_params():,} weights, outputs {plain.output_shape}")


if __name__ == "__main__":
    main()
