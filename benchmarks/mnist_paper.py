"""The MNIST experiment beside the paper's numbers: the table and the figure of the README.

    python benchmarks/mnist_paper.py --backend jax --seeds 1,2,3 --out runs/mnist-paper
    python benchmarks/mnist_paper.py --backend torch --seeds 1 --out runs/mnist-paper

Runs that exist in the folder are kept, unfinished ones go on, so the command can be repeated at will. Every finished
run in the folder goes into the table, whatever its backend; none is left out.
"""

import argparse
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


def _summary(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=["jax", "tensorflow", "torch"], help="leave out to print the table only")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--out", type=Path, default=Path("runs/mnist-paper"))
    arguments = parser.parse_args()
    if arguments.backend:
        run_all(arguments.backend, [int(seed) for seed in arguments.seeds.split(",")], arguments.out)
    print(table(results(arguments.out)))


if __name__ == "__main__":
    main()
