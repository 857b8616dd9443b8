"""A classifier that is trained on more, or on something else, than its task's loss alone."""

import keras

from keras_selfmodel._classifier_graph import ClassifierGraph
from keras_selfmodel.models._labels import check_labels
from keras_selfmodel.models._training_graph import TrainingGraph
from keras_selfmodel.models.precision import building_in


class ObjectiveModel(keras.Model):
    """What all objectives share: training runs a graph of its own, everything else is the plain classifier.

    It is a `keras.Model` like any other: compile, fit, save, load. What it returns and is judged by is the classifier:
    `model(x)`, `predict` and `evaluate` give what the plain classifier gives.

    A subclass builds its training graph, calls this constructor, sets attributes of its own, and ends with
    `self(self.symbolic_inputs)`, which builds the model and tells `export` what the inputs look like.

    Args:
        classifier: A built functional or Sequential model with one output. It is used, not copied: it shares its
            weights with this model at all times.
        training_graph: What a training step computes.
        **kwargs: `name`, `dtype`.

    Attributes:
        classifier: The plain classifier, an ordinary `keras.Model`.
    """

    def __init__(self, classifier: keras.Model, training_graph: TrainingGraph, **kwargs) -> None:
        # The inputs reach the classifier untouched; it casts them itself as it would alone.
        super().__init__(autocast=False, **kwargs)
        self.classifier = classifier
        self._joint = training_graph
        self._num_classes = ClassifierGraph(classifier).scores.shape[-1]
        self._in_train_step = False

    @property
    def symbolic_inputs(self):
        """The classifier's inputs as symbolic tensors."""
        return self._joint.inputs

    @property
    def training_logs(self) -> tuple[str, ...]:
        """Names of the logs that speak of training alone, and are left out of `evaluate`'s."""
        return ()

    def with_classifier(self, classifier: keras.Model) -> "ObjectiveModel":
        """The same objective around another classifier with the same layers' names; all else is shared.

        Args:
            classifier: The other classifier.

        Raises:
            NotImplementedError: If the objective cannot be shared.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be put around another classifier.")

    def call(self, inputs, training: bool | None = None):
        """The class scores; inside a training step all outputs of the training graph."""
        network = self._joint if self._in_train_step else self.classifier
        return network(inputs, training=training)

    def compute_output_spec(self, inputs, training: bool | None = None):
        """The shape of the class scores, layer by layer as the classifier finds it.

        Keras would trace `call` as a whole, and JAX cannot where a layer compares lengths that are unknown, as position
        embeddings do.
        """
        return self.classifier.compute_output_spec(inputs)

    def joint_outputs(self, inputs, training: bool | None = None) -> dict:
        """What a training step sees: a dictionary of tensors, in which `scores`, `(batch, classes)`, is one.

        Args:
            inputs: As of `call`.
            training: As of `call`.
        """
        return self._joint(inputs, training=training)

    def train_step(self, *args, **kwargs):
        """Keras's own training step of the running backend, on the training graph.

        Keras passes the outputs of `call` to `compute_loss` and `compute_metrics`; both know them by their keys.
        """
        self._in_train_step = True
        try:
            return super().train_step(*args, **kwargs)
        finally:
            self._in_train_step = False

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The compiled loss of the class scores."""
        return super().compute_loss(x, y, scores_of(y_pred), sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict:
        """The compiled metrics of the class scores; in training also those of the objective."""
        logs = super().compute_metrics(x, y, scores_of(y_pred), sample_weight)
        return logs if is_joint(y_pred) else {n: v for n, v in logs.items() if n not in self.training_logs}

    def fit(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.fit`; class labels given as an array are checked before training starts."""
        check_labels(y, self._num_classes, self.loss)
        return super().fit(x, y, *args, **kwargs)

    def get_config(self) -> dict:
        serialize = keras.saving.serialize_keras_object
        return {"name": self.name, "dtype": serialize(self.dtype_policy), "classifier": serialize(self.classifier)}

    @classmethod
    def from_config(cls, config: dict) -> "ObjectiveModel":
        # Whatever Keras wrote as an object, be it a layer, a model or a policy.
        objects = {name: value for name, value in config.items() if isinstance(value, dict) and "class_name" in value}
        objects = {name: keras.saving.deserialize_keras_object(value) for name, value in objects.items()}
        # In the precision that it was made in: a head that the constructor makes would else have that of the moment.
        with building_in(objects["dtype"]):
            return cls(**{**config, **objects})


def is_joint(y_pred) -> bool:
    """Whether these are outputs of a training graph."""
    return isinstance(y_pred, dict) and "scores" in y_pred


def scores_of(y_pred):
    """The class scores among the outputs of `call`."""
    return y_pred["scores"] if is_joint(y_pred) else y_pred
