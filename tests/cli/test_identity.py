import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from keras import layers

from keras_selfmodel import SelfModelingModel, datasets
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.models import mlp
from ksm_cli.options.stored_runs import data_of_network
from tests.studies.made_up import made_up_run, network_written


def _network(aux_weight, head=None):
    model = mlp(5, seed=1)
    if aux_weight:
        model = SelfModelingModel(model, "hidden", aux_weight, head=head, seed=1)
    model.compile("sgd", loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def trained_on(folder: Path, dataset: datasets.Dataset) -> None:
    """Notes these data in the folder of a run."""
    config = json.loads((folder / "config.json").read_text())
    config["data"] |= {"digest": dataset.digest, "examples": len(dataset.y_train)}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture
def run(tmp_path, tiny_mnist) -> str:
    model = _network(10.0)
    start = model.get_weights()
    model.head.set_weights([np.eye(5), np.zeros(5)])
    network_written(made_up_run(10.0, hidden=5, epochs=8, keep_epochs=(2,)), model, tmp_path / "run", [(2, start)])
    return "run"


def test_the_epochs_are_shown_within_80_columns_and_written(ksm, run):
    result = ksm("identity", run, "-q")
    assert result.exit_code == 0 and result.stderr == ""
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "The self-model is the identity map" in result.stdout
    rows = Path("run/identity.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,distance,") and [row.split(",")[0] for row in rows[1:]] == ["2", "8"]
    assert Path("run/figures/identity.png").read_bytes().startswith(b"\x89PNG")


def test_json_is_what_is_written(ksm, run):
    result = json.loads(ksm("identity", run, "--json").stdout)
    (one,) = result["runs"]
    assert one.pop("run") == "run"
    assert {"format": 1, **one} == json.loads(Path("run/identity.json").read_text())
    assert [epoch["epoch"] for epoch in one["epochs"]] == [2, 8]
    assert one["epochs"][1]["identity"]["distance"] == 0.0


def test_several_runs_have_a_row_each_and_the_missing_weights_are_noted(ksm, run, tmp_path):
    network_written(made_up_run(0.0, hidden=5), _network(0.0), tmp_path / "baseline")
    result = ksm("identity", run, "baseline", "-q")
    assert result.exit_code == 0 and max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "1 of 2 runs kept no weights" in result.stderr
    assert "ksm run mnist --hidden 5 --aux-weight 0 --seed 1 --keep-epochs geometric" in result.stderr


def test_another_head_is_an_error(ksm, tmp_path, tiny_mnist):
    network_written(made_up_run(1.0, hidden=5), _network(1.0, layers.Dense(5, activation="relu")), tmp_path / "run")
    result = ksm("identity", "run", "-q")
    assert result.exit_code == 1 and "one linear map" in result.stderr


def test_other_data_are_an_error(ksm, run):
    result = ksm("identity", run, "--examples", "9", "-q")
    assert result.exit_code == 1 and "run was trained on other data" in result.stderr
    assert "Load the same data (--data-dir), and as many samples (--examples)." in result.stderr


def test_the_data_are_those_of_the_run(ksm, run, tiny_mnist):
    shutil.copytree(run, "few")
    trained_on(Path("few"), datasets.limited(tiny_mnist, 9))
    assert ksm("identity", "few", "-q").exit_code == 0
    assert ksm("identity", "few", "-q", "--examples", "9").exit_code == 0
    # The commands that look into many runs take their data from the same place.
    trained_on(Path(run), tiny_mnist)
    for command in ("identity", "observer", "compress"):
        result = ksm(command, "few", run, *([] if command == "identity" else ["--out", "out"]), "-q")
        assert result.exit_code == 2 and "runs with 9, 100" in result.stderr


def test_other_numbers_of_samples_than_a_run_recorded_are_refused_with_what_takes_fewer(ksm, run, tiny_mnist):
    trained_on(Path(run), datasets.limited(tiny_mnist, 9))
    fewer = {"identity": "--test-samples takes", "observer": "--train-samples and --test-samples take"}
    for command, options in fewer.items():
        result = ksm(command, run, "-q", "--examples", "8")
        assert result.exit_code == 2 and "trained on, 9, as it is by default." in " ".join(result.stderr.split())
        assert f"Leave it out; {options} fewer samples. Received: 8." in " ".join(result.stderr.split())


def test_a_run_of_other_data_with_as_many_samples_is_not_told_to_load_as_many(ksm, run, tiny_mnist):
    trained_on(Path(run), dataclasses.replace(tiny_mnist, digest="cd" * 32))
    result = ksm("identity", run, "-q")
    assert result.exit_code == 1 and "Load the same data (--data-dir). Received: made up" in result.stderr


def test_a_run_of_more_samples_than_are_found_is_one_of_other_data(ksm, run, tiny_mnist):
    config = json.loads(Path(run, "config.json").read_text())
    config["data"] |= {"digest": "cd" * 32, "examples": 1000}
    Path(run, "config.json").write_text(json.dumps(config))
    result = ksm("identity", run, "-q")
    assert result.exit_code == 1 and "run was trained on other data" in result.stderr


def test_rlct_measures_the_network_of_a_run_on_its_samples(run, tiny_mnist, capsys):
    few = datasets.limited(tiny_mnist, 9)
    trained_on(Path(run), few)
    file, task = Path(run) / "model.keras", TASKS["mnist"]
    assert data_of_network(file, task, None, None).digest == few.digest
    said = capsys.readouterr().err
    assert "run/model.keras was trained on the first 9 samples: the RLCT is measured on them." in said
    assert data_of_network(file, task, None, 30).digest == datasets.limited(tiny_mnist, 30).digest
    # Other networks, and runs of other data, know nothing of these.
    for content in ((Path(run) / "config.json").read_text().replace(few.digest, "cd" * 32), '{"model_type": "bert"}'):
        (Path(run) / "config.json").write_text(content)
        assert data_of_network(file, task, None, None).digest == tiny_mnist.digest
    assert capsys.readouterr().err == ""


def test_the_comparison_is_shown_even_if_a_file_cannot_be_written(ksm, run):
    (Path(run) / "identity.csv").mkdir()  # as of a disk that takes nothing
    result = ksm("identity", run, "-q")
    assert result.exit_code == 1 and "identity.csv" in result.stderr
    assert "The self-model is the identity map" in result.stdout and "files:" not in result.stdout
    assert (Path(run) / "figures/identity.png").exists()


def test_runs_of_several_tasks_are_wrong_usage(ksm, run, tmp_path):
    network_written(made_up_run(1.0, recipe=TASKS["imdb"].recipe), _network(1.0), tmp_path / "other")
    result = ksm("identity", run, "other")
    assert result.exit_code == 2 and "runs of imdb, mnist" in result.stderr


def test_a_task_of_ones_own_needs_its_recipe(ksm, tmp_path):
    network_written(made_up_run(1.0, task="mine", hidden=5), _network(1.0), tmp_path / "run")
    result = ksm("identity", "run")
    assert (
        result.exit_code == 2
        and "'mine' is not a built-in task. If it is a custom one, pass its file with --recipe." in result.stderr
    )


@pytest.mark.filterwarnings("always::keras_selfmodel.experiments.RunWarning")
def test_a_damaged_run_of_several_is_left_out_and_named(ksm, run, tmp_path):
    shutil.copytree(run, "other")
    for file in ("model.keras", "metrics.json"):
        (tmp_path / "other" / file).write_text("{")
        result = ksm("identity", "other", run, "--json")
        assert result.exit_code == 0 and f"Left out: other/{file} is damaged: " in result.stderr
        assert [one["run"] for one in json.loads(result.stdout)["runs"]] == [run]
    assert ksm("identity", "other").exit_code == 1
    shutil.copytree(run, "third")
    (tmp_path / "third" / "config.json").unlink()  # which says what data they were
    result = ksm("identity", "third", run, "--json")
    assert result.exit_code == 0 and (
        "Left out: third/config.json is missing: it is not known what data the network was trained on." in result.stderr
    )


@pytest.mark.filterwarnings("always::keras_selfmodel.experiments.run_store.RunWarning")
def test_an_unfinished_run_is_left_out(ksm, run):
    shutil.copytree(run, "cut")
    Path("cut/metrics.json").unlink()
    result = ksm("identity", run, "cut", "--json")
    assert result.exit_code == 0 and "Left out: cut holds an unfinished run." in result.stderr
    assert [one["run"] for one in json.loads(result.stdout)["runs"]] == [run]
    alone = ksm("identity", "cut")
    assert alone.exit_code == 1 and "Error: None of these folders holds a finished run" in alone.stderr


@pytest.mark.parametrize(("text", "kept"), [("geometric", [0, 1, 2]), ("1", [1]), ("0-2", [0, 1, 2])])
def test_run_keeps_the_epochs_asked_for(ksm, tiny_mnist, text, kept):
    options = ["--hidden", "5", "--epochs", "2", "--batch-size", "50", "--no-rlct", "--out", "kept", "-q"]
    assert ksm("run", "mnist", *options, "--keep-epochs", text).exit_code == 0
    config = json.loads(Path("kept/config.json").read_text())
    assert config["recipe"]["keep_epochs"] == kept
    if text == "geometric":
        assert [one["epoch"] for one in json.loads(ksm("identity", "kept", "--json").stdout)["runs"][0]["epochs"]] == [
            0,
            1,
            2,
        ]


@pytest.mark.parametrize("text", ["3", "often", "-1", "1,1"])
def test_epochs_that_cannot_be_kept_are_wrong_usage(ksm, tiny_mnist, text):
    result = ksm("run", "mnist", "--epochs", "2", "--keep-epochs", text)
    assert result.exit_code == 2 and "epochs" in result.stderr
    assert not Path("runs").exists()
