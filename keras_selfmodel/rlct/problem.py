"""What is measured, ready for any number of samplings."""

import dataclasses
import math
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

import keras
import numpy as np
from keras import ops

from keras_selfmodel import transforms
from keras_selfmodel._classifier_graph import classifier_of
from keras_selfmodel._internals.keras import mode
from keras_selfmodel.models.precision import in_single_precision
from keras_selfmodel.rlct._arguments import (
    WeightChoice,
    check_inputs,
    check_model,
    check_outputs,
    chosen_weights,
    doubt_about_codes,
    resolve_variables,
)
from keras_selfmodel.rlct.conventions import FEW_WEIGHTS, ResolvedSettings, SamplingSettings
from keras_selfmodel.rlct.curvature import Curvature
from keras_selfmodel.rlct.data import Reading, TrainingData, check_each, each_observed, samples_of
from keras_selfmodel.rlct.descent import descend
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.gradient_at_anchor import gradient_term
from keras_selfmodel.rlct.losses import check_class_labels, check_numbers, chosen_loss, disagreement
from keras_selfmodel.rlct.losses.agreement import COMPARED
from keras_selfmodel.rlct.network_loss import energy, energy_of_network
from keras_selfmodel.rlct.prior_width import weight_scale
from keras_selfmodel.rlct.progress_bar import Reports
from keras_selfmodel.rlct.rlct_estimate import RLCTEstimate
from keras_selfmodel.rlct.room_for_chains import advised_where_memory_ends, check_room
from keras_selfmodel.rlct.sampling import Sampling
from keras_selfmodel.rlct.stepwise import Stepwise, alone
from keras_selfmodel.rlct.temperature import BURN_IN, FACTOR, TEMPERATURES, hotter_estimate
from keras_selfmodel.rlct.verdict import at_no_minimum
from keras_selfmodel.transforms.tensors import AnyModel


