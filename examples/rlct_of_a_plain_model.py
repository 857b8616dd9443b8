"""Measure the RLCT (local learning coefficient) of a plain Keras model, and see how far to trust the number.

    python examples/rlct_of_a_plain_model.py

Needs nothing of self-modeling. Uses scikit-learn's digits, which need no download.
"""

import keras_selfmodel as ksm  # before keras, so that it can select the installed backend

# isort: split
import keras
import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    digits = load_digits()
    # Means of 2 × 2 pixels: 16 numbers per image.
    x = (digits.images.reshape(-1, 4, 2, 4, 2).mean((2, 4)).reshape(-1, 16) / 8 - 1).astype(np.float32)
    y = digits.target
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Dense(6, activation="tanh"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=256, epochs=200, verbose=0)

    # The RLCT is a property of a minimum, so the estimate first descends to one. It describes the weights within reach
    # of the localization: compare networks at the same.
    estimate = ksm.estimate_rlct(model, (x, y), batch_size=256, localization=0.5, anchor="descend", seed=1)
    print(estimate)
    print(f"chains {np.round(estimate.chain_values, 2)}, R̂ {estimate.r_hat:.3f}, {estimate.ess:.0f} effective draws")
    print(f"verdict: {estimate.verdict}; the noise of the batches added {estimate.heat_correction:.2f}, taken off")
    print(f"{estimate.num_parameters} weights: a regular model would have {estimate.num_parameters / 2:.0f}")
    for sentence in estimate.warnings:
        print("Warning:", sentence)


if __name__ == "__main__":
    main()
