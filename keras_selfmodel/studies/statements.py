"""The paper's claims, tested for every network size of a study."""

from keras_selfmodel.studies.accuracy_claims import COLLAPSES, KEPT, accuracy_is_kept, collapse_shows_in_the_rlct
from keras_selfmodel.studies.claim import Claim
from keras_selfmodel.studies.comparison import all_comparisons
from keras_selfmodel.studies.complexity_claims import FALLS, GROWS, falls, grows
from keras_selfmodel.studies.measures import MEASURES
from keras_selfmodel.studies.paper_values import paper_of, paper_text
from keras_selfmodel.studies.study import Study

STATEMENTS = {
    "spread_falls": ("Self-modeling narrows the final layer's weights.", FALLS),
    "spread_fall_grows": ("The larger the auxiliary weight, the narrower they are.", GROWS),
    "rlct_falls": ("Self-modeling lowers the RLCT.", FALLS),
    "rlct_fall_grows": ("The larger the auxiliary weight, the lower the RLCT.", GROWS),
    "accuracy_kept": ("Where no network collapses, the accuracy stays within about one point of the baseline's.", KEPT),
    "collapse": ("Where self-modeling overwhelms a network, its RLCT is near or below zero.", COLLAPSES),
}
"""The paper's claims by name: the sentence, and the criterion by which it is judged."""


def claims(study: Study) -> list[Claim]:
    """Tests the claims of the paper for every network size of a study.

    The criteria are `complexity_claims.FALLS` and `GROWS`, `accuracy_claims.KEPT` and `COLLAPSES`. Groups with a
    collapsed network are left out of all claims but the last: a network that no longer classifies is simple for another
    reason.

    Args:
        study: Comparable runs, as found by `studies_of`.

    Returns:
        By size, in the order of `STATEMENTS`.

    Raises:
        ImportError: If SciPy is missing.

    Example:

    >>> from keras_selfmodel import experiments, studies
    >>> for study in studies.studies_of(experiments.finished_runs("runs")):  # doctest: +SKIP
    ...     for claim in studies.claims(study):
    ...         print(claim.hidden, claim.name, claim.answer.verdict)
    512 spread_falls yes
    """
    compared = all_comparisons(study)
    spread, rlct = MEASURES["weight_spread"], MEASURES["rlct"]
    found = []
    for series in study.series:
        answers = {
            "spread_falls": falls(series, spread, compared),
            "spread_fall_grows": grows(series, spread),
            "rlct_falls": falls(series, rlct, compared),
            "rlct_fall_grows": grows(series, rlct),
            "accuracy_kept": accuracy_is_kept(series, compared),
            "collapse": collapse_shows_in_the_rlct(series),
        }
        paper = paper_of(study, series)
        for name, answer in answers.items():
            statement, criterion = STATEMENTS[name]
            found.append(
                Claim(
                    name=name,
                    statement=statement,
                    criterion=criterion,
                    study=study.title,
                    backend=study.backend,
                    hidden=series.hidden,
                    answer=answer,
                    paper=paper_text(name, series, paper),
                )
            )
    return found
