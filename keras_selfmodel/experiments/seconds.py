"""How long the parts of a run took: `seconds.json`."""

from dataclasses import dataclass

from keras_selfmodel._typed_files import TypedFile

TIMED = ("data", "training", "measuring", "RLCT", "RLCT after descent", "figures")
"""The parts of a run that are timed."""
# Thirty years.
LONGEST = 1e9


@dataclass(frozen=True)
class Seconds:
    """Wall time by the name of the part that took it."""

    parts: dict[str, float]

    def __post_init__(self) -> None:
        for name, seconds in self.parts.items():
            if name not in TIMED:
                raise ValueError(f"parts.{name} is unknown. Possible: {', '.join(TIMED)}.")
            if not 0 <= seconds <= LONGEST:
                raise ValueError(f"parts.{name} must lie between 0 and {LONGEST:g}. Received: {seconds}")


SECONDS = TypedFile(Seconds, format=1)
