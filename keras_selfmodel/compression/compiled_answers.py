"""What a model says about a batch, in one compiled program."""

from collections.abc import Callable

import keras
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._internals.keras import mode
from keras_selfmodel.rlct.losses import TaskLoss


def answering_program(model: keras.Model, task: TaskLoss, classes: bool) -> Callable:
    """What a model says about a batch, compiled: inside, Keras's masks are still there.

    Args:
        model: The model.
        task: Its loss.
        classes: Whether outputs, and what of them counts, are asked for.

    Returns:
        A function of `()`, the values of the trainable and the other variables, and a batch of inputs and labels. It
        returns `()`, and what it found by name.
    """
    training = mode(model.call, False)

    def answer(no_state, trainable, others, x, y):
        scores, _ = model.stateless_call(trainable, others, x, **training)
        found = {
            "losses": ops.stack([part.loss.numerators(part.of(y), part.of(scores)) for part in task.parts]),
            "counts": task.counts(y, scores, None),
        }
        if classes:
            (part,) = task.parts
            outputs = part.of(scores)
            found |= {"scores": outputs, "counted": part.loss.counted(part.of(y), outputs)}
        return no_state, found

    return transforms.jit(answer)
