"""The result of a comparison with the identity, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_selfmodel._typed_files import TypedFile, plain
from keras_selfmodel.probes.identity import EpochIdentity


@dataclass(frozen=True)
class IdentityAlongTraining:
    """What `identity.json` holds.

    Attributes:
        reading: The result in plain words.
        epochs: By epoch, the trained network last.
    """

    reading: str
    epochs: tuple[EpochIdentity, ...]

    @classmethod
    def of(cls, found: Sequence[EpochIdentity]) -> "IdentityAlongTraining":
        """That of the epochs of one run, the trained network last."""
        return cls(identity_reading(found), tuple(found))


IDENTITY = TypedFile(IdentityAlongTraining, format=1)
"""Reads and writes `identity.json`."""
# W is called the identity if ‖E‖/‖I‖ of the live units is at most this.
IS_IDENTITY = 0.1
# W acts as the identity where activations vary if it gets at most this part of their variance wrong.
ACTS_AS_IDENTITY = 0.05


def identity_row(found: EpochIdentity) -> dict:
    """The numbers of an epoch as one row, by column."""
    identity, activations = found.identity, found.activations
    names = ("distance", "distance_of_live", "weighted_distance", "alignment", "r2", "median_r2")
    return {
        "epoch": found.epoch,
        **{name: None if identity is None else getattr(identity, name) for name in names},
        "units": activations.units,
        "dead_units": activations.dead_units,
        "total_variance": activations.total_variance,
        "participation_ratio": activations.participation_ratio,
        "entropy_rank": activations.entropy_rank,
    }


def identity_json(found: Sequence[EpochIdentity]) -> dict:
    """The whole comparison, for JSON."""
    return plain(IdentityAlongTraining.of(found))


def identity_reading(found: Sequence[EpochIdentity]) -> str:
    """A few sentences about the trained network and its training.

    Args:
        found: By epoch, the trained network last.
    """
    last = found[-1]
    if last.activations.participation_ratio is None:
        return "The activations do not vary over the held-out samples: there is nothing to predict."
    sentences = [_self_model(last), _activations(last)]
    if len(found) > 1 and last.identity is not None:
        sentences.append(_way(found))
    return " ".join(sentence for sentence in sentences if sentence)


def _self_model(last: EpochIdentity) -> str:
    identity = last.identity
    if identity is None:
        return "The network has no self-model; only its activations are described."
    if identity.distance_of_live is None or identity.weighted_distance is None:
        return "No unit varies over the held-out samples: the self-model cannot be compared with the identity map."
    wrong = f"it gets {_percent(identity.weighted_distance)} of their variance wrong"
    distance = f"‖W − I‖/‖I‖ = {identity.distance_of_live:.2f} between live units"
    if identity.distance_of_live <= IS_IDENTITY:
        return f"The self-model is the identity map: {distance}."
    if identity.weighted_distance <= ACTS_AS_IDENTITY:
        return f"The self-model is not the identity map ({distance}), but acts like it where activations vary: {wrong}."
    return f"The self-model is not the identity map ({distance}), not even where activations vary: {wrong}."


def _activations(last: EpochIdentity) -> str:
    found = last.activations
    return (
        f"{found.dead_units} of {found.units} units are dead; the others vary in "
        f"{found.participation_ratio:.1f} (participation ratio) to {found.entropy_rank:.1f} (entropy) directions."
    )


def _way(found: Sequence[EpochIdentity]) -> str:
    first, last = found[0], found[-1]
    before, after = first.identity, last.identity
    if before is None or before.weighted_distance is None or after is None or after.weighted_distance is None:
        return ""
    return (
        f"From epoch {first.epoch} to {last.epoch} the distance of W from I went from {before.distance:.2f} to "
        f"{after.distance:.2f}, and the part of the variance that W gets wrong from "
        f"{_percent(before.weighted_distance)} to {_percent(after.weighted_distance)}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:{'.0f' if share >= 0.095 else '.2g'}} %"
