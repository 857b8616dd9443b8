"""A transformer of 13 million weights from keras-hub, built from scratch, that predicts its own hidden states.

    pip install keras-hub && python examples/self_modeling_transformer.py     # small: two narrow blocks

Made-up texts of 32 words are about one of four topics. Targets are the hidden states of two blocks at all positions,
2 · 32 · 384 = 24,576 activations, each with an output of its own: so the length must be fixed, and the head has 9.5
million weights besides. Where that is too many, let the classifier pool its blocks, and name the pooling as the target.
On a CPU with JAX: 190 s of one core; at most 2.1 GB in training and 3.3 in sampling, with small blocks 1.4 and 2.0.
So few steps of sampling, one chain after the other, show what the RLCT costs, not what it is: the verdict says so.
"""

import resource
import sys
import time

import keras_selfmodel as ksm  # before keras, so that it can select the installed backend

# isort: split
import keras
import keras_hub
import numpy as np

WORDS, LENGTH, TOPICS = 6000, 32, 4


def texts(samples: int, seed: int) -> tuple[dict, np.ndarray]:
    """A quarter of the words of a text belong to its topic, the others to none."""
    rng, shape = np.random.default_rng(seed), (samples, LENGTH)
    topics = rng.integers(0, TOPICS, samples)
    about = rng.integers(0, 100, shape) + 100 * topics[:, None]
    words = np.where(rng.random(shape) < 0.25, about, rng.integers(400, WORDS, shape))
    return {"token_ids": words, "segment_ids": np.zeros(shape, int), "padding_mask": np.ones(shape, int)}, topics


def report(what: str, start: float) -> None:
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # Linux counts kilobytes
    print(f"{what}: {time.perf_counter() - start:.0f} s, at most {gigabytes:.1f} GB so far")


def main(blocks: int, width: int, samples: int, epochs: int, steps: int) -> None:
    keras.utils.set_random_seed(1)
    backbone = keras_hub.models.BertBackbone(WORDS, blocks, 4, width, 4 * width, max_sequence_length=LENGTH)
    # The same layers on inputs of a fixed length; called as one layer, the backbone would hide its blocks.
    inputs = {name: keras.Input((LENGTH,), dtype="int32", name=name) for name in backbone.input}
    graph = keras.models.clone_model(backbone, input_tensors=inputs, clone_function=lambda layer: layer)
    classifier = keras.Model(graph.input, keras.layers.Dense(TOPICS, name="logits")(graph.output["pooled_output"]))
    targets = [f"transformer_layer_{block}" for block in (blocks // 2 - 1, blocks - 1)]
    model = ksm.SelfModelingModel(classifier, targets, aux_weight=1.0, seed=1)
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    print(f"{classifier.count_params():,} weights, {model.num_targets:,} targets in {', '.join(targets)}")
    (x, y), start = texts(samples, seed=1), time.perf_counter()
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    report(f"training, {model.evaluate_self_prediction(x)}", start)
    estimate = ksm.estimate_rlct(model, (x, y), batch_size=8, burn_in=steps, num_draws=steps, chains_at_once=1)
    report(f"sampling, {estimate.gradient_evaluations} gradients of 8 texts, with training", start)
    print(f"RLCT {estimate.value:.0f}, {estimate.verdict}")


if __name__ == "__main__":
    main(2, 16, 64, 1, 10) if "small" in sys.argv else main(6, 384, 512, 2, 10)
