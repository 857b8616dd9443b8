"""A statement of the paper and what the runs say about it."""

from dataclasses import dataclass, field
from typing import Literal

ClaimVerdict = Literal["yes", "no", "not enough data"]

# What all tests here call significant.
SIGNIFICANT = 0.05
# A change by less than this part of the reference does not matter.
MATTERS = 0.01


@dataclass(frozen=True)
class Answer:
    """What the runs of one network size say about a statement.

    Attributes:
        verdict: "yes", "no" or "not enough data".
        reason: One sentence of why, with effect size and interval where there are any.
        evidence: The numbers behind it, in plain values for JSON.
    """

    verdict: ClaimVerdict
    reason: str
    evidence: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A statement, answered for one task and network size.

    Attributes:
        name: Its short name.
        statement: What is claimed.
        criterion: When the answer is yes, and when no.
        study: Title of the study.
        backend: Backend of the runs.
        hidden: Units of the hidden layer.
        answer: What the runs say.
        paper: The paper's numbers for it, in words; empty if it has none for these settings.
    """

    name: str
    statement: str
    criterion: str
    study: str
    backend: str
    hidden: int
    answer: Answer
    paper: str

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        return {
            "claim": self.name,
            "statement": self.statement,
            "study": self.study,
            "backend": self.backend,
            "hidden": self.hidden,
            "verdict": self.answer.verdict,
            "reason": self.answer.reason,
            "evidence": self.answer.evidence,
            "paper": self.paper,
        }


def unknown(reason: str) -> Answer:
    """The answer where the data do not decide."""
    return Answer("not enough data", reason)
