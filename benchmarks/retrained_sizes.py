"""How few weights pruned networks need once the others were trained on; prints a table of docs/what-it-buys.md.

    python -m benchmarks retrained_sizes sweeps/what-it-buys

The networks are those of `python -m benchmarks what_it_buys`, compressed by `ksm compress --retrain 2`. Sizes are taken
at a rise of each network's own loss, and at the loss that such a rise of the baseline of the same seed leads to; there
the network as it is does not count, whose loss may be higher. Collapsed networks are left out.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks._comparing import Measure, table_head, table_row
from keras_selfmodel import experiments
from keras_selfmodel.compression import CompressionCurve
from keras_selfmodel.studies.compression import (
    RETRAINED_PRUNING,
    CompressedRun,
    compared_networks,
    stored_compressions,
)

RISE = 0.1
BASELINE = ("baseline", 0.0)
MEASURES = [
    Measure("own", f"{RISE:g} nat above its own loss", 100, 1),
    Measure("same", "at the baseline's + that", 100, 1),
]


class Sizes(NamedTuple):
    """Parts of the weights that are kept; `None` where the loss is not reached."""

    own: float | None
    same: float | None


def sizes_of(network: CompressedRun, baseline: CompressedRun) -> Sizes:
    """The sizes of a network, `baseline` being that of its seed."""
    curve = network.compression.curves.get(RETRAINED_PRUNING.name)
    if curve is None:
        raise SystemExit(
            f"{network.result.folder} has no curve of retraining: ksm compress RUNS --retrain 2 measures it."
        )
    return Sizes(curve.at_rise(RISE), _at_loss(curve, baseline.compression.intact.loss + RISE))


def _at_loss(curve: CompressionCurve, loss: float) -> float | None:
    """The amount at which the retrained networks first exceed a loss; `None` if the largest one does."""
    retrained = replace(curve, points=curve.points[1:])
    below = loss - retrained.points[0].loss
    return retrained.at_rise(below) if below > 0 else None


def by_strength(networks: list[CompressedRun]) -> dict[tuple[str, float], dict[int, CompressedRun]]:
    """By objective and strength, and by seed."""
    found: dict = defaultdict(dict)
    for network in networks:
        recipe = network.result.recipe
        found[(recipe.objective, recipe.aux_weight) if recipe.aux_weight else BASELINE][recipe.seed] = network
    return found


def print_table(groups: Mapping[tuple[str, float], Mapping[int, CompressedRun]]) -> None:
    sizes = {
        kind: {seed: sizes_of(network, groups[BASELINE][seed]) for seed, network in networks.items()}
        for kind, networks in groups.items()
    }
    titles = [title for measure in MEASURES for title in (measure.title, "minus baseline")]
    print(table_head("objective", "strength", *titles))
    for (objective, strength), group in sizes.items():
        cells = []
        for measure in MEASURES:
            difference = measure.difference(group, sizes[BASELINE]) if strength else None
            cells += [measure.mean(group.values()), measure.text(difference, None)]
        print(table_row(objective, f"{strength:g}" if strength else "", *cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder of compressed runs")
    arguments = parser.parse_args()
    for title, networks in compared_networks(stored_compressions(experiments.finished_runs(arguments.runs))).items():
        print(f"\n{title}, weights kept / %\n")
        print_table(by_strength(networks))


if __name__ == "__main__":
    main()
