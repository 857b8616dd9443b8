"""The loss that is measured: Keras's own, taken apart into one number for each sample."""

from keras_selfmodel.rlct.losses.agreement import disagreement
from keras_selfmodel.rlct.losses.choosing import ChosenLoss, chosen_loss
from keras_selfmodel.rlct.losses.class_labels import check_class_labels
from keras_selfmodel.rlct.losses.of_outputs import check_numbers
from keras_selfmodel.rlct.losses.sample_loss import SampleLoss
from keras_selfmodel.rlct.losses.task_loss import TaskLoss

__all__ = ["ChosenLoss", "SampleLoss", "TaskLoss", "check_class_labels", "check_numbers", "chosen_loss", "disagreement"]
