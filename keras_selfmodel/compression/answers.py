"""What a network says about some samples."""

from dataclasses import dataclass

import numpy as np

from keras_selfmodel.compression.class_reading import EntryClasses
from keras_selfmodel.compression.loss_and_accuracy import LossAndAccuracy


@dataclass(frozen=True)
class Answers:
    """What a network says about some samples.

    Attributes:
        loss: Mean loss.
        classes: Of the entries that count in the loss: each sample or, where there are several, each token or pixel
            that is neither masked nor of an ignored class. `None` where there are no classes.
    """

    loss: float
    classes: EntryClasses | None

    @property
    def score(self) -> LossAndAccuracy:
        """The loss, and the fraction of the entries that are classified correctly."""
        if self.classes is None:
            return LossAndAccuracy(self.loss, None)
        return LossAndAccuracy(self.loss, float(np.mean(self.classes.predictions == self.classes.labels)))
