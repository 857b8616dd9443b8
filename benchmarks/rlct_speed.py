"""How fast the RLCT estimator draws, and how soon its estimate is known to 2 %, beside devinterp.

    KERAS_BACKEND=jax OMP_NUM_THREADS=1 python benchmarks/rlct_speed.py
    KERAS_BACKEND=torch OMP_NUM_THREADS=1 python benchmarks/rlct_speed.py --network small --localization 10
    KERAS_BACKEND=jax python benchmarks/rlct_speed.py --network mnist --model model.keras --repeats 16

Two networks of one hidden layer. "mnist": 784-512-10, 407,050 weights, batches of 512; the plain classifier in
`--model`, or one trained here for 20 epochs. "small": 64-26-10, 1,960 weights, batches of 256 of 10,000 made-up
samples, trained here by Adam. devinterp, where installed, runs on PyTorch with the same weights, data, batch size, nβ =
n/ln n, localization and threads (OMP_NUM_THREADS, else every core this process may use). Its data loader is given
tensors that are indexed by whole batches, which is faster than PyTorch's default of sample by sample. Where other
programs run beside this one, more than one thread slows PyTorch down many times: measure with one.

First table, chain-draws per second: SGLD of both tools with the step size that this package chooses by the curvature,
and the default sampler of this package. Four chains, compilation and start excluded, alternating rounds in one process:
best and median, and the medians' ratio to devinterp.

Second table, until 2 %. Estimates, of one chain unless `--chains` says otherwise (with one, burn-in is paid once, but
PyTorch here takes hardly longer for four), are repeated with other seeds, the tools in turn, every chain recorded from
its first step. An estimate of burn-in b and N draws of each chain is the mean over steps b + 1 … b + N of what a draw
adds to `estimate.value`, or of nβ(loss − L₀) for devinterp; L₀ is its default, the mean of as many random batches as
its default number of chains, 10, or, in a row of its own, the loss of all data. Then

    late value   mean over the repeats of the second half of the steps (of our default sampler: of the draws)
    drift        mean of the last quarter of them over that of the quarter before, − 1
    spread(N)    standard deviation over the repeats of the mean of N draws, over the late value; the variance is the
                 average over the stretches of N draws that the second half holds. Printed: of the whole second half
    N            the fewest draws with a spread of at most 2 %, of these and of every larger number
    b            the fewest steps after which the mean over the repeats of the estimate of b and N, and of b and every
                 larger number of draws, is within 2 % of the late value

b is thus chosen in hindsight, but for the default sampler at least its own burn-in: a setting there, since momenta are
treated otherwise before its end. Seconds are for b + N steps at the median pace; "start" is what an estimate takes
besides, on our side compilation, the losses of all data at w* and the gradient term.

Where the drift is above 2 % a chain is not settled and its late value nobody's answer: no time is given, and with twice
that after two repeats the tool is not run further. A small drift proves little: SGLD needs 2/(εγ) steps, which are
printed, to move along the flattest directions, and its late value before them is that of a smaller neighborhood. Late
values differ too where a tool does not take off the heat that batches and step size add.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count()))
THREADS = min(int(os.environ.get("OMP_NUM_THREADS", len(CORES))), len(CORES))
if hasattr(os, "sched_setaffinity"):
    # JAX and TensorFlow do not heed OMP_NUM_THREADS, but take as many threads as there are cores for them.
    os.sched_setaffinity(0, CORES[:THREADS])

import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_selfmodel as ksm  # noqa: E402
from keras_selfmodel import transforms  # noqa: E402
from keras_selfmodel.datasets import load  # noqa: E402
from keras_selfmodel.experiments import find_task  # noqa: E402

TOLERANCE = 0.02
CHAINS = 4
DEVINTERP_CHAINS = 10  # its default, and so the number of batches behind its L₀


@dataclass(frozen=True)
class Problem:
    """A trained network, the data it was trained on, and how long to measure."""

    name: str
    model: keras.Model
    x: np.ndarray
    y: np.ndarray
    batch: int
    localization: float | None
    steps_a_round: int

    @property
    def settings(self) -> dict:
        return {"batch_size": self.batch, "localization": self.localization}

    @property
    def inverse_temperature(self) -> float:
        return len(self.x) / np.log(len(self.x))


@dataclass
class Chains:
    """The chains of one estimate, their mean."""

    trace: np.ndarray  # What each step adds to the estimate.
    offsets: dict[str, float]  # What is taken off, by the name of the row.
    seconds: float  # a step of all chains
    start: float  # seconds besides


@dataclass
class Tool:
    run: Callable[[int], Chains]
    least_burn_in: int = 0
    repeats: list[Chains] = field(default_factory=list)

    def settled_so_far(self) -> bool:
        return len(self.repeats) < 2 or abs(self.drift()) <= 2 * TOLERANCE

    def traces(self, row: str = "") -> np.ndarray:
        return np.array([c.trace - c.offsets.get(row, np.mean([*c.offsets.values()])) for c in self.repeats])

    @property
    def second_half(self) -> int:
        """The step at which it begins."""
        return (self.least_burn_in + len(self.repeats[0].trace)) // 2

    def late(self, row: str) -> float:
        return float(self.traces(row)[:, self.second_half :].mean())

    def drift(self, row: str = "") -> float:
        *_, third, last = np.array_split(self.traces(row)[:, self.least_burn_in :].mean(axis=0), 4)
        return float(last.mean() / third.mean() - 1)


def mnist(path: str | None, localization: float | None) -> Problem:
    data = load("mnist")
    x, y = find_task("mnist").inputs(data.x_train), data.y_train
    if path:
        model = keras.saving.load_model(path)
    else:
        keras.utils.set_random_seed(1)
        model = ksm.models.mlp(seed=1)
        train(model, keras.optimizers.SGD(0.02, momentum=0.9, nesterov=True), x, y, 512, 20)
    return Problem("mnist", model, x, y, 512, localization, 150)


def small(localization: float | None) -> Problem:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10_000, 64)).astype("float32")
    # Labels drawn from the probabilities of another network: no network fits them all.
    hidden = np.maximum(x @ rng.normal(size=(64, 8)) / 8, 0)
    scores = 4 * hidden @ rng.normal(size=(8, 10))
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1).astype("int32")
    keras.utils.set_random_seed(1)
    model = ksm.models.mlp(26, inputs=64, seed=1)
    for rate in (3e-3, 3e-4, 3e-5):
        train(model, keras.optimizers.Adam(rate), x, y, 256, 40)
    return Problem("small", model, x, y, 256, localization, 500)


def train(model, optimizer, x, y, batch: int, epochs: int) -> None:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss=loss, **transforms.COMPILE_OPTIONS)
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def ours(problem: Problem, *, seed: int, burn_in: int, draws: int, chains: int, **settings):
    """An estimate, the seconds of a step of all chains, and the seconds besides."""
    stamps = []
    start = time.perf_counter()
    estimate = ksm.estimate_rlct(
        problem.model,
        (problem.x, problem.y),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        num_chains=chains,
        burn_in=burn_in,
        num_draws=draws,
        seed=seed,
        progress=lambda done, _: stamps.append((time.perf_counter(), done)),
        **problem.settings,
        **settings,
    )
    elapsed = time.perf_counter() - start
    # The first call holds the compilation.
    (first, done), (last, all_done) = stamps[0], stamps[-1]
    seconds = (last - first) / (all_done - done)
    return estimate, seconds, elapsed - seconds * all_done


class Devinterp:
    """The same network in PyTorch, sampled by devinterp."""

    def __init__(self, problem: Problem, step_size: float, localization: float) -> None:
        import torch

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        layers = []
        for layer in problem.model.layers:
            kernel, bias = layer.get_weights()
            linear = torch.nn.Linear(*kernel.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.tensor(kernel.T))
                linear.bias.copy_(torch.tensor(bias))
            layers += [linear, torch.nn.ReLU()]
        self._model = torch.nn.Sequential(*layers[:-1]).to(self._device)
        self._loader = torch.utils.data.DataLoader(
            _Whole(torch.tensor(problem.x), torch.tensor(problem.y).long()),
            batch_size=problem.batch,
            shuffle=True,
            collate_fn=_as_it_is,
        )
        self._nbeta = problem.inverse_temperature
        self._optimizer = {"lr": step_size, "localization": localization, "nbeta": self._nbeta}

    def evaluate(self, model, batch):
        from torch.nn import functional

        return functional.cross_entropy(model(batch[0]), batch[1])

    def run(self, seed: int, steps: int, chains: int) -> Chains:
        import torch
        from devinterp.optim.sgld import SGLD
        from devinterp.slt.callback import SamplerCallback
        from devinterp.slt.sampler import sample
        from devinterp.utils import get_init_loss_full_batch, get_init_loss_multi_batch

        losses, stamps = [[] for _ in range(chains)], [[] for _ in range(chains)]

        class Record(SamplerCallback):
            def __call__(self, chain, loss, **_):
                losses[chain].append(float(loss))
                stamps[chain].append(time.perf_counter())

            def get_results(self):
                return {}

        # Without a seed of its own: with one, its batches for L₀ are the first in the order of the data.
        torch.manual_seed(seed)
        start = time.perf_counter()
        # What `sample` does itself if given no `init_loss`.
        few = get_init_loss_multi_batch(self._loader, DEVINTERP_CHAINS, self._model, self.evaluate, self._device)
        sample(
            self._model,
            self._loader,
            callbacks=[Record(device=self._device)],
            evaluate=self.evaluate,
            sampling_method=SGLD,
            optimizer_kwargs=dict(self._optimizer),
            num_draws=steps,
            num_chains=chains,
            init_loss=few,
            device=self._device,
            verbose=False,
        )
        elapsed = time.perf_counter() - start
        seconds = sum(s[-1] - s[0] for s in stamps) / (steps - 1)
        whole = get_init_loss_full_batch(self._loader, self._model, self.evaluate, self._device)
        return Chains(
            trace=self._nbeta * np.mean(losses, axis=0),
            offsets={"L₀ of 10 batches": self._nbeta * few, "L₀ of all data": self._nbeta * whole},
            seconds=seconds,
            start=elapsed - seconds * steps,
        )


class _Whole:
    """A data set whose batches are indexed at once."""

    def __init__(self, *tensors) -> None:
        self._tensors = tensors

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitems__(self, indices: list[int]) -> list:
        return [tensor[indices] for tensor in self._tensors]


def _as_it_is(batch):
    return batch


def rates(problem: Problem, rounds: int, step_size: float, devinterp: Devinterp | None) -> None:
    steps = problem.steps_a_round

    def of_ours(seed: int, **settings) -> float:
        return CHAINS / ours(problem, seed=seed, burn_in=0, draws=steps, chains=CHAINS, **settings)[1]

    tools = {
        "ksm sgld": lambda seed: of_ours(seed, sampler="sgld", step_size=step_size),
        "ksm underdamped": lambda seed: of_ours(seed),
    }
    if devinterp:
        tools["devinterp sgld"] = lambda seed: CHAINS / devinterp.run(seed, steps // 2, CHAINS).seconds
    measured = {name: [] for name in tools}
    for seed in range(rounds):
        for name, measure in tools.items():
            measured[name].append(measure(seed))
    print(f"  chain-draws per second, {CHAINS} chains, best and median of {rounds} rounds")
    for name, values in measured.items():
        line = f"    {name:<38} {max(values):8.0f} {statistics.median(values):8.0f}"
        if devinterp:
            line += f"   {statistics.median(values) / statistics.median(measured['devinterp sgld']):6.2f} × devinterp"
        print(line, flush=True)


def until_two_percent(
    problem: Problem, step_size: float, devinterp: Devinterp | None, *, repeats, chains, burn_in, draws, steps
) -> None:
    def of_ours(seed: int, burn_in: int, draws: int, **settings) -> Chains:
        estimate, seconds, start = ours(problem, seed=seed, burn_in=burn_in, draws=draws, chains=chains, **settings)
        excess = estimate.inverse_temperature * (estimate.losses - estimate.reference_losses)
        return Chains((excess - 0.5 * estimate.heat).mean(axis=0), {"": 0.0}, seconds, start)

    tools = {
        "ksm underdamped": Tool(lambda seed: of_ours(seed, burn_in, draws), burn_in),
        "ksm sgld": Tool(lambda seed: of_ours(seed, 0, steps, sampler="sgld", step_size=step_size)),
    }
    if devinterp:
        tools["devinterp sgld"] = Tool(lambda seed: devinterp.run(seed, steps, chains))
    for seed in range(repeats):
        for tool in tools.values():
            if tool.settled_so_far():
                tool.repeats.append(tool.run(100 + seed))
    print(f"  until 2 %, {chains} chain{'s' if chains > 1 else ''} each")
    print(f"    {'':<32} repeats   steps  late value    drift  spread     b + N     seconds  start")
    for name, tool in tools.items():
        for row in tool.repeats[0].offsets:
            print("    " + described(f"{name} {row}", tool, row), flush=True)


def described(title: str, tool: Tool, row: str) -> str:
    late, drift = tool.late(row), tool.drift(row)
    seconds, start = (statistics.median(getattr(c, name) for c in tool.repeats) for name in ("seconds", "start"))
    traces = tool.traces(row)
    (repeats, steps), half = traces.shape, tool.second_half
    least = spread(traces[:, half:], steps - half, late)
    line = f"{title:<32} {repeats:>7} {steps:>7}  {late:10.1f}  {drift:+7.3f}  {least:6.3f}  "
    found = fewest_steps(traces, tool.least_burn_in, half, late) if abs(drift) <= TOLERANCE else None
    if found is None:
        reason = "not settled" if abs(drift) > TOLERANCE else "not within"
        return line + f"{reason:<13} > {steps * seconds:7.1f}  {start:5.1f}"
    return line + f"{f'{found[0]} + {found[1]}':<13}   {sum(found) * seconds:7.1f}  {start:5.1f}"


def spread(traces: np.ndarray, draws: int, late: float) -> float:
    stretches = traces.shape[1] // draws
    means = traces[:, : stretches * draws].reshape(len(traces), stretches, draws).mean(axis=2)
    return float(np.sqrt(means.var(axis=0, ddof=1).mean()) / abs(late))


def fewest_steps(traces: np.ndarray, least_burn_in: int, half: int, late: float) -> tuple[int, int] | None:
    """b and N of the module's docstring; `None` if there are none."""
    steps = traces.shape[1]
    draws = None
    for number in sorted({int(n) for n in np.geomspace(10, steps - half, 80)}, reverse=True):
        if spread(traces[:, half:], number, late) > TOLERANCE:
            break
        draws = number
    if draws is None:
        return None
    mean = traces.mean(axis=0)
    for burn_in in range(least_burn_in, steps - draws + 1, 25):
        running = np.cumsum(mean[burn_in:]) / np.arange(1, steps - burn_in + 1)
        if (np.abs(running[draws - 1 :] / late - 1) <= TOLERANCE).all():
            return burn_in, draws
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=["small", "mnist", "both"], default="both")
    parser.add_argument("--model", help="A trained 784-512-10 classifier. Default: one is trained.")
    parser.add_argument("--rounds", type=int, default=3, help="Rounds of the first table. Default: 3.")
    parser.add_argument("--repeats", type=int, default=8, help="Of the second table; 0 leaves it out. Default: 8.")
    parser.add_argument("--chains", type=int, default=1, help="Of each estimate of the second table. Default: 1.")
    parser.add_argument("--localization", type=float, help="γ. Default: that of this package.")
    parser.add_argument("--burn-in", type=int, help="Of the default sampler. Default: that of this package.")
    parser.add_argument("--draws", type=int, help="After it. Default: 3000; mnist: 1200.")
    parser.add_argument("--steps", type=int, help="Of SGLD, burn-in included. Default: 12,000; mnist: 3000.")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    try:
        import devinterp
        import torch

        torch.set_num_threads(THREADS)
    except ImportError:
        devinterp = None
    print(f"{keras.config.backend()} on {transforms.devices()[0]}, {THREADS} threads")
    for name in ("small", "mnist") if arguments.network == "both" else (arguments.network,):
        problem = small(arguments.localization) if name == "small" else mnist(arguments.model, arguments.localization)
        # The curvature that SGLD meets is followed through burn-in.
        pilot, *_ = ours(problem, seed=0, burn_in=600, draws=50, chains=1, sampler="sgld")
        step_size, localization = pilot.step_size, pilot.localization
        print(
            f"{name}: {pilot.num_parameters} weights, {pilot.num_samples} samples, batches of {problem.batch}, loss "
            f"{pilot.initial_loss:.4f}, nβ = {pilot.inverse_temperature:.1f}, γ = {localization:.3g}\n"
            f"  SGLD: ε = {step_size:.2e}, 2/(εγ) = {2 / step_size / localization:.0f} steps",
            flush=True,
        )
        other = Devinterp(problem, step_size, localization) if devinterp else None
        rates(problem, arguments.rounds, step_size, other)
        if arguments.repeats:
            until_two_percent(
                problem,
                step_size,
                other,
                repeats=arguments.repeats,
                chains=arguments.chains,
                burn_in=ksm.rlct.SamplingSettings().burn_in if arguments.burn_in is None else arguments.burn_in,
                draws=arguments.draws or (3000 if name == "small" else 1200),
                steps=arguments.steps or (12_000 if name == "small" else 3000),
            )


if __name__ == "__main__":
    main()
