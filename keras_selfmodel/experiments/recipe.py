"""Every setting of one run."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from keras_selfmodel._precisions import PRECISIONS
from keras_selfmodel._ranges import NumberRange
from keras_selfmodel._typed_files import Name
from keras_selfmodel.datasets.disturbing import MOST_INPUT_NOISE
from keras_selfmodel.datasets.scaling import SCALINGS
from keras_selfmodel.experiments.objectives import SELF_MODELING, find_objective
from keras_selfmodel.rlct import SamplingSettings

OPTIMIZERS = ("sgd", "adam")
WITHOUT_EFFECT_ON_NUMBERS = ("keep_epochs", "descend")
"""Settings that change no measure of a run, but what is kept or measured besides."""
SETTING_RANGES = {
    "hidden": NumberRange(1, 10**7, whole=True),
    "epochs": NumberRange(1, 10**6, whole=True),
    "batch_size": NumberRange(1, 10**7, whole=True),
    "seed": NumberRange(0, 2**32 - 1, whole=True),  # NumPy takes seeds of 32 bits.
    "aux_weight": NumberRange(0),
    "learning_rate": NumberRange(0, above=True),
    "momentum": NumberRange(0, 1),
    "label_noise": NumberRange(0, 1),
    "input_noise": NumberRange(0, MOST_INPUT_NOISE),
}
"""What the settings that are numbers may be."""


class SettingError(ValueError):
    """A setting of a recipe cannot have the value given.

    Attributes:
        setting: Its name.
    """

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(message)
        self.setting = setting

    def __reduce__(self) -> tuple:
        return type(self), (self.setting, str(self))


@dataclass(frozen=True)
class Recipe:
    """Every setting that decides the numbers of one run, besides the data and the backend.

    Attributes:
        task: Name of the task, such as "mnist".
        hidden: Units of the hidden layer.
        aux_weight: AW ≥ 0, the strength of the objective. With 0 the plain classifier is trained, without a head.
        targets: Names of the layers whose activations are predicted.
        epochs: Passes over the training data.
        batch_size: Samples of one training step; the last batch of an epoch may be smaller.
        learning_rate: Learning rate of the task's optimizer.
        momentum: Nesterov momentum; 0 for none.
        seed: Seed of the initial weights, the order of the data and the sampling.
        rlct: Settings of the RLCT estimation, with the recipe's seed; `None` leaves it out.
        descend: Whether the RLCT is estimated once more, after descent on the task's loss, in any case. If not, it is
            where the first estimate shows that the trained weights are at no minimum of that loss.
        optimizer: "sgd" or "adam", in a custom task; `None` in a task of the paper.
        scaling: How the inputs are scaled, a name in `datasets.scaling.SCALINGS`, in a custom task.
        network: Description of a custom task's network, with the digest of its file.
        objective: What the network is trained on besides the task, a name in `OBJECTIVES`. A baseline always has the
            default, so that all objectives share it.
        keep_epochs: Epochs after which the weights are kept in the run folder, 0 for those before training. It changes
            no number. The last epoch is `model.keras` in any case.
        precision: Number format the network computes in while it is trained and tested, one of `PRECISIONS`. Its
            weights are float32, and so is all that the RLCT is computed in.
        label_noise: Fraction of the training labels changed to another class, drawn by the seed (`datasets.disturbed`).
        input_noise: Noise on the training inputs, in units of their range, drawn by the seed. The RLCT, which is
            measured on the training data, sees both; the test data have none.
        batch_norm: Whether the network has batch normalization; `None` where a task has no such switch.
    """

    task: Name
    hidden: int
    aux_weight: float
    targets: tuple[str, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    seed: int
    rlct: SamplingSettings | None = field(default_factory=SamplingSettings)
    descend: bool = False
    optimizer: str | None = None
    scaling: str | None = None
    network: str | None = None
    objective: str = SELF_MODELING
    keep_epochs: tuple[int, ...] = ()
    precision: str = "float32"
    label_noise: float = 0.0
    input_noise: float = 0.0
    batch_norm: bool | None = None

    def __post_init__(self) -> None:
        for name, allowed in SETTING_RANGES.items():
            try:
                number = allowed.check(name, getattr(self, name))
            except ValueError as error:
                raise SettingError(name, str(error)) from None
            if number == 0:  # not −0, which would have another name
                object.__setattr__(self, name, number)
        for name, possible in {"optimizer": OPTIMIZERS, "scaling": tuple(SCALINGS), "precision": PRECISIONS}.items():
            value = getattr(self, name)
            if value is not None and value not in possible:
                raise SettingError(
                    name, f"{name} must be one of {', '.join(map(repr, possible))}. Received: {name}={value!r}"
                )
        try:
            limit = find_objective(self.objective).limit
        except ValueError as error:
            raise SettingError("objective", str(error)) from None
        if self.aux_weight >= limit:
            raise SettingError(
                "aux_weight",
                f"aux_weight must be below {limit:g} with objective={self.objective!r}. Received: "
                f"aux_weight={self.aux_weight}",
            )
        if self.aux_weight == 0:
            object.__setattr__(self, "objective", SELF_MODELING)
        object.__setattr__(self, "keep_epochs", tuple(sorted(set(self.keep_epochs))))
        if any(epoch != int(epoch) or not 0 <= epoch <= self.epochs for epoch in self.keep_epochs):
            raise SettingError(
                "keep_epochs",
                f"keep_epochs must be whole numbers from 0 to epochs={self.epochs}. Received: "
                f"keep_epochs={','.join(map(str, self.keep_epochs))} with epochs={self.epochs}",
            )
        object.__setattr__(self, "targets", (self.targets,) if isinstance(self.targets, str) else tuple(self.targets))
        if len(set(self.targets)) < len(self.targets):
            raise SettingError("targets", f"targets must name each layer once. Received: {', '.join(self.targets)}")
        if self.rlct is not None:
            object.__setattr__(self, "rlct", dataclasses.replace(self.rlct, seed=self.seed))

    @property
    def name(self) -> str:
        """What runs of a grid differ in, as part of a folder's name."""
        objective = "" if self.objective == SELF_MODELING else f"-{self.objective}"
        noise = f"-labelnoise{self.label_noise:g}" if self.label_noise else ""
        noise += f"-inputnoise{self.input_noise:g}" if self.input_noise else ""
        return f"{self.task}-hidden{self.hidden}{objective}-aux{self.aux_weight:g}{noise}-seed{self.seed}"

    def order(self, samples: int) -> np.ndarray:
        """Order of the training samples: one permutation per seed, the same in every epoch, as in the paper's code."""
        return np.random.default_rng(self.seed).permutation(samples)

    def settings(self) -> dict:
        """Every setting by name, those of the RLCT as "rlct.NAME", without its seed, which is the recipe's."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        rlct = values.pop("rlct")
        values["rlct"] = "not measured" if rlct is None else "measured"
        sampling = {} if rlct is None else dataclasses.asdict(rlct)
        return values | {f"rlct.{name}": value for name, value in sampling.items() if name != "seed"}


def geometric_epochs(epochs: int) -> tuple[int, ...]:
    """Epochs worth keeping of a training: before it, and after 1, 2, 4, 8 … and all of them.

    Example:

    >>> geometric_epochs(50)
    (0, 1, 2, 4, 8, 16, 32, 50)
    """
    return (0, *(2**power for power in range(epochs.bit_length()) if 2**power < epochs), epochs)
