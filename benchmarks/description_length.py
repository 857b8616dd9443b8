"""Whether n · loss + λ ln n tells how long a network's description by quantization is; prints the tables of
docs/what-it-buys.md.

    python -m benchmarks description_length sweeps/what-it-buys

The networks are those of `python -m benchmarks what_it_buys`, compressed by `ksm compress`, n the samples that this
used. The description is the shortest two-part code of labels and kernels (`compression.description_length`), λ the
RLCT of the run. Collapsed networks, and estimates that are not to be used, are left out.
"""

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from benchmarks._comparing import table_head, table_row
from keras_selfmodel import experiments
from keras_selfmodel._number_texts import number_text
from keras_selfmodel.statistics.correlation import rank_correlation
from keras_selfmodel.studies.compression import CompressedRun, compared_networks, stored_compressions
from keras_selfmodel.studies.wording import correlation_text


class Lengths(NamedTuple):
    """Bits that describe one network and the labels of its samples.

    Attributes:
        objective, strength: What it was trained on; the baseline is of no objective.
        labels: n · loss / ln 2 of the network as it is.
        complexity: λ · log₂ n.
        description: The code that was found.
    """

    objective: str
    strength: float
    labels: float
    complexity: float
    description: float

    @property
    def predicted(self) -> float:
        return self.labels + self.complexity

    @property
    def beyond_labels(self) -> float:
        """The codes of the kernels, and what quantization adds to the labels' length."""
        return self.description - self.labels


def lengths_of(network: CompressedRun) -> Lengths | None:
    """`None` where the run has no RLCT that can be used."""
    recipe, one, rlct = network.result.recipe, network.compression, network.result.number("rlct")
    samples = one.protocol.samples
    if rlct is None or samples is None:
        return None
    labels = samples * one.intact.loss / math.log(2)
    objective = recipe.objective if recipe.aux_weight else "baseline"
    return Lengths(objective, recipe.aux_weight, labels, rlct * math.log2(samples), one.description_bits)


def print_means(networks: Sequence[Lengths]) -> None:
    print(table_head("objective", "strength", "networks", "labels", "λ log₂ n", "description", "description − labels"))
    for objective, strength in dict.fromkeys((one.objective, one.strength) for one in networks):
        group = [one for one in networks if (one.objective, one.strength) == (objective, strength)]
        parts = [
            [getattr(one, name) for one in group] for name in ("labels", "complexity", "description", "beyond_labels")
        ]
        cells = [number_text(mean(values) / 1000, 2) for values in parts]
        print(table_row(objective, f"{strength:g}" if strength else "", len(group), *cells))


def print_correlations(networks: Sequence[Lengths]) -> None:
    print(table_head("networks", "n", "description, n·loss + λ ln n", "description, n·loss", "description − labels, λ"))
    objectives = dict.fromkeys(one.objective for one in networks if one.strength)
    for objective in ("all", *objectives):
        group = [one for one in networks if objective in ("all", one.objective) or not one.strength]
        pairs = (("description", "predicted"), ("description", "labels"), ("beyond_labels", "complexity"))
        cells = [_rho([getattr(one, name) for one in group] for name in pair) for pair in pairs]
        print(table_row(objective, len(group), *cells))


def _rho(pair: Iterable[Sequence[float]]) -> str:
    found = rank_correlation(*pair)
    return "" if found is None else correlation_text(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder of compressed runs")
    arguments = parser.parse_args()
    for title, found in compared_networks(stored_compressions(experiments.finished_runs(arguments.runs))).items():
        measured = [lengths for one in found if (lengths := lengths_of(one)) is not None]
        print(f"\n{title}, in kbit\n")
        print_means(measured)
        print("\nSpearman's ρ [95 % interval]\n")
        print_correlations(measured)


if __name__ == "__main__":
    main()
