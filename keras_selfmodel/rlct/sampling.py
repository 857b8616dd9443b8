"""One sampling from its first step to its last, through interruptions."""

import glob
import math
import time
import warnings
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from keras_selfmodel._whole_files import remove_partial_files
from keras_selfmodel.rlct.batches import batch_indices, paper_batches, random_batches
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.rlct.continuing import LEAST_DRAWS as LEAST_DRAWS_TO_GO_ON
from keras_selfmodel.rlct.continuing import after_the_draws, held_near
from keras_selfmodel.rlct.conventions import FEW_WEIGHTS, ResolvedSettings
from keras_selfmodel.rlct.energy import Energy
from keras_selfmodel.rlct.progress_bar import Reports
from keras_selfmodel.rlct.standard_error import relative_sampling_error
from keras_selfmodel.rlct.stepwise import Stepwise, alone
from keras_selfmodel.rlct.stored_sampling import CheckpointWarning, digest, read_sampling, write_sampling

# How much of the work an interruption may cost, in seconds.
SECONDS_BETWEEN_WRITES = 30.0
# Batches of other data whose loss is looked at after each call.
OBSERVED_BATCHES = 16
# Draws of each chain before a target error is trusted.
LEAST_DRAWS = 200
# Settings that only say when to stop: a stored sampling may go on with others, unless some chains have stopped.
_LENGTHS = ("num_draws", "target_error")
# After this part of burn-in it is decided whether a default localization becomes weaker by so much: where the data hold
# so many of the directions, the distribution is near the weights without its help.
DECISION, WEAKER, HELD = 1 / 3, 10.0, 0.75
# What the chains say when they go on after the draws.
FURTHER = ("second", "heated", "heated_anharmonic", "near")


