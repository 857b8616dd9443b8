"""`--recipe`: the digits that scikit-learn ships, and made-up data."""

import csv
import dataclasses
import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel import experiments
from tests.studies.made_up import made_up_run, written

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


@pytest.fixture
def mine():
    """A recipe of made-up data, in the folder of the test."""
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = y[:, None] + 0.1 * rng.normal(size=(90, 4))
    np.savez("data.npz", x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    file = Path("my.toml")
    file.write_text(
        'name = "mine"\n[data]\narrays = "data.npz"\n[model]\nhidden = 5\n'
        "[training]\nepochs = 2\nbatch_size = 20\naux_weight = 2\n"
        '[rlct]\nconvention = "paper"\nnum_draws = 4\nburn_in = 2\nnum_chains = 2\n'
    )
    return file


@pytest.fixture
def asked(monkeypatch):
    """What the package is asked to run: a list of (recipe, folder). Nothing is run."""
    calls = []

    def stop(recipe, dataset, folder, **_):
        calls.append((recipe, folder))
        raise ValueError("stopped here")

    monkeypatch.setattr(experiments, "run", stop)
    return calls


def test_the_digits_example_learns_and_notes_what_decides_its_numbers(ksm):
    pytest.importorskip("sklearn")
    result = ksm("run", "--recipe", DIGITS / "digits.toml", "--epochs", "6", "--no-rlct", "--json", "--quiet")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["folder"] == str(Path("runs") / f"digits-hidden32-aux1-seed1-epochs6-{keras.config.backend()}")
    assert found["accuracy"] > 0.8 and found["self_prediction_r2"] is not None and found["paper"] is None
    config = json.loads((Path(found["folder"]) / "config.json").read_text())
    assert config["recipe"]["optimizer"] == "adam" and config["recipe"]["epochs"] == 6
    assert config["recipe"]["network"].startswith("digits.py:build (sha256 ")


def test_the_options_win_over_the_file(ksm, mine, asked):
    ksm("run", "--recipe", mine)
    recipe, folder = asked[0]
    assert (recipe.hidden, recipe.aux_weight, recipe.epochs, recipe.batch_size, recipe.seed) == (5, 2, 2, 20, 1)
    assert (recipe.rlct.batch_size, recipe.rlct.num_draws) == (20, 4)
    assert folder == Path("runs") / f"mine-hidden5-aux2-seed1-{keras.config.backend()}"
    ksm("run", "--recipe", mine, *"--hidden 6 --aux-weight 0 --epochs 3 --batch-size 10 --seed 8".split())
    recipe, _ = asked[1]
    assert (recipe.hidden, recipe.aux_weight, recipe.epochs, recipe.batch_size, recipe.seed) == (6, 0, 3, 10, 8)
    assert (recipe.rlct.batch_size, recipe.rlct.num_draws) == (10, 4)
    ksm("run", "--recipe", mine, "--no-rlct")
    assert asked[2][0].rlct is None


def test_an_rlct_that_the_file_leaves_out_can_be_asked_for(ksm, mine, asked):
    mine.write_text("rlct = false\n" + mine.read_text().split("[rlct]")[0])
    ksm("run", "--recipe", mine)
    ksm("run", "--recipe", mine, "--rlct")
    assert asked[0][0].rlct is None
    assert (asked[1][0].rlct.convention, asked[1][0].rlct.batch_size) == ("dataset", 20)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "mnist", "--recipe", "my.toml"], "TASK and --recipe exclude each other. Received: mnist and"),
        (["sweep", "mnist", "--recipe", "my.toml"], "TASK and --recipe exclude each other"),
        (["rlct", "my.toml", "--data", "mnist", "--recipe", "my.toml"], "--data and --recipe exclude each other"),
        (["run", "--recipe", "other.toml"], "'other.toml' does not exist"),
        (["run"], "Missing argument 'TASK', one of mnist, cifar10, imdb; or --recipe FILE."),
        (["sweep"], "Missing argument 'TASK'"),
        (["rlct", "my.toml"], "Missing option '--data'"),
    ],
)
def test_a_task_and_a_recipe_exclude_each_other(ksm, mine, arguments, words):
    result = ksm(*arguments)
    assert result.exit_code == 2 and words in " ".join(result.stderr.split())


def test_what_is_wrong_with_a_recipe_is_one_sentence(ksm, mine):
    mine.write_text(mine.read_text().replace("epochs", "epoch"))
    result = ksm("run", "--recipe", mine)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: my.toml, [training]: unknown key 'epoch'. Possible: aux_weight, epochs,")
    assert not Path("runs").exists()


def test_layers_that_do_not_exist_are_spoken_of_as_they_were_given(ksm, mine):
    arguments = ("run", "--recipe", mine, "--no-rlct", "--quiet")
    by_option = ksm(*arguments, "--targets", "hidden+nowhere")
    assert by_option.exit_code == 1 and "Received: --targets hidden+nowhere;" in " ".join(by_option.stderr.split())
    mine.write_text(mine.read_text().replace("hidden = 5", 'hidden = 5\ntargets = ["hidden", "nowhere"]'))
    by_file = ksm(*arguments)
    said = " ".join(by_file.stderr.split())
    assert by_file.exit_code == 1 and "Received: targets = nowhere, of my.toml;" in said and "--targets" not in said


def test_a_finished_run_is_shown_again_and_one_with_other_data_is_not(ksm, mine):
    again = ("run", "--recipe", mine, "--out", "out", "--no-rlct", "--quiet", "--resume")
    first = ksm(*again)
    assert first.exit_code == 0 and "mine, H = 5, AW = 2, seed 1" in first.stdout and "data.npz" in first.stdout
    assert ksm(*again).stdout == first.stdout
    stored = dict(np.load("data.npz"))
    stored["x_test"][0, 0] += 1
    np.savez("data.npz", **stored)
    refused = ksm(*again)
    assert refused.exit_code == 1 and "other settings: data: data.npz (" in refused.stderr


