"""Observers at work on one network after another."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from keras_selfmodel.datasets import Dataset
from keras_selfmodel.experiments import Task
from keras_selfmodel.probes.network_tap import NetworkTap
from keras_selfmodel.probes.observers.linear_observer import LinearObserver
from keras_selfmodel.probes.observers.network_observer import NetworkObserver
from keras_selfmodel.probes.observers.protocol import QUESTIONS, ObserverProtocol, Question
from keras_selfmodel.studies.observers.observed_run import Observation, observation, units_that_count
from keras_selfmodel.studies.stored_run import StoredRun


class Observing:
    """Trains new observers to predict networks that were trained on the same data.

    Targets are centered and divided by their standard deviation unit by unit, as they are over the observer's samples,
    so that small activations are no advantage. What an observer sees is centered by feature and divided by
    one standard deviation of all features: dividing each pixel by its own would make those that are nearly always
    dark the loudest. Features with less than 0.1 % of the mean variance are not shown.

    Args:
        task: The networks' task.
        dataset: Their data, as loaded.
        protocol: Capacities and budget.

    Raises:
        ValueError: If the data have fewer samples than the protocol asks for.
    """

    def __init__(self, task: Task, dataset: Dataset, protocol: ObserverProtocol) -> None:
        prepared = task.prepare(dataset)
        protocol = protocol.of_data(len(prepared.y_train), len(prepared.y_test))
        self._dataset = dataset
        self._protocol = protocol
        chosen = np.random.default_rng(protocol.seed).permutation(len(prepared.y_train))[: protocol.samples]
        self._x = task.inputs(prepared.x_train[chosen]), task.inputs(prepared.x_test[: protocol.held_out])
        self._network_observer = cache(self._new_network_observer)
        self._linear_of_inputs: LinearObserver | None = None

    def check_questions(self, questions: Sequence[Question]) -> None:
        """Raises ValueError if an observer would be shown inputs that are not quantities, such as tokens."""
        if any(question.source == "inputs" for question in questions) and not np.issubdtype(
            self._x[0].dtype, np.floating
        ):
            raise ValueError(
                "The inputs are token numbers, not quantities: observers cannot learn from them. Leave out "
                f"'inputs'. Received: inputs of dtype {self._x[0].dtype}"
            )

    def observe(
        self,
        run: StoredRun,
        questions: Sequence[Question] = QUESTIONS,
        *,
        progress: Callable[[int, int], None] = lambda *_: None,
    ) -> tuple[Observation, ...]:
        """Observes one network.

        Args:
            run: Its run.
            questions: What is predicted from what.
            progress: Called with (observers done, observers in all).

        Returns:
            One observation for each question and capacity.

        Raises:
            RunFolderError: If a file of the run is missing or damaged.
            ValueError: If it was trained on other data, or a question cannot be put.
        """
        run.check_data(self._dataset)
        self.check_questions(questions)
        tap = NetworkTap(run.model, run.result.recipe.targets)
        learned, held_out = (_values(tap, x) for x in self._x)
        found = []
        for question in questions:
            y, y_held_out = learned[question.target], held_out[question.target]
            counted = units_that_count(y) & units_that_count(y_held_out)
            means = y.mean(axis=0, dtype=np.float64)
            scales = np.where(counted, y.std(axis=0, dtype=np.float64), 1.0)
            # Units that do not count are no part of what an observer spends its capacity on.
            standardized = np.where(counted, (y - means) / scales, 0.0)
            x, x_held_out = _standardized(learned[question.source], held_out[question.source])
            for capacity in self._protocol.capacities:
                said = self._prediction(question, capacity, x, standardized, x_held_out) if counted.any() else 0.0
                found.append(
                    observation(
                        question,
                        capacity,
                        targets=y_held_out,
                        predictions=said * scales + means,
                        means=means,
                        counted=counted,
                    )
                )
                progress(len(found), len(questions) * len(self._protocol.capacities))
        return tuple(found)

    def _prediction(
        self, question: Question, capacity: int, x: np.ndarray, y: np.ndarray, x_held_out: np.ndarray
    ) -> np.ndarray:
        if capacity:
            observer = self._network_observer(x.shape[1], capacity, y.shape[1])
            return observer.predict(x.astype(np.float32), y.astype(np.float32), x_held_out.astype(np.float32))
        if question.source != "inputs":
            return LinearObserver(x).predict(y, x_held_out)
        self._linear_of_inputs = self._linear_of_inputs or LinearObserver(x)
        return self._linear_of_inputs.predict(y, x_held_out)

    def _new_network_observer(self, features: int, hidden: int, units: int) -> NetworkObserver:
        return NetworkObserver(features, hidden, units, self._protocol)


def _values(tap: NetworkTap, x: np.ndarray) -> dict[str, np.ndarray]:
    values = tap.read(x)
    shifted = np.exp(values.scores - values.scores.max(axis=1, keepdims=True))
    return {
        "inputs": x.reshape(len(x), -1),
        "logits": values.scores,
        "probabilities": shifted / shifted.sum(axis=1, keepdims=True),
        "activations": np.concatenate(values.activations, axis=1),
    }


def _standardized(x: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both centered and scaled by the first: a mean for each feature, one standard deviation for all that count."""
    counted = units_that_count(x)
    mean = x.mean(axis=0, dtype=np.float64)
    deviations = np.where(counted, x - mean, 0.0)
    size = np.sqrt(np.sum(deviations**2) / (len(x) * max(1, np.sum(counted)))) or 1.0
    # Zeros rather than fewer features: the observer's shape and first weights are the same for every network.
    return deviations / size, np.where(counted, others - mean, 0.0) / size
