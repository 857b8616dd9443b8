"""Samples the finite values of the truth set that have no closed form, and writes benchmarks/truth/sampled.json.

    python -m benchmarks rlct_truth_sampled
    python -m benchmarks rlct_truth_sampled --families tanh --localizations 0.1,1

Hamiltonian Monte Carlo in NumPy (truth/hamiltonian.py), on the loss over all data, at nβ = n/ln n for n = 100,000 and
several localizations. What is there already is kept.
"""

import argparse
import json
import os
import time
from collections import defaultdict

os.environ.setdefault("OMP_NUM_THREADS", "1")

from truth import Case, cases, usual_inverse_temperature
from truth.hamiltonian import finite_value
from truth.tables import SAMPLED

COMMAND = "python -m benchmarks rlct_truth_sampled"
SAMPLES = 100_000
LOCALIZATIONS = "0.03,0.1,0.3,1,3,10,30"


def _key(case: Case) -> str:
    return f"{case.family}: {case.name}"


def _stored() -> defaultdict[str, list[dict]]:
    return defaultdict(list, json.loads(SAMPLED.read_text())["values"] if SAMPLED.exists() else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="", help="Parts of family names, separated by commas. Default: all.")
    parser.add_argument("--localizations", default=LOCALIZATIONS, help=f"γ, Default: {LOCALIZATIONS}.")
    parser.add_argument("--chains", type=int, default=100, help="Chains. Default: 100.")
    parser.add_argument("--again", action="store_true", help="Also what is there already.")
    parser.add_argument("--draws", type=int, default=1500, help="Draws of each. Default: 1500.")
    arguments = parser.parse_args()
    nbeta = usual_inverse_temperature(SAMPLES)
    for case in cases():
        if case.reference is None or not any(part in case.family for part in arguments.families.split(",")):
            continue
        for localization in map(float, arguments.localizations.split(",")):
            if not arguments.again and any(row["localization"] == localization for row in _stored()[_key(case)]):
                continue
            start, size = time.perf_counter(), {"chains": arguments.chains, "draws": arguments.draws}
            found = finite_value(*case.reference(), nbeta, localization, **size, seed=1)
            values = _stored()
            rows = [row for row in values[_key(case)] if row["localization"] != localization]
            rows.append({"nbeta": nbeta, "localization": localization, **found, **size})
            values[_key(case)] = sorted(rows, key=lambda row: row["localization"])
            SAMPLED.write_text(json.dumps({"command": COMMAND, "values": values}, indent=1, sort_keys=True) + "\n")
            print(
                f"{case.family}: {case.name}, γ {localization:g}: {found['value']:.4f} ± {found['error']:.4f}, λ "
                f"{case.exact:.4g}, drift {found['drift']:+.1f}, acceptance {found['acceptance']:.2f}, "
                f"{time.perf_counter() - start:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
