"""Default strengths of each objective in `ksm controls`."""

# For the paper's MNIST networks: from a baseline's accuracy down to a few points below it, where self-modeling lies, by
# early runs of 64 hidden units after 20 epochs. Self-models of few numbers overwhelm a network sooner, because each
# weighs more in the mean. Self-modeling has two weights below the paper's, because some controls cost less accuracy
# than AW 1.
CONTROL_STRENGTHS: dict[str, tuple[float, ...]] = {
    "self-modeling": (0.1, 0.3, 1, 5, 10, 20, 50),
    "both-gradients": (0.3, 1, 3, 10),
    "unit-rms": (1, 5, 10, 20),
    "random-subset": (0.5, 1, 2, 5),
    "signs": (1, 5, 10, 20),
    "mean-and-range": (0.1, 0.3, 1, 3),
    "deep-head": (1, 3, 5, 10),
    "lesions": (3, 10, 30, 50),
    "fixed-vector": (0.3, 1, 3, 10),
    "random-projection": (1, 5, 10, 20),
    "other-network": (1, 5, 10, 20),
    "weight-decay": (0.001, 0.003, 0.01, 0.03),
    "last-layer-decay": (0.003, 0.01, 0.03, 0.1),
    "dropout": (0.25, 0.5, 0.75, 0.9),
    "activation-regularization": (0.1, 1, 3, 10),
}
"""Strengths of each objective that `ksm controls` tries by default."""
