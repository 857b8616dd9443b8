"""The MNIST experiment beside the paper's numbers: the table and the figure of the README.

    python -m benchmarks mnist_paper --backend jax --seeds 1,2,3 --out runs/mnist-paper
    python -m benchmarks mnist_paper --backend torch --seeds 1 --out runs/mnist-paper

Runs that exist in the folder are kept, unfinished ones go on, so the command can be repeated at will. Every finished
run in the folder goes into the table, whatever its backend; none is left out. RLCTs that are not to be used are in no
mean: the table counts them, and the figure shows them as crosses.
"""

import argparse
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from keras_selfmodel.experiments import RunResult, finished_runs, spread_history

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


def results(out: Path) -> dict[tuple[str, float], list[RunResult]]:
    found = defaultdict(list)
    for run in finished_runs(out):
        found[run.backend, run.recipe.aux_weight].append(run)
    return dict(sorted(found.items()))


def table(found: dict) -> str:
    lines = [
        "| backend | AW | seeds | weight spread | paper | accuracy | paper | RLCT | paper | self-prediction R² |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (backend, aux_weight), runs in found.items():
        paper = runs[0].paper
        cells = [
            backend,
            f"{aux_weight:g}",
            ", ".join(str(run.recipe.seed) for run in runs),
            _summary(runs, "weight_spread", 4),
            _of_paper(paper and paper.weight_spread),
            _summary(runs, "accuracy", 4),
            _of_paper(paper and paper.accuracy),
            _summary(runs, "rlct", 1),
            _of_paper(paper and paper.rlct),
            _summary(runs, "self_prediction_r2", 3),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure(found: dict[tuple[str, float], list[RunResult]], backend: str, file: Path) -> None:
    """Draws the weights' spread in training and the RLCT after it, every run of a backend; ×: not to be used."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(8, 3.2), layout="constrained")
    curves, bars = drawing.subplots(1, 2, width_ratios=[1.4, 1])
    colors = {0: "#0072B2", 10: "#D55E00", 50: "#009E73"}  # told apart by color-blind readers
    for position, aux_weight in enumerate(AUX_WEIGHTS):
        runs = found.get((backend, aux_weight), [])
        color, epochs = colors[aux_weight], 0
        for number, run in enumerate(runs):
            history = spread_history(run)
            epochs = max(epochs, len(history.epochs))
            label = f"auxiliary weight {aux_weight}" if number == 0 else None
            curves.plot(history.epochs, history.weight_spread, color=color, linewidth=1, label=label)
        estimates = [run.rlct for run in runs if run.rlct is not None and run.rlct.value is not None]
        for usable, mark in ((True, "o"), (False, "x")):
            values = [estimate.value for estimate in estimates if estimate.is_usable == usable]
            bars.plot([position] * len(values), values, mark, color=color, markersize=5)
        if runs and runs[0].paper is not None:
            curves.plot(epochs + 1.5, runs[0].paper.weight_spread, "k_", markersize=10)
            bars.plot(position, runs[0].paper.rlct, "k_", markersize=24, label="the paper" if position == 0 else None)
    curves.set(xlabel="epoch", ylabel="spread of the final weights", ylim=(0.03, 0.105))
    curves.legend(frameon=False, fontsize="small")
    bars.set(xlabel="auxiliary weight", ylabel="RLCT (paper's convention)", ylim=(0, 65), xlim=(-0.6, 2.6))
    bars.set_xticks(range(len(AUX_WEIGHTS)), [str(weight) for weight in AUX_WEIGHTS])
    bars.legend(frameon=False, fontsize="small", loc="lower left")
    for axes in (curves, bars):
        axes.spines[["top", "right"]].set_visible(False)
    file.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(file, dpi=110)


def _summary(runs: list[RunResult], name: str, digits: int) -> str:
    values = [value for run in runs if (value := run.number(name)) is not None]
    unusable = sum(name in run.estimates() and not run.estimates()[name].is_usable for run in runs)
    note = f" ({unusable} not to be used)" if unusable else ""
    if not values:
        return note.strip()
    mean = f"{statistics.mean(values):.{digits}f}"
    return (mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}") + note


def _of_paper(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["jax", "tensorflow", "torch"], help="leave out to print the table only")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--out", type=Path, default=Path("runs/mnist-paper"))
    parser.add_argument("--figure", type=Path, help="draw the runs of --backend, or of jax, into this file")
    arguments = parser.parse_args()
    if arguments.backend:
        run_all(arguments.backend, [int(seed) for seed in arguments.seeds.split(",")], arguments.out)
    found = results(arguments.out)
    print(table(found))
    if arguments.figure:
        figure(found, arguments.backend or "jax", arguments.figure)


if __name__ == "__main__":
    main()
