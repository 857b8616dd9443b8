"""An auxiliary weight that changes during training."""

from collections.abc import Callable

import keras


class AuxWeightSchedule(keras.callbacks.Callback):
    """Sets the auxiliary weight of a `SelfModelingModel`, or of any `PenalizedModel`, at the start of every epoch.

    Args:
        schedule: Function of the epoch (0, 1, …) that returns the auxiliary weight, finite and ≥ 0.

    Raises:
        ValueError: When training starts, if the model has no auxiliary weight; during training, if the schedule
            returns a negative weight.

    Example:

    >>> warm_up = AuxWeightSchedule(lambda epoch: min(10.0, 1.0 + epoch))
    """

    def __init__(self, schedule: Callable[[int], float]) -> None:
        super().__init__()
        self.schedule = schedule

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not hasattr(self.model, "aux_weight"):
            raise ValueError(
                f"AuxWeightSchedule needs a SelfModelingModel. Received: a model of type {type(self.model).__name__}"
            )

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.model.aux_weight = self.schedule(epoch)
        if logs is not None:
            logs["aux_weight"] = self.model.aux_weight
