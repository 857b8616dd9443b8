"""Problems of known RLCT, family by family; benchmarks/rlct_truth.py tries the estimator on them."""

from truth import (
    classification,
    crossings,
    deep_linear,
    least_squares,
    modular,
    reduced_rank,
    relu,
    superposition,
    tanh,
)
from truth.case import Built, Case, usual_inverse_temperature

FAMILIES = (
    least_squares,
    classification,
    crossings,
    reduced_rank,
    tanh,
    relu,
    modular,
    superposition,
    deep_linear,
)


def cases() -> list[Case]:
    """All cases, family by family."""
    return [case for family in FAMILIES for case in family.cases()]


__all__ = ["Built", "Case", "FAMILIES", "cases", "usual_inverse_temperature"]
