"""The auxiliary loss of a student: Keras's Distiller computes its loss without the `losses` of the student."""

import functools
from typing import Protocol

import keras

from keras_selfmodel.transforms.tensors import Tensor, Tree


class Student(Protocol):
    """What the loss of a distillation asks of a student."""

    def auxiliary_of(self, scores: Tree) -> Tensor: ...


def counted_in_distillation(student_class: type[Student]) -> type[Student]:
    """Makes Keras's Distiller add the auxiliary loss, where the student is of this class.

    Keras 3.12 to 3.15 leave all that `add_loss` added out. A Distiller that asks for `losses` is left as it is.

    Args:
        student_class: A class whose `auxiliary_of(scores)` is the weighted auxiliary loss that belongs to its scores.

    Returns:
        The class.
    """
    distiller = getattr(getattr(keras, "distillation", None), "Distiller", None)
    if distiller is None or "losses" in distiller.compute_loss.__code__.co_names:
        return student_class
    alone = distiller.compute_loss

    @functools.wraps(alone)
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if y_pred is None:
            y_pred = self(x, training=training)
        loss = alone(self, x, y, y_pred, sample_weight, training)
        auxiliary = self.student.auxiliary_of(y_pred) if isinstance(self.student, student_class) else None
        return loss if auxiliary is None else loss + auxiliary

    distiller.compute_loss = compute_loss
    return student_class
