"""A text classifier whose training steps touch only the rows of the embedding whose words occur in the batch.

Keras's `fit` computes the gradient of every row, 100,683 of them for IMDB, of which 3,600 are not zero. Here an epoch
is one compiled loop over batches: the rows of the batch's words are taken from the table, the loss is that of the same
network with a dense layer in the place of the embedding, pooled = frequencies · rows, and the rows are put back after
the step. That is plain SGD, whose steps leave rows without a gradient as they are; momenta would move them.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel.models import ObjectiveModel
from keras_selfmodel.transforms.tensors import Tensor, Tree
from keras_selfmodel.words.batches import frequency_matrix

Stack = tuple  # of tensors, as `stacked` describes


class NetworkOfWords:
    """Trains and tests a model; loss and metrics are those of the model's own methods.

    Args:
        model: A compiled Sequential classifier that starts with a `MeanPooledEmbedding`, or an `ObjectiveModel` of
            one. It is trained itself: after each epoch its weights are those of the last step.
        width: Words of a batch.

    Attributes:
        model: The model.
    """

    def __init__(self, model: keras.Model, width: int) -> None:
        self.model = model
        self._table = classifier_of(model).layers[0].embeddings
        self._inner = _with_frequencies(model, width)
        self._rows, *self._weights = self._inner.trainable_variables
        # What else a step reads or changes: the auxiliary weight, the sums of the metrics.
        self._others = [*self._inner.non_trainable_variables, *self._inner.metrics_variables]
        self._train_program = transforms.jit(self._training(width), fuse=True)
        self._test_program = transforms.jit(self._testing(width), fuse=True)

    def train(self, stacks: list[Stack]) -> dict[str, float]:
        """Trains for one epoch; returns its logs, as Keras's `fit` has them."""
        rate = ops.convert_to_tensor(self.model.optimizer.learning_rate)
        self._inner.reset_metrics()
        table, *weights = _copies([self._table, *self._weights])
        state, losses = (table, weights, _copies(self._others)), []
        for stack in stacks:
            state, loss = self._train_program(state, stack, rate)
            losses.append(loss)
        table, weights, others = state
        _assign([self._table, *self._weights], [table, *weights])
        self.model.optimizer.iterations.assign_add(sum(len(stack[-1]) for stack in stacks))
        return self._logs(others, losses, stacks)

    def test(self, stacks: list[Stack]) -> dict[str, float]:
        """Measures the network as it is: the same logs, where `loss` is the loss of the task."""
        self._inner.reset_metrics()
        weights = [ops.convert_to_tensor(variable) for variable in self._weights]
        others, losses = _copies(self._others), []
        for stack in stacks:
            others, loss = self._test_program(others, stack, ops.convert_to_tensor(self._table), weights)
            losses.append(loss)
        logs = self._logs(others, losses, stacks)
        return {**logs, "loss": logs.get("task_loss", logs["loss"])}

    def _logs(self, others: list, losses: list, stacks: list[Stack]) -> dict[str, float]:
        _assign(self._others, others)
        sizes = np.concatenate([np.full(len(labels), labels.shape[1]) for *_, labels in stacks])
        mean = np.average(np.concatenate([ops.convert_to_numpy(loss) for loss in losses]), weights=sizes)
        logs = {name: float(value) for name, value in self._inner.get_metrics_result().items()}
        return {**logs, "loss": float(mean)}

    def _forward(self, weights: list, others: list, x: Tree, y: Tree, *, training: bool) -> Tensor:
        """The loss of a batch as a pure function of all variables, and the variables that it changes."""
        variables = zip([self._rows, *self._weights, *self._others], [*weights, *others], strict=True)
        call = getattr(self._inner, "joint_outputs", self._inner)
        with keras.StatelessScope(list(variables)) as scope:
            outputs = call(x, training=training)
            loss = self._inner.compute_loss(x, y, outputs, training=training)
            self._inner.compute_metrics(x, y, outputs)
        return loss, [scope.get_current_value(variable) for variable in self._others]

    def _training(self, width: int) -> Callable:
        """`(state, stack, rate) -> (state, losses)` of the steps on a stack of batches."""

        def loss_of(weights, others, x, y):
            return self._forward(weights, others, x, y, training=True)

        differentiate = transforms.value_and_grad(loss_of)

        def train(state, stack, rate):
            def step(state, batch):
                table, weights, others = state
                words, places, frequencies, y = batch
                x = frequency_matrix(places, frequencies, y.shape[0], width)
                all_weights = [ops.take(table, words, axis=0), *weights]
                (loss, others), gradients = differentiate(all_weights, others, x, y)
                rows, *weights = [w - rate * g for w, g in zip(all_weights, gradients, strict=True)]
                return (transforms.put_rows_in_place(table, words, rows), weights, others), loss

            return transforms.scan(step, state, stack)

        return train

    def _testing(self, width: int) -> Callable:
        """`(others, stack, table, weights) -> (others, losses)`."""

        def test(others, stack, table, weights):
            def step(others, batch):
                words, places, frequencies, y = batch
                x = frequency_matrix(places, frequencies, y.shape[0], width)
                rows = ops.take(table, words, axis=0)
                loss, others = self._forward([rows, *weights], others, x, y, training=False)
                return others, loss

            return transforms.scan(step, others, stack)

        return test


def _with_frequencies(model: keras.Model, width: int) -> keras.Model:
    """The model with a dense layer on frequencies in the place of its embedding; all other layers are shared."""
    embedding, *others = classifier_of(model).layers
    rows = keras.layers.Dense(embedding.units, use_bias=False, name=embedding.name)
    inner = keras.Sequential([keras.Input((width,)), rows, *others])
    if isinstance(model, ObjectiveModel):
        inner = model.with_classifier(inner)
    inner.compile(loss=model.loss, metrics=["accuracy"])
    # Keras makes the variables of the metrics when it first meets data.
    inner.test_on_batch(np.zeros((1, width), np.float32), np.zeros(1, np.int32))
    return inner


def _copies(variables: list) -> list:
    # Compiled functions use the memory of their state again, which must not be that of a variable.
    return [ops.convert_to_tensor(variable) + 0 for variable in variables]


def _assign(variables: list, values: list) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
