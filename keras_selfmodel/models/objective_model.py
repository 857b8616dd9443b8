"""A classifier that is trained on more, or on something else, than its task's loss alone."""

from typing import Any

import keras
import numpy as np

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import AroundClassifier
from keras_selfmodel._internals.keras import make_paths_unique, mode
from keras_selfmodel.models._labels import (
    LabelRange,
    callbacks_that_check_labels,
    check_are_numbers,
    check_labels,
    check_range,
    checked_class_weight,
    known_shape,
    sparse_labels,
)
from keras_selfmodel.models._steps import Steps, in_a_step
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.precision import building_in, computes_in
from keras_selfmodel.transforms.tensors import Tensor, Tree


class ObjectiveModel(AroundClassifier):
    """The base of all objectives: training runs a graph of its own, everything else is the plain classifier.

    It is a `keras.Model` like any other: compile, fit, save, load. Outputs and metrics are those of the classifier:
    `model(x)`, `predict` and `evaluate` give what the plain classifier gives. `model(x, training=True)` returns the
    class scores of the training graph, wherever it is called: in `fit`, in a training loop, inside another model.

    A subclass builds its training graph, calls this constructor, sets attributes of its own, and ends with
    `self(self.symbolic_inputs)`, which builds the model and tells `export` what the inputs look like.

    Args:
        classifier: A built functional or Sequential model. It is used, not copied: it shares its weights with this
            model at all times.
        training_graph: What a training step computes.
        **kwargs: `name`, `dtype`.

    Attributes:
        classifier: The plain classifier, an ordinary `keras.Model`.
    """

    def __init__(self, classifier: keras.Model, training_graph: TrainingGraph, **kwargs: Any) -> None:
        # The inputs reach the classifier untouched; it casts them itself as it would alone.
        super().__init__(autocast=False, **kwargs)
        if transforms.KEEPS_WEIGHTS_BY_PATH:  # And would lose all but one of those that share a path.
            make_paths_unique([*classifier.variables, *training_graph.variables])
        self.classifier = classifier
        self._joint = training_graph
        self._label_ranges = [LabelRange(name=f"labels_{number}") for number in range(len(classifier.outputs))]
        self._steps = Steps()
        self._stateless = False
        self._evaluates = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A subclass may write its steps itself, as Keras's guides do.
        for method, kind in (("train_step", "training"), ("test_step", "validation")):
            if method in vars(cls):
                setattr(cls, method, in_a_step(vars(cls)[method], kind))

    @property
    def symbolic_inputs(self) -> Any:
        """The classifier's inputs as symbolic tensors."""
        return self._joint.inputs

    @property
    def output_names(self) -> list[str] | None:
        """The names of the classifier's outputs, by which labels, losses and metrics may be given."""
        return getattr(self.classifier, "output_names", None)

    @property
    def training_logs(self) -> tuple[str, ...]:
        """Names of the logs that speak of training alone, and are left out of `evaluate`'s."""
        return ()

    @property
    def validation_logs(self) -> tuple[str, ...]:
        """Those of them that `fit` has of validation data too."""
        return ()

    def with_classifier(self, classifier: keras.Model) -> "ObjectiveModel":
        """The same objective around another classifier with the same layers' names; all else is shared.

        Args:
            classifier: The other classifier.

        Raises:
            NotImplementedError: If the objective cannot be shared.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be put around another classifier.")

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The class scores; in training those of the training graph."""
        if not training:
            return self.classifier(inputs, **mode(self.classifier.call, training))
        return self.joint_outputs(inputs, training=True)["scores"]

    def compute_output_spec(self, inputs: Tensor, training: bool | None = None) -> Any:
        """The shape of the class scores, layer by layer as the classifier finds it.

        Keras would trace `call` as a whole, and JAX cannot where a layer compares lengths that are unknown, as position
        embeddings do.
        """
        return self.classifier.compute_output_spec(inputs)

    def joint_outputs(self, inputs: Tensor, training: bool | None = None) -> dict:
        """What a training step sees: a dictionary of tensors, in which `scores`, `(batch, classes)`, is one.

        Args:
            inputs: As of `call`.
            training: As of `call`.
        """
        return self._joint(inputs, training=training)

    def is_joint(self, outputs: Tree) -> bool:
        """Whether these are outputs of the training graph, not of the classifier, which may be a dictionary too."""
        if not isinstance(outputs, dict) or "scores" not in outputs:
            return False
        return keras.tree.is_nested(outputs["scores"]) == self._joint.several_scores

    def scores_of(self, outputs: Tree) -> Tensor:
        """The class scores among the outputs of the training graph; those of the classifier as they are."""
        return outputs["scores"] if self.is_joint(outputs) else outputs

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        """Keras's own training step of the running backend."""
        return super().train_step(*args, **kwargs)

    def test_step(self, *args: Any, **kwargs: Any) -> Any:
        """Keras's own test step of the running backend."""
        return super().test_step(*args, **kwargs)

    train_step, test_step = in_a_step(train_step, "training"), in_a_step(test_step, "validation")

    def compute_loss(
        self,
        x: Tree = None,
        y: Tree = None,
        y_pred: Tensor = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The compiled loss of the class scores."""
        found = list(sparse_labels(y, self.classifier, self.loss, sample_weight))
        for one in found:
            check_are_numbers(known_shape(one.labels), one.score_shape)
        # Copies, because Keras multiplies weights by masks, on PyTorch in place.
        weights = keras.tree.map_structure(lambda w: None if w is None else keras.ops.copy(w), sample_weight)
        loss = super().compute_loss(x, y, self.scores_of(y_pred), weights, training)
        if transforms.IGNORES_WRONG_LABELS and self.keeps_what_is_measured(loss):
            for one in found:
                self._label_ranges[one.output].add_batch(one.labels, one.ignored, one.weights)
        return loss

    def stateless_compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """As of every Keras model."""
        self._stateless = True
        try:
            return super().stateless_compute_loss(*args, **kwargs)
        finally:
            self._stateless = False

    def keeps_what_is_measured(self, value: Any) -> bool:
        """Whether metrics may be updated: they may not keep a value of a program that is being recorded.

        Args:
            value: A tensor computed from the batch.
        """
        return self._stateless or not transforms.is_traced(value)

    def compute_metrics(self, x: Tree, y: Tree, y_pred: Tensor, sample_weight: Tensor | None = None) -> dict:
        """The compiled metrics of the class scores; in training also those of the objective."""
        logs = super().compute_metrics(x, y, self.scores_of(y_pred), sample_weight)
        step = self._steps.current
        training = self.is_joint(y_pred) or (step is not None and step.kind == "training")
        return logs if training else self._logs_of_test(logs)

    def get_metrics_result(self) -> dict:
        """As of every Keras model; in `evaluate` without what speaks of training alone."""
        # If names are those of the steps' logs, Keras takes these. Else it takes the last step's: the mean of what each
        # replica saw, however much that was.
        logs = super().get_metrics_result()
        return self._logs_of_test(logs) if self._evaluates else logs

    def _logs_of_test(self, logs: dict) -> dict:
        """Those that are shown of data that are not trained on."""
        return {name: value for name, value in logs.items() if name not in self.training_logs}

    def compile(self, optimizer: Any = "rmsprop", *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.compile`; scales the loss of mixed_float16."""
        optimizer = keras.optimizers.get(optimizer)
        # Keras looks at this model's own policy, which may be another.
        scaled = kwargs.get("auto_scale_loss", True) and computes_in(self.classifier, "mixed_float16")
        if scaled and optimizer is not None and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        super().compile(optimizer, *args, **kwargs)

    def compile_from_config(self, config: dict) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Tree = None,
        y: Tree = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Tree = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As `keras.Model.fit`.

        Raises:
            ValueError: If class labels are out of range: before training if they are arrays, at the end of the first
                epoch that has such labels if they come from a data set or a loader. If labels of arrays are texts or
                fractions, or `class_weight` is no dictionary of numbers.
        """
        class_weight = None if class_weight is None else checked_class_weight(class_weight)
        # Keras gives the part that is split off no weights of classes.
        check_labels(y, self.classifier, self.loss, sample_weight, None if validation_split else class_weight)
        if isinstance(validation_data, tuple | list) and len(validation_data) > 1:
            check_labels(validation_data[1], self.classifier, self.loss, *validation_data[2:3])
        for seen in self._label_ranges:
            seen.forget()
        callbacks = callbacks_that_check_labels(callbacks, self)
        given = (batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle)
        return super().fit(x, y, *given, class_weight, sample_weight, *args, **kwargs)

    def evaluate(
        self,
        x: Tree = None,
        y: Tree = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Tree = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As `keras.Model.evaluate` of the classifier."""
        check_labels(y, self.classifier, self.loss, sample_weight)
        before, self._evaluates = self._evaluates, True
        try:
            result = super().evaluate(x, y, batch_size, verbose, sample_weight, *args, **kwargs)
        finally:
            self._evaluates = before
        self.check_labels_seen()
        # Keras 3.12 and 3.13 have arrays here on JAX, of which JSON knows nothing.
        return keras.tree.map_structure(_number, result)

    def check_labels_seen(self) -> None:
        """Raises ValueError if labels of the batches since the last check were out of range."""
        # Any labels: what is asked is which outputs have some.
        for one in sparse_labels(self.classifier.outputs, self.classifier, self.loss):
            lowest, highest = self._label_ranges[one.output].forget()
            if highest >= lowest:
                check_range(lowest, highest, one.classes)

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save`, to a `.keras` file.

        Raises:
            ValueError: If the file is one of HDF5, from which Keras loads its own classes alone.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(
                f"Keras cannot load a {type(self).__name__} from HDF5. Save it as '.keras', or the plain network, "
                f"model.classifier.save(...). Received: {str(filepath)!r}"
            )
        super().save(filepath, *args, **kwargs)

    def get_config(self) -> dict:
        write = keras.saving.serialize_keras_object
        return {"name": self.name, "dtype": write(self.dtype_policy), "classifier": write(self.classifier)}

    @classmethod
    def from_config(cls, config: dict) -> "ObjectiveModel":
        # Whatever Keras wrote as an object, be it a layer, a model or a policy.
        objects = {name: value for name, value in config.items() if isinstance(value, dict) and "class_name" in value}
        objects = {name: keras.saving.deserialize_keras_object(value) for name, value in objects.items()}
        # In the precision that it was made in: a head that the constructor makes would else have that of the moment.
        with building_in(objects["dtype"]):
            return cls(**{**config, **objects})


def _number(value: Any) -> Any:
    """A measure as a Python number; one of several values, such as an F1 score of each class, as it is."""
    return float(value) if np.size(value) == 1 else value
