"""Deep linear networks of `rlct.deep_linear_network`, generic and singular."""

import keras

import keras_selfmodel as ksm
from truth.case import Built, Case

SAMPLES = 100_000


def cases() -> list[Case]:
    described = [(1_000, 1), (1_000, 2), (10_000, 1), (100_000, 1), (1_000_000, 1)]
    return [
        Case(
            "deep linear networks",
            f"{kind}, {parameters:,} weights, network {seed}",
            float(ksm.rlct.deep_linear_network(parameters, kind, seed).coefficient.value),
            lambda parameters=parameters, kind=kind, seed=seed: _build(parameters, kind, seed),
            cheap=False,
            large=parameters > 1_000,
        )
        for parameters, seed in described
        for kind in ("generic", "singular")
    ]


def _build(parameters: int, kind: str, seed: int) -> Built:
    network = ksm.rlct.deep_linear_network(parameters, kind, seed)
    return Built(network.model(), network.data(SAMPLES, seed), keras.losses.MeanSquaredError(), lambda *_: None)
