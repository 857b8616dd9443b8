"""Whether RLCT and weight spread predict how small a network can be made."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_selfmodel.statistics.correlation import RankCorrelation, rank_correlation
from keras_selfmodel.studies.compression.compressed_run import CompressedRun
from keras_selfmodel.studies.compression.groups import compared_networks
from keras_selfmodel.studies.compression.measures import COMPRESSION_MEASURES, NETWORK_SIZES

PREDICTORS = ("rlct", "weight_spread")
ALL = "all objectives"


@dataclass(frozen=True)
class Association:
    """A rank correlation over networks of one size.

    Attributes:
        networks: What they are, such as "mnist, H = 64".
        objective: "all objectives" for all together, or one, the baseline included.
        predictor: "rlct" or "weight_spread".
        measure: Name of the size.
        correlation: Over the networks that have both, without collapsed ones; `None` for fewer than four, or if one of
            both never varies.
    """

    networks: str
    objective: str
    predictor: str
    measure: str
    correlation: RankCorrelation | None


def associations(found: Sequence[CompressedRun]) -> list[Association]:
    """Rank correlations of RLCT and spread with the sizes, between objectives and within each.

    Estimates of the RLCT that are not to be used are left out. The intervals take the networks for independent, which
    those of one seed are not quite.

    Args:
        found: Compressed networks.

    Raises:
        ImportError: If SciPy is missing.
    """
    return [
        Association(title, objective, predictor, measure, _over(networks, predictor, measure))
        for title, everything in compared_networks(found).items()
        for objective, networks in _by_objective(everything).items()
        for predictor in PREDICTORS
        for measure in NETWORK_SIZES
    ]


def _by_objective(networks: list[CompressedRun]) -> dict[str, list[CompressedRun]]:
    names = dict.fromkeys(one.result.recipe.objective for one in networks if one.result.recipe.aux_weight > 0)
    within = {
        name: [one for one in networks if one.result.recipe.aux_weight == 0 or one.result.recipe.objective == name]
        for name in names
    }
    return within if len(within) == 1 else {ALL: networks, **within}


def _over(networks: list[CompressedRun], predictor: str, measure: str) -> RankCorrelation | None:
    pairs = [(one.result.number(predictor), COMPRESSION_MEASURES[measure].of(one.compression)) for one in networks]
    whole = [(x, y) for x, y in pairs if x is not None and y is not None]
    return rank_correlation([x for x, _ in whole], [y for _, y in whole])
