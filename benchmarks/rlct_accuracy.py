"""How far the estimator's defaults are from the exact RLCT of deep linear networks, beside devinterp.

    KERAS_BACKEND=jax python -m benchmarks rlct_accuracy --seeds 1-5
    KERAS_BACKEND=jax python -m benchmarks rlct_accuracy --seeds 1 --tools ksm,devinterp

Each seed draws ten networks of 10³ to 10⁵ weights a set (`rlct.deep_linear_network`): "generic", no layer reduced, and
"singular", all partial products of the rank of the true map. 100,000 samples, mean squared error, batches of 500; no
setting but the batch size. devinterp, where installed, runs on PyTorch by the protocol of arXiv 2507.21449: one chain
of 10,000 draws, step size 5e-7, localization 1, L₀ = 0, the first nine tenths burn-in.

Printed for each set: mean and median of the absolute relative error, its mean with sign, the part of pairs of networks
put in the right order, gradient evaluations, and how many 95 % intervals (± 1.96 standard errors) hold the exact value.
"""

import argparse
import itertools
import json
import time
import warnings

import keras
import numpy as np

import keras_selfmodel as ksm

SAMPLES, BATCH = 100_000, 500
SIZES = np.geomspace(1e3, 1e5, 10)
KINDS = ("generic", "singular")


def ours(network, x, y, seed: int) -> dict:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ksm.rlct.RLCTWarning)
        estimate = ksm.estimate_rlct(
            network.model(), (x, y), loss=keras.losses.MeanSquaredError(), batch_size=BATCH, seed=seed
        )
    return {
        "value": estimate.value,
        "std_error": estimate.std_error,
        "sampling_error": estimate.sampling_error,
        "heat": estimate.heat_correction,
        "r_hat": estimate.r_hat,
        "evaluations": estimate.gradient_evaluations,
        "warnings": len(estimate.warnings),
    }


def devinterp(network, x, y, seed: int) -> dict:
    import torch
    from devinterp.optim.sgld import SGLD
    from devinterp.slt.callback import SamplerCallback
    from devinterp.slt.sampler import sample

    model = torch.nn.Sequential(*(torch.nn.Linear(*matrix.shape, bias=False) for matrix in network.weights))
    with torch.no_grad():
        for layer, matrix in zip(model, network.weights, strict=True):
            layer.weight.copy_(torch.from_numpy(matrix.T))
    losses = []

    class Losses(SamplerCallback):
        def __call__(self, draw, loss, **_):
            losses.append(float(loss))

        def get_results(self):
            return {}

    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    nbeta = SAMPLES / np.log(SAMPLES)
    sample(
        model,
        torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True),
        callbacks=[Losses(device="cpu")],
        evaluate=lambda model, batch: torch.nn.functional.mse_loss(model(batch[0]), batch[1]),
        sampling_method=SGLD,
        optimizer_kwargs={"lr": 5e-7, "localization": 1.0, "nbeta": nbeta},
        num_draws=10_000,
        num_chains=1,
        init_loss=0.0,
        seed=seed,
        verbose=False,
    )
    return {"value": nbeta * float(np.mean(losses[9_000:])), "std_error": np.nan, "evaluations": len(losses)}


def summary(name: str, kind: str, rows: list[dict]) -> str:
    exact, values = (np.array([row[key] for row in rows]) for key in ("exact", "value"))
    errors = values / exact - 1
    # Networks of one seed are compared with each other.
    pairs = [
        (values[i] - values[j]) * (exact[i] - exact[j]) > 0
        for i, j in itertools.combinations(range(len(rows)), 2)
        if rows[i]["seed"] == rows[j]["seed"] and exact[i] != exact[j]
    ]
    held = [abs(row["value"] - row["exact"]) <= 1.96 * row["std_error"] for row in rows]
    coverage = f"{np.mean(held):.2f}" if np.isfinite(rows[0]["std_error"]) else "-"
    return (
        f"{name:<10} {kind:<9} {len(rows):>3}  {np.abs(errors).mean():.4f} / {np.median(np.abs(errors)):.4f}  "
        f"{errors.mean():+.4f}  {np.mean(pairs):.3f}  {np.mean([row['evaluations'] for row in rows]):7.0f}  {coverage}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1", help="First and last, such as 1-5. Default: 1.")
    parser.add_argument("--tools", default="ksm", help="ksm, devinterp or ksm,devinterp. Default: ksm.")
    parser.add_argument("--json", help="Write every estimate to this file.")
    arguments = parser.parse_args()
    first, *last = (int(part) for part in arguments.seeds.split("-"))
    tools = {name: {"ksm": ours, "devinterp": devinterp}[name] for name in arguments.tools.split(",")}
    results = {(tool, kind): [] for tool in tools for kind in KINDS}
    for seed in range(first, (last or [first])[0] + 1):
        for kind in KINDS:
            for size in SIZES:
                network = ksm.rlct.deep_linear_network(round(size), kind, seed)
                x, y = network.data(SAMPLES, seed)
                for tool, estimate in tools.items():
                    start = time.perf_counter()
                    row = {
                        "seed": seed,
                        "widths": network.widths,
                        "rank": network.rank,
                        "exact": float(network.coefficient.value),
                        **estimate(network, x, y, seed),
                        "seconds": time.perf_counter() - start,
                    }
                    results[tool, kind].append(row)
                    print(
                        f"{tool:<10} {kind:<9} seed {seed} {network.num_parameters:>6} weights  exact "
                        f"{row['exact']:8.1f}  estimate {row['value']:8.1f} ± {row['std_error']:.1f}  "
                        f"{row['value'] / row['exact'] - 1:+.3f}  {row['seconds']:.0f} s",
                        flush=True,
                    )
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump([{"tool": tool, "kind": kind, **row} for (tool, kind), r in results.items() for row in r], file)
    print(f"\n{keras.config.backend()}; mean / median |relative error|, bias, pairs in order, evaluations, coverage")
    for (tool, kind), rows in results.items():
        print(summary(tool, kind, rows))


if __name__ == "__main__":
    main()
