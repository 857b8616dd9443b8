"""Command lines that cannot be are refused in a sentence that names what was wrong, before anything is computed."""

import os
import shlex

import numpy as np
import pytest

from keras_selfmodel.models import mlp

RECIPE = """name = "tiny"
[data]
arrays = "data.npz"
[training]
epochs = 1
"""
HUGE = "99999999999999999999"
RLCT = "rlct model.keras --recipe recipe.toml"
OBSERVER = "observer runs --recipe recipe.toml"

# By command line, what is said.
LINES = {
    f"run mnist --hidden {HUGE}": "--hidden must be a whole number from 1 to 10,000,000",
    "run mnist --hidden 1000000000": "--hidden must be a whole number from 1 to 10,000,000",
    "run mnist --hidden 1e3": "'--hidden'",
    f"run mnist --epochs {HUGE}": "--epochs must be a whole number from 1 to 1,000,000",
    f"run mnist --batch-size {HUGE}": "--batch-size must be a whole number from 2 to",
    f"run mnist --seed {HUGE}": "--seed must be a whole number from 0 to 4,294,967,295",
    f"run mnist --seed {'9' * 400}": "--seed must be a whole number from 0 to 4,294,967,295",
    "run mnist --seed -1": "'--seed'",
    "run mnist --aux-weight nan": "--aux-weight must be finite and not negative",
    "run mnist --aux-weight inf": "--aux-weight must be finite and not negative",
    "run mnist --aux-weight 1e400": "--aux-weight must be finite and not negative",
    "run mnist --aux-weight -1": "'--aux-weight'",
    "run mnist --objective joy": "joy",
    "run mnist --precision float7": "float7",
    "run mnist --backend numpy": "numpy",
    "run mnist --keep-epochs 0-999999999999": "--keep-epochs may list at most 100,000 numbers",
    "run mnist --keep-epochs 5 --epochs 2": "--keep-epochs must be whole numbers from 0 to --epochs 2",
    "run mnist --keep-epochs 2,x": "--keep-epochs",
    "run mnist --data-dir /dev/null": "--data-dir /dev/null",
    "run nosuch": "nosuch",
    "run mnist --recipe recipe.toml": "TASK and --recipe exclude each other",
    "run": "Missing argument 'TASK'",
    "run --recipe .": "is a directory",
    "run --recipe nosuch.toml": "does not exist",
    "run --recipe /dev/null": "not a recipe: it is a pipe, a socket or a device, not a file",
    "run --recipe /dev/zero": "not a recipe: it is a pipe, a socket or a device, not a file",
    "run --recipe pipe": "not a recipe: it is a pipe, a socket or a device, not a file",
    "run --recipe data.npz": "not TOML",
    "sweep mnist --seeds 1-999999999999 --dry-run": "--seeds may list at most 100,000 numbers",
    f"sweep mnist --seeds {HUGE} --dry-run": "--seeds: every number must be at most 4,294,967,295",
    f"controls mnist --seeds 1,{HUGE} --dry-run": "--seeds: every number must be at most 4,294,967,295",
    "sweep mnist --seeds 1,1 --dry-run": "--seeds lists a number twice",
    "sweep mnist --seeds 5-1 --dry-run": "--seeds",
    "sweep mnist --seeds 1.5 --dry-run": "--seeds",
    "sweep mnist --hidden 0 --dry-run": "--hidden",
    "sweep mnist --aux-weight 0,nan --dry-run": "--aux-weight: every number must be finite and at least 0",
    "sweep mnist --aux-weight 0,1e999 --dry-run": "--aux-weight: every number must be finite and at least 0",
    "sweep mnist --objective dropout --dry-run": "needs its strengths",
    "controls mnist --seeds 1-999999999999 --dry-run": "--seeds may list at most 100,000 numbers",
    "controls mnist --objective dropout=nan --dry-run": "every number must be finite and at least 0",
    "controls mnist --objective joy --dry-run": "unknown objective 'joy'",
    "tune mnist --also joy=1": "--also must be a setting of a recipe",
    "tune mnist --aux-weight nan:1": "--aux-weight: every number must be finite and at least 0",
    f"tune mnist --seed {HUGE}": "--seed must be a whole number from 0 to 4,294,967,295",
    "tune mnist --validation 1": "'--validation'",
    f"{RLCT} --chains 1000000000 --draws 20 --burn-in 10": "at most 1,000,000,000 of them",
    f"{RLCT} --chains 100000000 --draws 4 --burn-in 2": "GB of memory",
    f"{RLCT} --draws 1000000000000000": "--draws must be a whole number from 1 to 1,000,000,000",
    f"{RLCT} --draws 1e15": "'--draws'",
    f"{RLCT} --burn-in 1000000000000000": "--burn-in must be a whole number from 0 to 1,000,000,000",
    f"{RLCT} --thinning 1000000000000000": "--thinning must be a whole number from 1 to 1,000,000,000",
    f"{RLCT} --seed {HUGE}": "--seed must be a whole number from 0 to 4,294,967,295",
    f"{RLCT} --step-size nan": "--step-size must be finite and positive",
    f"{RLCT} --localization inf": "--localization must be finite and not negative",
    f"{RLCT} --inverse-temperature nan": "--inverse-temperature must be finite and positive",
    f"{RLCT} --batch-size {HUGE}": "--batch-size must be a whole number from 2 to 1,000,000,000",
    f"{RLCT} --plot chains.bmpx": "--plot",
    f"{RLCT} --plot chains": "--plot",
    f"{RLCT} --plot data.npz/chains.png": "data.npz is not a folder",
    f"{RLCT} --traces data.npz/new/traces.nc": "data.npz is not a folder",
    f"{RLCT} --checkpoint {'x' * 300}": "File name too long",
    f"{RLCT} --checkpoint ./recipe.toml": "--recipe and --checkpoint must be different files",
    f"{RLCT} --checkpoint model.keras": "FILE and --checkpoint must be different files",
    f"{RLCT} --traces a.png --plot a.png": "--traces and --plot must be different files",
    f"{RLCT} --layer joy": "joy",
    "rlct data.npz --recipe recipe.toml": "data.npz",
    "rlct . --recipe recipe.toml": "is a folder. To take the network in it, give model.keras.",
    "rlct nosuch.keras --recipe recipe.toml": "does not exist",
    "rlct pipe --recipe recipe.toml": "it is a pipe",
    "run --recipe large.toml": "batch_size = 30 with 20 samples",
    f"{RLCT.replace('recipe.toml', 'large.toml')}": "batch_size = 30, of large.toml with 20 samples",
    "rlct model.keras": "Missing option '--data'",
    "run mnist --label-noise 1.5": "'--label-noise'",
    "run mnist --label-noise nan": "--label-noise must lie in 0 … 1",
    f"sweep mnist --label-noise {HUGE} --dry-run": "'--label-noise'",
    "run mnist --input-noise -0.1": "'--input-noise'",
    "run mnist --input-noise inf": "'--input-noise': inf is not in the range 0<=x<=1000",
    "run --recipe recipe.toml --batch-norm": "batch normalization",
    "run mnist --descend --no-rlct": "--descend asks for an RLCT that is not estimated",
    "sweep mnist --descend --no-rlct --dry-run": "--descend asks for an RLCT that is not estimated",
    "compress nosuch": "does not exist",
    "compress runs": "contains no runs",
    "compress runs .": "--out",
    "compress runs --recipe recipe.toml --csv recipe.toml": "does not end in .csv",
    "run --recipe recipe.toml --out data.npz/run": "data.npz is not a folder",
    "sweep --recipe recipe.toml --dry-run --out pipe/sweep": "pipe is not a folder",
    "report runs --out model.keras/report.html": "model.keras is not a folder",
    "compress runs --noise-draws 0": "'--noise-draws'",
    f"compress runs --noise-draws {HUGE}": "--noise-draws must be a whole number from 1 to 1,000,000",
    f"compress runs --seed {HUGE}": "--seed must be a whole number from 0 to 4,294,967,295",
    f"{OBSERVER} --seed {HUGE}": "--seed must be a whole number from 0 to 4,294,967,295",
    f"{OBSERVER} --epochs {HUGE}": "--epochs must be a whole number from 1 to 1,000,000",
    "compress runs --test-samples 1": "'--test-samples'",
    "compress runs --examples 0": "'--examples'",
    f"{OBSERVER} --capacities x": "--capacities",
    f"{OBSERVER} --learning-rate 0": "'--learning-rate'",
    "observer runs .": "--out",
    "identity nosuch": "does not exist",
    "identity runs": "holds no run",
    "report nosuch": "does not exist",
    "report runs": "contains no runs",
    "report data.npz": "is a file",
    "plot runs --format pdf": "--format",
    "plot runs": "contains no runs",
    "compare runs": "needs two runs or more",
    "compare runs .": "holds no run",
    "compare runs runs/../runs": "Give each folder only once. Received twice: runs.",
    "run mnist --objective dropout --aux-weight 0.5 --targets hidden": "--targets cannot be combined with",
    "sweep mnist --objective dropout --aux-weight 0.5 --targets hidden --dry-run": "--targets cannot be combined with",
    "sweep mnist --objective dropout --aux-weight 0 --dry-run": "--objective cannot be combined with --aux-weight 0",
    "sweep mnist --targets hidden --aux-weight 0 --dry-run": "--targets cannot be combined with --aux-weight 0",
    "tune mnist --also objective=dropout --aux-weight 0.5 --targets hidden": "--targets cannot be combined with",
    "tune mnist --also aux_weight=3 --aux-weight 5": "--also aux_weight and --aux-weight exclude each other",
    "tune mnist --also epochs=3 --epochs 5": "--also epochs and --epochs exclude each other",
    "tune mnist --also momentum=0 --also momentum=0.9": "--also momentum is given twice",
    f"{RLCT} --calibrate --step-size 0.1": "--calibrate chooses the step size. Leave out --step-size.",
    f"{RLCT} --calibrate --convention paper": "--calibrate has nothing to choose with --convention paper",
    f"{RLCT} --profile --convention paper": "--profile varies γ, which --convention paper fixes",
    f"{RLCT} --traces model.keras": "does not end in .nc or .nc4 or .netcdf",
    f"{RLCT} --traces a.svg --plot ./a.svg": "--traces and --plot must be different files",
    "data --prepare joy": "joy",
    "completion joy": "joy",
    "joy": "No such command",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A recipe, its data, a network, a pipe and an empty folder."""
    folder = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)).astype("float32"), rng.integers(0, 2, 20)
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "large.toml").write_text(f"{RECIPE}[rlct]\nbatch_size = 30\n")
    mlp(3, inputs=4, classes=2, seed=1).save(folder / "model.keras")
    os.mkfifo(folder / "pipe")
    (folder / "runs").mkdir()
    return folder


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:60])
def test_what_cannot_be_is_refused_in_a_sentence(ksm, place, monkeypatch, line):
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))
    result = ksm(*shlex.split(line))
    assert result.exit_code in (1, 2) and LINES[line] in " ".join(result.stderr.split())
    assert sorted(place.rglob("*")) == before
