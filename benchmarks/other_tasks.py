"""Self-modeling beyond MNIST's dense layer: small tasks of other kinds, beside other objectives.

    KERAS_BACKEND=jax python -m benchmarks other_tasks --out other-tasks.csv
    python -m benchmarks other_tasks --out other-tasks.csv --tables

The tasks stand in benchmarks/tasks/. Each network is trained by AdamW (0.001), seeds 1–5; of each a line is written to
the file: loss and score (accuracy, or R² of the regression) on the test data, how much lower the loss is on the
training data, spread of the final weights, and the part of the units before the final layer that is kept when those of
the least influence are replaced by their means until the loss has risen by 0.1. Networks that the file has are not
trained again. A network whose score lies 0.2 or more below the baseline's mean has collapsed; a setting at which one
has is in no comparison.

Tests, fixed before any result: of each task and each of AW 1, 10 and 50, loss, gap and units against the baseline of
the same seed, two-sided, with Holm's correction over all of them.
"""

import argparse
import csv
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
from tasks import CASES, Case, Samples

from benchmarks._comparing import Measure, collapsed, print_differences, table_head, table_row
from keras_selfmodel.compression import ScoredNetwork, unit_curve
from keras_selfmodel.experiments import objective_models
from keras_selfmodel.experiments.objectives import SELF_MODELING, Subject, find_objective
from keras_selfmodel.layers import BiasOnlyHead
from keras_selfmodel.probes import NetworkTap

STRENGTHS = {SELF_MODELING: (0, 1, 10, 50), "fixed-vector": (10,), "dropout": (0.5,), "last-layer-decay": (0.03,)}
# Those that look at a network as its case says.
SELF_MODELS: dict[str, dict] = {SELF_MODELING: {}, "fixed-vector": {"head": BiasOnlyHead, "stop_gradient": False}}
SEEDS = range(1, 6)
LOSS, SCORE, GAP = Measure("loss", "loss"), Measure("score", "score / %", 100, 1), Measure("gap", "gap")
SPREAD, UNITS = Measure("spread", "spread"), Measure("units_kept", "units / %", 100, 0)
TESTED = (LOSS, GAP, UNITS)
RISE = 0.1
"""Of the loss in nats, or in the variance of what a regression predicts."""


@dataclass(frozen=True)
class Line:
    """What is written of a network; `units_kept` is empty where the rise is never reached."""

    case: str
    objective: str
    strength: float
    seed: int
    loss: float
    score: float
    gap: float
    spread: float
    units_kept: float | None
    seconds: float

    @property
    def setting(self) -> tuple[str, float]:
        return self.objective, self.strength


def trained(case: Case, samples: Samples, objective: str, strength: float, seed: int) -> keras.Model:
    """A network of a case after its training."""
    keras.utils.set_random_seed(seed)
    classifier = case.network(seed)
    model: keras.Model = classifier
    if strength:
        subject = Subject(classifier, case.targets, strength, seed, case.network)
        model = (
            objective_models.self_modeling(subject, **SELF_MODELS[objective], **case.options)
            if objective in SELF_MODELS
            else find_objective(objective).model(subject)
        )
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=case.weight_decay), case.loss)
    model.fit(samples.x, samples.y, batch_size=case.batch_size, epochs=case.epochs, verbose=0)
    classifier.compile(loss=case.loss, metrics=[case.metric])
    return classifier


def measured(case: Case, samples: Samples, objective: str, strength: float, seed: int) -> Line:
    start = time.perf_counter()
    network = trained(case, samples, objective, strength, seed)
    on_test = network.evaluate(samples.x_test, samples.y_test, batch_size=500, verbose=0, return_dict=True)
    on_training = network.evaluate(samples.x, samples.y, batch_size=500, verbose=0, return_dict=True)
    features = NetworkTap(network, ()).read(samples.x).features
    curve = unit_curve(ScoredNetwork(network, samples.x_test, samples.y_test), features)
    return Line(
        case=case.name,
        objective=objective,
        strength=strength,
        seed=seed,
        loss=on_test["loss"],
        score=on_test["score"],
        gap=on_test["loss"] - on_training["loss"],
        spread=float(keras.ops.std(network.layers[-1].kernel)),
        units_kept=curve.at_rise(RISE),
        seconds=time.perf_counter() - start,
    )