class Sampling:
    """All chains of an estimate, sampled in blocks of `settings.chains_at_once`, one block after another.

    Args:
        energy: The loss and w*.
        settings: What is asked for, resolved.
        adapts: Whether the localization may become weaker during burn-in: that it was not given.
        observed: Further data sets, as the same loss on them.
        checkpoint: File that holds the sampling as far as it is; read if it is there. `None`: nothing is stored.
        reports: Progress of all blocks one after another, and what is done before and after them.
        identity: Trees of arrays, or words, that a stored sampling must share with this one.

    Attributes:
        initial_loss: L₀.
    """

    def __init__(
        self,
        energy: Energy,
        settings: ResolvedSettings,
        *,
        adapts: bool,
        observed: dict[str, Energy],
        checkpoint: Path | None,
        reports: Reports,
        identity: dict,
    ) -> None:
        self._energy = energy
        self._settings = settings
        self._adapts = adapts
        self._observed = observed
        self._checkpoint = checkpoint
        # Once: the data may be large.
        self._digests = (
            {
                **{name: value if isinstance(value, str) else digest(value) for name, value in identity.items()},
                "observed data": {name: digest(other.identity()) for name, other in observed.items()},
            }
            if checkpoint is not None
            else {}
        )
        shorter = None if energy.shortcut is None else energy.shortcut.chains(energy, settings)
        self._kind: type[Chains] = shorter or Chains
        self._reports = reports
        self._evaluations = 0
        self._parts: list[dict[str, np.ndarray]] = []  # of the present block of chains, one for each call
        self._blocks: list[dict[str, np.ndarray]] = []  # of the blocks before it
        self._saved = time.monotonic()
        # Under "dataset" a sample's loss at w* is one number; in training mode it depends on its batch.
        self._batches = paper_batches(energy.num_samples, settings.batch_size)
        at_anchor = energy.losses(self._batches)
        if settings.convention == "paper":
            self._means = np.array([losses.mean() for losses in at_anchor])
            self.initial_loss = float(self._means[np.arange(settings.num_chains) % len(self._means)].mean())
        else:
            self._per_sample = np.concatenate(at_anchor)
            self.initial_loss = float(self._per_sample.mean())
        if not math.isfinite(self.initial_loss):
            raise ValueError(
                "The loss at w* must be finite. Weights or data hold values that are not finite or too large: the "
                f"network may have diverged in training. Received: a mean loss of {self.initial_loss} over the data."
            )
        self._others_at_anchor = {
            name: np.concatenate(other.losses(paper_batches(other.num_samples, settings.batch_size)))
            for name, other in observed.items()
        }
        self._gradient = None
        if settings.control_variate:
            self._gradient = energy.gradient(self._batches)
            self._evaluations += len(self._batches)

    def run(self) -> dict:
        """Samples; see `steps`."""
        return alone(self.steps())

    def steps(self) -> Stepwise[dict]:
        """Asks for all steps, from where the checkpoint ends; returns what `RLCTEstimate` has of the chains."""
        settings = self._settings
        size = settings.chains_at_once or settings.num_chains
        blocks = [range(start, min(start + size, settings.num_chains)) for start in range(0, settings.num_chains, size)]
        stored = self._read()
        # Each block has as many steps as the first, which alone decides when the error is small enough.
        limit = settings.num_steps
        for number, block in enumerate(blocks):
            if number < len(self._blocks):
                limit = self._blocks[number]["losses"].shape[1]
                continue
            if number == 0:
                self._reports.phase("curvature and first steps, which are compiled")
            chains = self._kind(self._energy, settings, block, self._gradient)
            if stored is not None:
                chains.restore(*stored)
                stored = None
            while chains.done < limit and not self._lost() and not (number == 0 and self._enough(len(blocks))):
                yield from self._advance(chains, block, limit, number, len(blocks))
                if time.monotonic() > self._saved + SECONDS_BETWEEN_WRITES:
                    self._write(chains)
            limit = chains.done
            if number + 1 == len(blocks):
                self._write(chains)
            last = {"distances": chains.distances(), "localization": np.array(chains.localization)}
            further = yield from self._further(chains, block)
            last["evaluations"] = np.array(chains.gradient_evaluations)
            self._blocks.append({**_joined(self._parts), **further, **last})
            self._parts = []
            del chains  # Before the next block takes its memory.
        return self._traces()

    def _lost(self) -> bool:
        """Whether a loss is not finite: the estimate is NaN then, and more steps would only take time."""
        return bool(self._parts) and not np.isfinite(self._parts[-1]["losses"]).all()

    def _advance(self, chains: Chains, block: range, limit: int, before: int, blocks: int) -> Stepwise[None]:
        settings, energy, done = self._settings, self._energy, chains.done
        indices = batch_indices(settings, energy.num_samples, done, energy.steps_per_call(settings))[
            : limit - done, block.start : block.stop
        ]
        stop = done + len(indices)
        if settings.convention == "paper":
            row = self._means[np.arange(done, stop) % len(self._means)]
            at_reference = np.broadcast_to(row, (len(block), stop - done))
        else:
            at_reference = self._per_sample[indices].mean(axis=2).T
        trace = yield from chains.advancing(indices, at_reference)
        part = {
            **trace._asdict(),
            "reference_losses": at_reference,
            "step_sizes": np.full(at_reference.shape, chains.step_size),
        }
        for number, (name, other) in enumerate(self._observed.items()):
            if stop > settings.burn_in:
                part[f"observed/{name}"] = self._observe(chains, name, other, [settings.seed, done, number, 2])
        self._parts.append(part)
        if self._adapts and done < DECISION * settings.burn_in <= stop:
            self._adapt(chains)
        self._reports.steps(before * limit + stop, blocks * limit)

    def _adapt(self, chains: Chains) -> None:
        """Weakens the localization where the data hold most directions; all blocks as the first."""
        if self._blocks:
            chains.localization = float(self._blocks[0]["localization"])
            return
        recent = {name: values[:, chains.done // 2 :] for name, values in _joined(self._parts).items()}
        # By the virial theorem, twice the half-directions that the loss holds, and the heat.
        held = self._settings.inverse_temperature * recent["virial"].mean() - recent["heat"].mean()
        if held > HELD * self._energy.num_parameters:
            chains.localization /= WEAKER

    def _further(self, chains: Chains, block: range) -> Stepwise[dict[str, np.ndarray]]:
        """What the chains say when they go on otherwise, if there are draws to hold that against."""
        settings = self._settings
        if settings.convention == "paper" or settings.num_draws < LEAST_DRAWS_TO_GO_ON or self._lost():
            return {}
        self._reports.phase("sampling at a weaker localization and at a higher temperature")
        most = self._energy.steps_per_call(settings)
        further = yield from after_the_draws(chains, self._per_sample, settings, block.start, most)
        # A step size that is given may be too long there.
        few = self._energy.num_parameters < FEW_WEIGHTS
        if few and settings.localization > 0 and settings.step_size is None:
            self._reports.phase("sampling near w*")
            found = yield from held_near(self._energy, settings, block, self._gradient, self._per_sample)
            further["near"], evaluations = found
            chains.gradient_evaluations += evaluations
        return further

    def _observe(self, chains: Chains, name: str, other: Energy, seed: list[int]) -> np.ndarray:
        """The excess loss of each chain on other data, `(chains, 1)`."""
        rng, chains_here = np.random.default_rng(seed), len(chains.distances())
        size = min(self._settings.batch_size, other.num_samples)
        rounds = min(OBSERVED_BATCHES, -(-other.num_samples // size))
        excess = np.zeros(chains_here)
        for _ in range(rounds):
            indices = random_batches(rng, chains_here, other.num_samples, size)
            excess += chains.losses_on(other, indices) - self._others_at_anchor[name][indices].mean(axis=1)
        return (excess / rounds)[:, None]

    def _enough(self, blocks: int) -> bool:
        """Whether the sampling error is as small as asked for."""
        settings = self._settings
        if settings.target_error is None or not self._parts:
            return False
        joined = _joined(self._parts)
        kept = ("losses", "heat", "squares")
        draws = {name: joined[name][:, settings.burn_in :: settings.thinning] for name in kept}
        if draws["losses"].shape[1] < LEAST_DRAWS:
            return False
        reference = joined["reference_losses"][:, settings.burn_in :: settings.thinning]
        values = settings.inverse_temperature * (draws["losses"] - reference) - 0.5 * draws["heat"]
        return relative_sampling_error(values, draws["squares"]) <= settings.target_error * blocks**0.5

    def _traces(self) -> dict:
        own = ("evaluations", "distances", "localization", *FURTHER)
        names = [name for name in self._blocks[0] if name not in own]
        lost = not all(np.isfinite(block["losses"]).all() for block in self._blocks)
        joined = {"distances": np.concatenate([block["distances"] for block in self._blocks])}
        localization = float(self._blocks[0]["localization"])
        for name in FURTHER:
            if all(name in block for block in self._blocks):
                joined[name] = np.concatenate([block[name] for block in self._blocks])
        for name in names:
            arrays = [block.get(name, np.empty((len(block["losses"]), 0))) for block in self._blocks]
            length = max(array.shape[1] for array in arrays)
            if lost and not name.startswith("observed/"):
                length = max(length, self._settings.num_steps)
            # Shorter only where a chain was lost.
            arrays = [np.pad(a, ((0, 0), (0, length - a.shape[1])), constant_values=np.nan) for a in arrays]
            joined[name] = np.concatenate(arrays)
        # A sampling that was lost in burn-in has seen nothing of other data.
        unseen = np.full((self._settings.num_chains, 1), np.nan)
        observed = {name: joined.pop(f"observed/{name}", unseen) for name in self._observed}
        evaluations = self._evaluations + int(sum(block["evaluations"] for block in self._blocks))
        return {**joined, "localization": localization, "observed": observed, "gradient_evaluations": evaluations}

    def _identity(self) -> dict:
        """What a stored sampling must share with this one."""
        settings = asdict(self._settings)
        if settings["chains_at_once"] is None:
            settings = {name: value for name, value in settings.items() if name not in _LENGTHS}
        return {
            **settings,
            "chains": self._kind.__name__,
            "backend": keras.config.backend(),
            "loss at w*": f"{self.initial_loss:.4g}",
            **self._digests,
        }

    def _write(self, chains: Chains) -> None:
        self._saved = time.monotonic()
        if self._checkpoint is not None:
            blocks = [*self._blocks, _joined(self._parts)]
            try:
                write_sampling(self._checkpoint, self._identity(), chains.snapshot(), blocks)
            except OSError as error:
                # Half an hour of sampling is worth more than the file.
                sentence = f"{self._checkpoint} cannot be written ({error.strerror}): the sampling goes on without it."
                warnings.warn(sentence, CheckpointWarning, stacklevel=2)

    def _read(self) -> tuple[dict, list[np.ndarray]] | None:
        if self._checkpoint is None:
            return None
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)  # a folder that cannot be made is an error at once
        # The file is this sampling's alone: two that wrote it would each undo what the other has stored.
        remove_partial_files(self._checkpoint.parent, glob.escape(self._checkpoint.name))
        if not self._checkpoint.exists():
            return None
        chains, (*self._blocks, parts) = read_sampling(self._checkpoint, self._identity())
        self._parts = [parts]
        return chains


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: np.concatenate([part[name] for part in parts if name in part], axis=1) for name in names}