@dataclass(frozen=True)
class Problem:
    """A loss at trained weights, and further data to look at; compiled once for all its samplings.

    Attributes:
        energy: The loss.
        observed: The same loss on further data sets.
        loss: What the loss is and why, in words.
        doubts: Objections to the loss or the data, in sentences.
    """

    energy: Energy
    observed: dict[str, Energy]
    loss: str = ""
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        model: AnyModel,
        data: TrainingData,
        loss: Any = None,
        weights: WeightChoice = None,
        observe: dict | None = None,
        *,
        training: bool,
        like: Energy | None = None,
        order: np.ndarray | None = None,
        **reading: Unpack[Reading],
    ) -> "Problem":
        """Checks the arguments of `estimate_rlct`.

        Args:
            model, data, loss, weights, observe: As for `estimate_rlct`.
            training: Whether the model is in training mode.
            like, order: As for `energy`.
            **reading: As for `data.samples_of`.
        """
        network = transforms.network(model)
        if network is not None:
            return cls._of_network(network, data, loss, weights, observe, training=training, **reading)
        measured = classifier_of(model)
        check_model(measured)
        samples = samples_of(data, **reading)
        reading.pop("num_samples", None)
        others = each_observed(observe, lambda other: samples_of(other, **reading))
        chosen = {id(variable) for variable in resolve_variables(measured, weights)}
        check_each(samples, others, lambda one: check_inputs(measured, one.x))
        # Differences of losses that are small beside them: half precision has two or three digits.
        precise = in_single_precision(measured)
        some = samples.first(COMPARED)
        scores = precise(keras.tree.map_structure(ops.convert_to_tensor, some[0]), **mode(precise.call, False))
        check_each(samples, others, lambda one: check_numbers(one.x, one.y, one.weights, precise, scores))
        choice = chosen_loss(model, precise, loss, scores, samples.y)
        check_each(samples, others, lambda one: check_class_labels(choice.task, one.y, scores, one.weights))
        doubts = (*doubt_about_codes(measured), *choice.doubts, *disagreement(model, choice, scores, *some))
        pairs = zip(measured.trainable_variables, precise.trainable_variables, strict=True)
        sampled = [ours for theirs, ours in pairs if id(theirs) in chosen]
        with transforms.seeded(0):  # Building it may call dropout, and the user's random numbers stay as they are.
            here = energy(precise, choice.task, samples, sampled, training=training, like=like, order=order)
        return cls(here, each_observed(others, here.on), choice.description, doubts)

    @classmethod
    def _of_network(
        cls,
        network: transforms.Network,
        data: TrainingData,
        loss: Any,
        weights: WeightChoice,
        observe: dict | None,
        *,
        training: bool,
        **reading: Unpack[Reading],
    ) -> "Problem":
        """As `of`, for a network of the backend's own library."""
        samples = samples_of(data, **reading)
        reading.pop("num_samples", None)
        others = each_observed(observe, lambda other: samples_of(other, **reading))
        sampled = chosen_weights(network.names, weights)
        some = samples.first(COMPARED)
        scores, _ = network.call(
            network.weights, network.other, keras.tree.map_structure(ops.convert_to_tensor, some[0]), False
        )
        check_outputs(scores, loss)
        check_each(samples, others, lambda one: check_numbers(one.x, one.y, one.weights, None, scores))
        choice = chosen_loss(None, None, network.keras_loss(loss), scores, samples.y)
        check_each(samples, others, lambda one: check_class_labels(choice.task, one.y, scores, one.weights))
        doubts = (*choice.doubts, *disagreement(None, choice, scores, *some))
        with transforms.seeded(0):  # As in `of`.
            here = energy_of_network(network, choice.task, samples, sampled, training=training)
        return cls(here, each_observed(others, here.on), choice.description, doubts)

    def estimate(
        self,
        settings: SamplingSettings,
        *,
        anchor: str = "trained",
        checkpoint: str | PathLike[str] | None = None,
        reports: Reports | None = None,
    ) -> RLCTEstimate:
        """The estimate by these settings; other arguments as for `estimate_rlct`."""
        with advised_where_memory_ends(), transforms.seeded(settings.seed):
            return alone(self.estimating(settings, anchor=anchor, checkpoint=checkpoint, reports=reports))

    def estimating(
        self,
        settings: SamplingSettings,
        *,
        anchor: str = "trained",
        checkpoint: str | PathLike[str] | None = None,
        reports: Reports | None = None,
    ) -> Stepwise[RLCTEstimate]:
        """Asks for the steps of the chains, and returns the estimate; other arguments as for `estimate_rlct`."""
        if checkpoint is not None and not isinstance(checkpoint, str | PathLike):
            raise ValueError(f"checkpoint must be the name of a file. Received: checkpoint={checkpoint!r}")
        reports = reports or Reports()
        trained, num_samples = self.energy, self.energy.num_samples
        given, searched = settings, 0
        if settings.inverse_temperature == "auto":
            reports.phase("searching for a temperature")
            settings, searched = yield from self._at_an_automatic_temperature(settings, anchor)
        adapts = settings.localization is None
        settings = settings.resolved(num_samples, trained.num_parameters, weight_scale(trained.anchor))
        settings.check_batch(num_samples)
        check_room(settings, trained.num_parameters, num_samples, trained.steps_per_call(settings))
        if anchor not in ("trained", "descend"):
            raise ValueError(f"anchor must be 'trained' or 'descend'. Received: {anchor!r}")
        anchored, descent, evaluations = trained, None, 0
        if anchor == "descend":
            reports.phase("descending to the minimum nearby")
            anchored, descent, evaluations = descend(trained, settings, max(settings.burn_in, 1))
        reports.phase("computing the loss at w*")
        sampling = Sampling(
            anchored,
            settings,
            adapts=adapts,
            observed=self.observed if descent is None else {n: o.at(anchored.anchor) for n, o in self.observed.items()},
            checkpoint=None if checkpoint is None else Path(checkpoint),
            reports=reports,
            identity={"trained weights": trained.anchor, "data": trained.identity(), "anchor": anchor},
        )
        term, term_evaluations = gradient_term(anchored, settings)  # which refuses a loss before it is sampled
        traces = yield from sampling.steps()
        curvatures, curvature_evaluations = _curvatures(anchored, settings)
        traces["gradient_evaluations"] += evaluations + term_evaluations + curvature_evaluations
        estimate = RLCTEstimate(
            settings=dataclasses.replace(settings, localization=traces["localization"]),
            num_samples=num_samples,
            num_parameters=anchored.num_parameters,
            inverse_temperature=settings.inverse_temperature,
            initial_loss=sampling.initial_loss,
            anchor_norm=math.hypot(*(np.linalg.norm(ops.convert_to_numpy(w)) for w in anchored.anchor)),
            gradient_term=term,
            curvatures=curvatures,
            descent=descent,
            loss=self.loss,
            doubts=self.doubts,
            **traces,
        )
        hotter = None
        free = given.inverse_temperature is None and given.convention == "dataset"
        if free and settings.burn_in >= BURN_IN and at_no_minimum(estimate):
            reports.phase("sampling at higher temperatures, because w* is no minimum")
            hotter = yield from hotter_estimate(
                partial(self.estimating, anchor=anchor), given, estimate.inverse_temperature / FACTOR
            )
        searched += 0 if hotter is None else hotter.gradient_evaluations
        return dataclasses.replace(
            estimate, hotter=hotter, gradient_evaluations=estimate.gradient_evaluations + searched
        )

    def _at_an_automatic_temperature(self, settings: SamplingSettings, anchor: str) -> Stepwise:
        """The settings with the nβ that pilots find, and how many gradients these took."""
        usual = dataclasses.replace(settings, inverse_temperature=None)
        coldest = usual.resolved(self.energy.num_samples, 1, 1.0).inverse_temperature
        found = yield from hotter_estimate(partial(self.estimating, anchor=anchor), usual, coldest)
        if found is None:
            raise ValueError(
                "The loss falls from w* by more than the estimate at every temperature tried, down to "
                f"nβ = {coldest / FACTOR ** (TEMPERATURES - 1):.2g}: there is no minimum near w*. Train longer, or "
                "set an inverse temperature (inverse_temperature=…)."
            )
        return dataclasses.replace(settings, inverse_temperature=found.inverse_temperature), found.gradient_evaluations


def _curvatures(energy: Energy, settings: ResolvedSettings) -> tuple[np.ndarray | None, int]:
    """All curvatures at w*, where they are few, and the number of gradients of a batch computed."""
    if settings.convention == "paper" or energy.num_parameters >= FEW_WEIGHTS:
        return None, 0
    curvature = Curvature(energy, settings.batch_size, settings.seed)
    at_once = min(settings.chains_at_once or settings.num_chains, settings.num_chains)
    return curvature.spectrum(at_once), curvature.evaluations
