"""How fast the RLCT estimator draws, and how soon its estimate is known to 2 %, beside devinterp.

    KERAS_BACKEND=jax OMP_NUM_THREADS=1 python -m benchmarks rlct_speed
    KERAS_BACKEND=torch OMP_NUM_THREADS=1 python -m benchmarks rlct_speed --network small --localization 10
    KERAS_BACKEND=jax python -m benchmarks rlct_speed --network mnist --model model.keras --repeats 16

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

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count()))
THREADS = min(int(os.environ.get("OMP_NUM_THREADS", len(CORES))), len(CORES))
if hasattr(os, "sched_setaffinity"):
    # JAX and TensorFlow do not heed OMP_NUM_THREADS, but take as many threads as there are cores for them.
    os.sched_setaffinity(0, CORES[:THREADS])

import keras  # noqa: E402
from speed.chains_of_devinterp import Devinterp  # noqa: E402
from speed.problems import Problem, mnist, small  # noqa: E402
from speed.settling import Chains, Tool, described  # noqa: E402

import keras_selfmodel as ksm  # noqa: E402
from keras_selfmodel import transforms  # noqa: E402

CHAINS = 4


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
