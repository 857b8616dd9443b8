"""The estimator's defaults on problems of known RLCT that are not linear: the truth set.

    python -m benchmarks rlct_truth --backend jax --seeds 1-3 --json truth.json
    python -m benchmarks rlct_truth --families tanh,crossings --seeds 1
    python -m benchmarks rlct_truth --tables truth.json

The cases stand in benchmarks/truth/, a file for each family. Each gives the exact λ at w*, and where it can be had the
value E[nβ(L − L(w*))] at the n, nβ and γ of the estimate: in closed form where the loss is a parabola, by quadrature in
two dimensions, else sampled by Hamiltonian Monte Carlo (rlct_truth_sampled.py). All settings are the defaults.

Printed for each estimate: value ± bar, verdict, both truths, gradient evaluations, seconds; then a table of cases and a
table of families: how many estimates are called reliable, in how many of these value ± 1.96 bars holds λ, and how many
are called reliable where n suffices to know λ. An estimate that fails is an error, none is left out.
"""

import argparse
import json
import os
import sys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", help="Parts of family names, separated by commas. Default: all.")
    parser.add_argument("--cases", help="Parts of case names, separated by semicolons. Default: all.")
    parser.add_argument("--seeds", default="1-3", help="First and last, such as 1-3. Default: 1-3.")
    parser.add_argument("--backend", help="jax, tensorflow or torch. Default: Keras's.")
    parser.add_argument("--cheap", action="store_true", help="Only what the tests take.")
    parser.add_argument("--large", action="store_true", help="Also the cases that take minutes.")
    parser.add_argument("--json", help="Write every estimate to this file, after each one.")
    parser.add_argument("--tables", nargs="+", help="Print the tables of these files; estimate nothing.")
    arguments = parser.parse_args()
    if arguments.backend:
        os.environ["KERAS_BACKEND"] = arguments.backend
    from truth.summary import case_table, family_table

    if arguments.tables:
        rows = [row for path in arguments.tables for row in json.load(open(path))]
        print(case_table(rows), family_table(rows), sep="\n\n")
        return
    import keras
    from truth import cases
    from truth.measuring import measure

    families, names = (arguments.families or "").split(","), (arguments.cases or "").split(";")
    chosen = [
        case
        for case in cases()
        if any(part.lower() in case.family.lower() for part in families)
        and any(part in case.name for part in names)
        and (case.cheap or not arguments.cheap)
        and (arguments.large or not case.large)
    ]
    if not chosen:
        sys.exit("No case has such a family and name. Families: " + "; ".join(dict.fromkeys(c.family for c in cases())))
    first, *last = (int(part) for part in arguments.seeds.split("-"))
    rows = []
    for case in chosen:
        built = case.build()
        for seed in range(first, (last or [first])[0] + 1):
            row = {**measure(case, built, seed), "backend": keras.config.backend()}
            rows.append(row)
            finite = "" if row["finite"] is None else f" (finite {row['finite']:.4g})"
            print(
                f"{case.family}: {case.name}, seed {seed}: λ {case.exact:.4g}{finite}, estimate {row['value']:.4g} ± "
                f"{row['std_error']:.2g} {row['verdict']}, {row['evaluations']:,} gradients, {row['seconds']:.0f} s",
                flush=True,
            )
            for sentence in row["warnings"]:
                print(f"    {sentence}")
            if arguments.json:
                with open(arguments.json, "w") as file:
                    json.dump(rows, file, indent=1)
    print("", case_table(rows), family_table(rows), sep="\n\n")


if __name__ == "__main__":
    main()
