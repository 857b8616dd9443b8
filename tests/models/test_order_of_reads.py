"""On TensorFlow: each weight is read before the optimizer writes to it, in the program as TensorFlow runs it.

Looked at is one step without XLA, which keeps the order itself and whose programs TensorFlow does not show.
"""

import keras
import numpy as np
import pytest
from keras import layers

from keras_selfmodel import SelfModelingModel
from keras_selfmodel.models import DropoutModel, LesionPredictionModel

pytestmark = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="other backends have no such graphs")

OBJECTIVES = {
    "none": lambda classifier: classifier,
    "self-prediction": lambda classifier: SelfModelingModel(classifier, "act", stop_gradient=True),
    "dropout": lambda classifier: DropoutModel(classifier, 0.5),
    "lesions": LesionPredictionModel,
    "lesions of an early layer": lambda classifier: LesionPredictionModel(classifier, layer="first"),
    "lesions with their gradient": lambda classifier: LesionPredictionModel(
        classifier, layer="first", stop_gradient=False
    ),
}


def network(outputs: int) -> keras.Model:
    inputs = keras.Input((6,))
    hidden = layers.Dense(8, name="first")(inputs)
    hidden = layers.Activation("relu", name="act")(layers.BatchNormalization()(hidden))
    hidden = layers.Dense(7, "tanh")(layers.Dropout(0.2, seed=1)(hidden))
    return keras.Model(inputs, [layers.Dense(3)(hidden) for _ in range(outputs)])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("objective", "outputs"), [*((name, 1) for name in OBJECTIVES), ("none", 2), ("lesions of an early layer", 2)]
)
def test_no_weight_is_read_while_it_is_written(objective, outputs, optimizer):
    # TensorFlow has no public way to the graph that it runs.
    from tensorflow.python.eager import context

    model = OBJECTIVES[objective](network(outputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss=[loss] * outputs)
    context.context().ensure_initialized()
    context.context().enable_graph_collection()
    try:
        model.train_on_batch(np.ones((4, 6), "float32"), [np.array([0, 1, 0, 1])] * outputs)
        metadata = context.context().export_run_metadata()
    finally:
        context.context().disable_graph_collection()
    written, unordered = set(), []
    for graph in (one for function in metadata.function_graphs for one in function.partition_graphs):
        before = operations_before(graph)
        for write in (node for node in graph.node if node.op.startswith("Assign")):
            for read in (node for node in graph.node if node.op == "ReadVariableOp"):
                if read.input[0] == write.input[0]:
                    written.add(write.input[0])
                    if read.name not in before[write.name] and write.name not in before[read.name]:
                        unordered.append((read.name, write.name))
    assert len(written) >= len(model.trainable_variables)
    assert not unordered


def operations_before(graph) -> dict[str, set]:
    """For each operation of a graph those that must have ended before it starts."""
    inputs = {node.name: {name.lstrip("^").partition(":")[0] for name in node.input} for node in graph.node}
    found = {}

    def before(name):
        if name not in found:
            found[name] = inputs.get(name, set()).union(*map(before, inputs.get(name, ())))
        return found[name]

    for name in inputs:
        before(name)
    return found
