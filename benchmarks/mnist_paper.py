"""The MNIST experiment beside the paper's numbers: the table and the figure of the README.

    python benchmarks/mnist_paper.py --backend jax --seeds 1,2,3 --out runs/mnist-paper
    python benchmarks/mnist_paper.py --backend torch --seeds 1 --out runs/mnist-paper

Runs that exist in the folder are kept, unfinished ones go on, so the command can be repeated at will. Every finished
run in the folder goes into the table, whatever its backend; none is left out.
"""

import argparse
import csv
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

AUX_WEIGHTS = (0, 10, 50)


def run_all(backend: str, seeds: list[int], out: Path) -> None:
    for seed in seeds:
        for aux_weight in AUX_WEIGHTS:
            folder = out / f"{backend}-aux{aux_weight}-seed{seed}"
            # fmt: off
            command = [
                "ksm", "run", "mnist", "--backend", backend, "--aux-weight", str(aux_weight), "--seed", str(seed),
                "--out", str(folder), "--resume", "--quiet",
            ]
            # fmt: on
            print(" ".join(command), file=sys.stderr)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def results(out: Path) -> dict[tuple[str, float], list[dict]]:
    found = defaultdict(list)
    for file in sorted(out.glob("*/metrics.json")):
        metrics = json.loads(file.read_text())
        found[metrics["backend"], metrics["recipe"]["aux_weight"]].append(metrics)
    return dict(sorted(found.items()))


def table(found: dict) -> str:
    lines = [
        "| backend | AW | seeds | weight spread | paper | accuracy | paper | RLCT | paper | self-prediction R² |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (backend, aux_weight), runs in found.items():
        paper = runs[0]["paper"]
        r2 = [run["self_prediction_r2"] for run in runs if run["self_prediction_r2"] is not None]
        cells = [
            backend,
            f"{aux_weight:g}",
            ", ".join(str(run["recipe"]["seed"]) for run in runs),
            _summary([run["weight_spread"] for run in runs], 4),
            f"{paper['weight_spread']:g}",
            _summary([run["accuracy"] for run in runs], 4),
            "" if paper["accuracy"] is None else f"{paper['accuracy']:g}",
            _summary([run["rlct"] for run in runs], 1),
            f"{paper['rlct']:g}",
            _summary(r2, 3) if r2 else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure(out: Path, backend: str, file: Path) -> None:
    """Draws the spread of the weights during training and the RLCT after it, every run of one backend."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(8, 3.2), layout="constrained")
    curves, bars = drawing.subplots(1, 2, width_ratios=[1.4, 1])
    colors = {0: "#0072B2", 10: "#D55E00", 50: "#009E73"}  # told apart by colour-blind readers
    for position, aux_weight in enumerate(AUX_WEIGHTS):
        runs = sorted(out.glob(f"{backend}-aux{aux_weight}-seed*/metrics.json"))
        if not runs:
            continue
        for number, run in enumerate(runs):
            with run.with_name("history.csv").open(newline="") as lines:
                spread = [float(row["weight_spread"]) for row in csv.DictReader(lines)]
            label = f"auxiliary weight {aux_weight}" if number == 0 else None
            curves.plot(range(1, len(spread) + 1), spread, color=colors[aux_weight], linewidth=1, label=label)
        metrics = [json.loads(run.read_text()) for run in runs]
        paper = metrics[0]["paper"]
        curves.plot(len(spread) + 1.5, paper["weight_spread"], "k_", markersize=10)
        values = [run["rlct"] for run in metrics]
        bars.plot([position] * len(values), values, "o", color=colors[aux_weight], markersize=5)
        bars.plot(position, paper["rlct"], "k_", markersize=24, label="the paper" if position == 0 else None)
    curves.set(xlabel="epoch", ylabel="spread of the final weights", ylim=(0.03, 0.105))
    curves.legend(frameon=False, fontsize="small")
    bars.set(xlabel="auxiliary weight", ylabel="RLCT (paper's convention)", ylim=(0, 65), xlim=(-0.6, 2.6))
    bars.set_xticks(range(len(AUX_WEIGHTS)), [str(weight) for weight in AUX_WEIGHTS])
    bars.legend(frameon=False, fontsize="small", loc="lower left")
    for axes in (curves, bars):
        axes.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(file, dpi=110)


def _summary(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["jax", "tensorflow", "torch"], help="leave out to print the table only")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--out", type=Path, default=Path("runs/mnist-paper"))
    parser.add_argument("--figure", type=Path, help="draw the runs of --backend, or of jax, into this file")
    arguments = parser.parse_args()
    if arguments.backend:
        run_all(arguments.backend, [int(seed) for seed in arguments.seeds.split(",")], arguments.out)
    print(table(results(arguments.out)))
    if arguments.figure:
        figure(arguments.out, arguments.backend or "jax", arguments.figure)


if __name__ == "__main__":
    main()
