"""The verdicts on the paper's claims as tables for a terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from keras_selfmodel.studies import STATEMENTS, Claim, Study

# Number of sizes that fit 80 columns next to the claim.
SIZES = 4


def claims_table(study: Study, claims: Sequence[Claim]) -> Iterator[Table]:
    """Claims down, network sizes across; several tables if there are many sizes.

    Args:
        study: The runs.
        claims: What `studies.claims` found in them.
    """
    verdicts = {(claim.name, claim.hidden): claim.answer.verdict for claim in claims}
    hiddens = [series.hidden for series in study.series]
    for start in range(0, len(hiddens), SIZES):
        shown = hiddens[start : start + SIZES]
        title = f"{study.title}: {len(study.runs)} run{'' if len(study.runs) == 1 else 's'} on {study.backend}"
        table = Table(title=title, title_justify="left", show_lines=True)
        table.add_column("claim")
        for hidden in shown:
            table.add_column(f"H = {hidden}", max_width=10)
        for name, (statement, _) in STATEMENTS.items():
            table.add_row(statement, *(verdicts[name, hidden] for hidden in shown))
        yield table
