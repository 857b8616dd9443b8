"""Default estimate, what it depends on, and profile of classifiers of MNIST: at which scale the RLCT falls with AW.

    TFDS_DATA_DIR=FOLDER KERAS_BACKEND=jax python -m benchmarks rlct_of_images --networks cnn --aux-weights 0
    TFDS_DATA_DIR=FOLDER KERAS_BACKEND=jax python -m benchmarks rlct_of_images --networks mlp --aux-weights 50 --scaled
    TFDS_DATA_DIR=FOLDER KERAS_BACKEND=jax python -m benchmarks rlct_of_images --epochs 30 --anchors trained,descend

"cnn": three convolutions, 3,738 weights, on the first 5,000 images. "mlp": 512 hidden units, 407,050 weights, on all
60,000. Trained by Adam for some epochs, with the last hidden layer as target of the self-prediction. Printed for each
auxiliary weight and anchor: the estimate with its parts and verdict, seconds with compilation, and with `--profile` λ̂
against γ in units of γ₀ = d/R² at the trained weights.
"""

import argparse
import time
import warnings

import keras
from keras import layers

import keras_selfmodel as ksm
from keras_selfmodel import datasets
from keras_selfmodel.rlct.prior_width import weight_scale

STRENGTHS = (10.0, 1.0, 0.1, 0.01)


def mlp() -> tuple[keras.Model, int]:
    hidden = layers.Dense(512, "relu", name="hidden")
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), hidden, layers.Dense(10)]), 60_000


def cnn() -> tuple[keras.Model, int]:
    convolutions = [
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
    ]
    pooled = layers.GlobalAveragePooling2D(name="hidden")
    return keras.Sequential([keras.Input((28, 28, 1)), *convolutions, pooled, layers.Dense(10)]), 5_000


NETWORKS = {"mlp": mlp, "cnn": cnn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="cnn", help="cnn, mlp or cnn,mlp. Default: cnn.")
    parser.add_argument("--aux-weights", default="0", help="Such as 0,10,50. Default: 0.")
    parser.add_argument("--anchors", default="trained", help="Also descend, both, or '' for none. Default: trained.")
    parser.add_argument("--scaled", action="store_true", help="Pixels from 0 to 1, not from 0 to 255.")
    parser.add_argument("--epochs", type=int, default=3, help="Default: 3.")
    parser.add_argument("--profile", action="store_true", help="Also the profile.")
    parser.add_argument("--seed", type=int, default=1, help="Default: 1.")
    arguments = parser.parse_args()
    data = datasets.load("mnist")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for name in arguments.networks.split(","):
        for aux_weight in map(float, arguments.aux_weights.split(",")):
            keras.utils.set_random_seed(arguments.seed)
            classifier, samples = NETWORKS[name]()
            x, y = data.x_train[:samples].reshape(-1, 28, 28, 1), data.y_train[:samples]
            if arguments.scaled:
                x = x.astype("float32") / 255
            model = ksm.SelfModelingModel(classifier, targets=["hidden"], aux_weight=aux_weight)
            model.compile(keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"])
            model.fit(x, y, batch_size=64, epochs=arguments.epochs, verbose=0)
            accuracy = model.evaluate(x, y, batch_size=512, verbose=0, return_dict=True)["accuracy"]
            for anchor in filter(None, arguments.anchors.split(",")):
                start = time.perf_counter()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
                    estimate = ksm.estimate_rlct(
                        classifier, (x, y), loss=loss, seed=arguments.seed, anchor=anchor, verbose=0
                    )
                seconds = time.perf_counter() - start
                print(
                    f"{name}, AW {aux_weight:g}, {estimate.num_parameters:,} weights, accuracy {accuracy:.3f}, "
                    f"{anchor}: {estimate}, γ {estimate.localization:.3g}, sensitivity {estimate.sensitivity}, "
                    f"{estimate.trend}, degeneracy {estimate.degeneracy:.3g}, held "
                    f"{estimate.held_by_localization:.4g}, |w − w*| {estimate.distance:.3g}, |w*| "
                    f"{estimate.anchor_norm:.3g}, {estimate.gradient_evaluations:,} gradients, {seconds:.0f} s, "
                    f"{estimate.descent}",
                    *estimate.warnings,
                    sep="\n    ",
                    flush=True,
                )
            if arguments.profile:
                unit = classifier.count_params() / weight_scale(classifier.get_weights())
                localizations = [unit * strength for strength in STRENGTHS]
                profile = ksm.rlct.localization_profile(
                    classifier, (x, y), loss=loss, seed=arguments.seed, localizations=localizations, verbose=0
                )
                rows = zip(STRENGTHS, profile.values, profile.sampling_errors, profile.distances, strict=True)
                for strength, value, error, distance in rows:
                    print(f"    γ = {strength:g} γ₀: {value:.4g} ± {error:.2g}, |w − w*| {distance:.3g}")
                print("   ", profile.words, flush=True)


if __name__ == "__main__":
    main()
