"""Self-modeling beyond MNIST's dense layer: small tasks of other kinds, beside other objectives.

    KERAS_BACKEND=jax python -m benchmarks other_tasks --out other-tasks.csv
    python -m benchmarks other_tasks --out other-tasks.csv --tables

The tasks stand in benchmarks/tasks/. Each network is trained by AdamW (0.001), seeds 1–5; of each a line is written to
the file: loss and score (accuracy, or R² of the regression) on the test data, how much lower the loss is on the
training data, spread of the final weights, and the part of the units before the final layer that is kept when those of
the least influence are replaced by their means until the loss has risen by 0.1. Networks that the file has are not
trained again. A network whose score lies more than 0.2 below the baseline's mean has collapsed; a setting at which one
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
import numpy as np
from tasks import CASES, Case, Samples

from keras_selfmodel._number_texts import number_text, with_error
from keras_selfmodel.compression import ScoredNetwork, unit_curve
from keras_selfmodel.experiments import objective_models
from keras_selfmodel.experiments.objectives import SELF_MODELING, Subject, find_objective
from keras_selfmodel.layers import BiasOnlyHead
from keras_selfmodel.probes import NetworkTap
from keras_selfmodel.statistics import difference, holm, mean_interval

STRENGTHS = {SELF_MODELING: (0, 1, 10, 50), "fixed-vector": (10,), "dropout": (0.5,), "last-layer-decay": (0.03,)}
# Those that look at a network as its case says.
SELF_MODELS: dict[str, dict] = {SELF_MODELING: {}, "fixed-vector": {"head": BiasOnlyHead, "stop_gradient": False}}
SEEDS = range(1, 6)
# The measures of the tests.
TESTED = ("loss", "gap", "units_kept")
RISE, COLLAPSE = 0.1, 0.2
"""Of the loss in nats, or in the variance of what a regression predicts; and of the score."""


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
    found = {(line.case, *line.setting, line.seed) for line in read(file)}
    for case in cases:
        samples = case.samples()
        for seed in SEEDS:
            for objective, strengths in STRENGTHS.items():
                for strength in strengths:
                    if (case.name, objective, strength, seed) in found:
                        continue
                    line = measured(case, samples, objective, strength, seed)
                    new = not file.exists()
                    with file.open("a", newline="", encoding="utf-8") as opened:
                        writer = csv.DictWriter(opened, list(asdict(line)))
                        if new:
                            writer.writeheader()
                        writer.writerow(asdict(line))


def print_tables(lines: list[Line]) -> None:
    of: dict[str, dict[tuple[str, float], dict[int, Line]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        of[line.case][line.setting][line.seed] = line
    print("| task | objective | strength | loss | score / % | gap | spread | units / % |\n" + "|---" * 8 + "|")
    for case, settings in of.items():
        for setting, by_seed in settings.items():
            print(_row(case, setting, list(by_seed.values()), _collapsed(settings, setting)))
    print("\nSelf-modeling minus the baseline, paired by seed; bold: Holm p ≤ 0.05\n")
    differences = {
        (case, strength, measure): found
        for case, settings in of.items()
        for strength in STRENGTHS[SELF_MODELING][1:]
        if not _collapsed(settings, (SELF_MODELING, strength))
        for measure in TESTED
        if (found := _difference(settings, strength, measure)) is not None
    }
    corrected = dict(zip(differences, holm([one.p for one in differences.values()]), strict=True))
    print(f"{len(differences)} tests\n\n| task | AW | loss | gap | units / % |\n" + "|---" * 5 + "|")
    for case, strength in dict.fromkeys(key[:2] for key in differences):
        cells = [_cell(differences, corrected, (case, strength, measure)) for measure in TESTED]
        print(f"| {case} | {strength:g} | " + " | ".join(cells) + " |")


def _collapsed(settings: dict, setting: tuple[str, float]) -> int:
    """How many networks have collapsed."""
    baseline = np.mean([line.score for line in settings[SELF_MODELING, 0].values()])
    return sum(line.score < baseline - COLLAPSE for line in settings[setting].values())


def _row(case: str, setting: tuple[str, float], lines: list[Line], collapsed: int) -> str:
    objective, strength = setting
    start = f"| {case} | {objective if strength else 'baseline'} | {strength:g} |"
    if collapsed:
        return f"{start} {collapsed} of {len(lines)} collapsed | | | | |"
    cells = []
    for measure, factor, digits in (
        ("loss", 1, 3), ("score", 100, 1), ("gap", 1, 3), ("spread", 1, 3), ("units_kept", 100, 0)
    ):  # fmt: skip
        values = [getattr(line, measure) for line in lines]
        found = None if None in values else mean_interval(values)
        cells.append(
            "–"
            if found is None
            else with_error(factor * found.mean, found.half_width and factor * found.half_width, digits)
        )
    return f"{start} " + " | ".join(cells) + " |"


def _difference(settings: dict, strength: float, measure: str):
    groups = [
        {seed: getattr(line, measure) for seed, line in settings[SELF_MODELING, weight].items()}
        for weight in (strength, 0)
    ]
    return None if None in [*groups[0].values(), *groups[1].values()] else difference(*groups)


def _cell(differences: dict, corrected: dict, key: tuple[str, float, str]) -> str:
    if key not in differences:
        return "–"
    factor, digits = (100, 0) if key[2] == "units_kept" else (1, 3)
    found = differences[key].estimate
    width = factor * found.half_width if found.half_width is not None else None
    text = f"{number_text(factor * found.mean, digits, sign=True)} ± {number_text(width, digits)}"
    return f"**{text}**" if corrected[key] is not None and corrected[key] <= 0.05 else text


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
    print_tables([line for line in lines if line.case in finished])


def _finished(lines: list[Line], wanted: list[Case]) -> list[str]:
    """Names of the cases of which the file has all networks; of the others it is said how many are missing."""
    finished = []
    for case in wanted:
        missing = len(SEEDS) * sum(map(len, STRENGTHS.values())) - sum(line.case == case.name for line in lines)
        if missing:
            print(f"{case.name}: {missing} networks are missing, and it is left out.")
        else:
            finished.append(case.name)
    return finished


if __name__ == "__main__":
    main()