def read(file: Path) -> list[Line]:
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as opened:
        return [
            Line(
                **{name: row[name] for name in ("case", "objective")},
                seed=int(row["seed"]),
                units_kept=float(row["units_kept"]) if row["units_kept"] else None,
                **{name: float(row[name]) for name in ("strength", "loss", "score", "gap", "spread", "seconds")},
            )
            for row in csv.DictReader(opened)
        ]


def train_all(file: Path, cases: list[Case]) -> None:
    """Adds a line for each network that the file lacks, seed by seed."""
    found = {(one.case, *one.setting, one.seed) for one in read(file)}
    for case in cases:
        samples = case.samples()
        for seed in SEEDS:
            for objective, strengths in STRENGTHS.items():
                for strength in strengths:
                    if (case.name, objective, strength, seed) in found:
                        continue
                    network = measured(case, samples, objective, strength, seed)
                    new = not file.exists()
                    with file.open("a", newline="", encoding="utf-8") as opened:
                        writer = csv.DictWriter(opened, list(asdict(network)))
                        if new:
                            writer.writeheader()
                        writer.writerow(asdict(network))


def print_tables(lines: list[Line]) -> None:
    of: dict[str, dict[tuple[str, float], dict[int, Line]]] = defaultdict(lambda: defaultdict(dict))
    for one in lines:
        of[one.case][one.setting][one.seed] = one
    measures = (LOSS, SCORE, GAP, SPREAD, UNITS)
    print(table_head("task", "objective", "strength", *(measure.title for measure in measures)))
    for case, settings in of.items():
        for (objective, strength), by_seed in settings.items():
            lost = collapsed(by_seed, settings[SELF_MODELING, 0], "score")
            cells = [measure.mean(by_seed.values()) for measure in measures]
            if lost:
                cells = [f"{lost} of {len(by_seed)} collapsed", *[""] * (len(measures) - 1)]
            print(table_row(case, objective if strength else "baseline", f"{strength:g}", *cells))
    print("\nSelf-modeling minus the baseline, paired by seed:")
    pairs = {
        (case, f"{strength:g}"): (settings[SELF_MODELING, strength], settings[SELF_MODELING, 0])
        for case, settings in of.items()
        for strength in STRENGTHS[SELF_MODELING][1:]
        if not collapsed(settings[SELF_MODELING, strength], settings[SELF_MODELING, 0], "score")
    }
    print_differences(("task", "AW"), pairs, TESTED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="A CSV file, which is gone on with if it exists.")
    parser.add_argument("--tasks", help="Parts of names, separated by semicolons. Default: all.")
    parser.add_argument("--tables", action="store_true", help="Train nothing, print what the file has.")
    arguments = parser.parse_args()
    wanted = [case for case in CASES if any(part in case.name for part in (arguments.tasks or "").split(";"))]
    if not wanted:
        parser.error(f"--tasks names none of {'; '.join(case.name for case in CASES)}. Received: {arguments.tasks!r}")
    if not arguments.tables:
        train_all(arguments.out, wanted)
    lines = read(arguments.out)
    finished = _finished(lines, wanted)
    print_tables([one for one in lines if one.case in finished])


def _finished(lines: list[Line], wanted: list[Case]) -> list[str]:
    """Names of the cases of which the file has all networks; of the others it is said how many are missing."""
    finished = []
    for case in wanted:
        missing = len(SEEDS) * sum(map(len, STRENGTHS.values())) - sum(one.case == case.name for one in lines)
        if missing:
            print(f"{case.name}: {missing} networks are missing, and it is left out.")
        else:
            finished.append(case.name)
    return finished


if __name__ == "__main__":
    main()