def test_a_sweep_of_a_recipe_its_table_report_and_figures(ksm, mine):
    mine.write_text(mine.read_text().split("[rlct]")[0])
    arguments = ("sweep", "--recipe", mine, "--no-rlct")
    shown = ksm(*arguments, "--dry-run")
    assert "3 seeds" in shown.stderr and "aux weights  0, 2" in shown.stderr and "hidden       5" in shown.stderr
    done = ksm(*arguments, "--seeds", "1-2", "--workers", "1", "--quiet")
    assert done.exit_code == 0, done.output
    with Path("sweeps/mine/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["task"], row["hidden"], float(row["aux_weight"]), row["seed"]) for row in rows] == [
        ("mine", "5", weight, seed) for weight in (0, 2) for seed in ("1", "2")
    ]
    runs = sorted(str(path) for path in Path("sweeps/mine").iterdir() if path.is_dir())
    for command in (["plot", "sweeps/mine"], ["report", "sweeps/mine"], ["compare", *runs[:2]]):
        result = ksm(*command)
        assert result.exit_code == 0, result.output


@pytest.mark.filterwarnings("always::keras_selfmodel.rlct.RLCTWarning")
def test_the_rlct_of_a_saved_network_is_measured_on_a_recipes_data(ksm, mine):
    assert ksm("run", "--recipe", mine, "--out", "out", "--no-rlct", "--quiet").exit_code == 0
    arguments = ("rlct", "out/model.keras", "--recipe", mine, "--convention", "paper", "--json", "--quiet")
    result = ksm(*arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["num_samples"] == 60


def test_a_sampler_of_the_recipe_that_needs_all_data_is_refused_in_the_recipes_words_before_training(ksm, mine):
    mine.write_text(mine.read_text().replace('"paper"', '"dataset"\nsampler = "mala"\nstep_size = 0.01'))
    result = ksm("run", "--recipe", mine)
    assert result.exit_code == 1 and "epochs" not in result.output
    said = " ".join(result.stderr.split())
    assert "RLCT estimation: sampler = mala accepts draws by the loss of all data: it needs batch_size = 60." in said
    assert "--batch-size" not in said


@pytest.mark.parametrize(
    "line",
    [
        "rlct mine.keras --recipe my.toml --plot images/train/a/0.png",
        "rlct mine.keras --recipe my.toml --plot images/test/b/new.png",
        "rlct mine.keras --recipe my.toml --plot link/train/a/0.png",
        "rlct mine.keras --recipe my.toml --checkpoint net.keras",
        "rlct mine.keras --recipe my.toml --checkpoint missing/../load.py",
        "run --recipe my.toml --out images/train/c",
        "sweep --recipe my.toml --out images/train",
        "tune --recipe my.toml --out images/test",
        "run --recipe python.toml --out load.py/run",
    ],
)
def test_no_output_replaces_what_a_recipe_names_or_lies_in_its_folder_of_images(ksm, line):
    image = pytest.importorskip("PIL.Image")
    for split, label in itertools.product(("train", "test"), "ab"):
        folder = Path("images", split, label)
        folder.mkdir(parents=True)
        for number in range(3):
            image.new("L", (4, 4), number).save(folder / f"{number}.png")
    Path("link").symlink_to("images")
    inputs = keras.Input((4, 4, 1))
    hidden = keras.layers.Dense(3, name="hidden")(keras.layers.Flatten()(inputs))
    network = keras.Model(inputs, keras.layers.Dense(2, name="logits")(hidden))
    network.save("net.keras")
    network.save("mine.keras")
    Path("load.py").write_text("def load():\n    raise ValueError\n")
    Path("my.toml").write_text('name = "mine"\n[data]\nimages = "images"\n[model]\nkeras = "net.keras"\n')
    Path("python.toml").write_text('name = "mine"\n[data]\npython = "load.py:load"\n')
    if "load.py" in line and "missing" in line:
        line = line.replace("my.toml", "python.toml")
    before = {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}
    result = ksm(*line.split())
    assert result.exit_code == 2, result.output
    assert {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("command", ["compress", "observer"])
def test_what_looks_into_runs_writes_nothing_into_the_images_of_their_recipe(ksm, command):
    image = pytest.importorskip("PIL.Image")
    for split, label in itertools.product(("train", "test"), "ab"):
        Path("images", split, label).mkdir(parents=True)
        image.new("L", (4, 4), 7).save(Path("images", split, label, "0.png"))
    Path("my.toml").write_text('name = "mine"\n[data]\nimages = "images"\n')
    run = made_up_run(10.0, 1)
    written(dataclasses.replace(run, recipe=dataclasses.replace(run.recipe, task="mine")), Path("runs/one"))
    result = ksm(command, "runs", "--recipe", "my.toml", "--out", "images/train/c")
    assert result.exit_code == 2 and "--out must not replace what my.toml names" in " ".join(result.stderr.split())


def test_a_run_is_not_made_of_a_folder_of_runs(ksm, mine):
    made = ksm("run", "--recipe", mine, "--no-rlct", "--quiet", "--out", "together/one")
    assert made.exit_code == 0, made.output
    refused = ksm("run", "--recipe", mine, "--no-rlct", "--quiet", "--out", "together")
    assert refused.exit_code == 1 and not Path("together/config.json").exists()
    assert "together is a folder of runs, such as one, and cannot be a run itself." in refused.stderr
    assert "(--out DIR)" in refused.stderr
