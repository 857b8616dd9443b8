import json
from pathlib import Path

import numpy as np
import pytest

from keras_selfmodel.models import mlp
from keras_selfmodel.probes.observers import QUESTIONS, SAMPLES, ObserverProtocol
from ksm_cli.commands.observer import SOURCES
from ksm_cli.main import main
from tests.studies.made_up import made_up_run, network_written

FEW = ("--train-samples", "90", "--test-samples", "20", "--capacities", "0")


@pytest.fixture
def runs(tmp_path, tiny_mnist) -> str:
    """AW 0 and 10, two seeds."""
    for weight in (0.0, 10.0):
        for seed in (1, 2):
            network = mlp(5, seed=seed)
            network.compile("sgd", loss="mse")
            result = made_up_run(weight, seed, hidden=5)
            network_written(result, network, tmp_path / "runs" / result.folder.name)
    return "runs"


def test_the_errors_are_shown_within_80_columns_and_written(ksm, runs):
    result = ksm("observer", runs, *FEW, "-q")
    assert result.exit_code == 0 and result.stderr == ""
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "mnist, H = 5, inputs → activations: no difference beyond chance: AW 10." in result.stdout
    assert len(Path("runs/observer/observer.csv").read_text().splitlines()) == 1 + 4 * 4
    assert Path("runs/observer/observer.png").read_bytes().startswith(b"\x89PNG")


def test_controls_are_compared_at_the_same_accuracy(ksm, runs):
    for seed in (1, 2):
        network = mlp(5, seed=seed + 10)
        network.compile("sgd", loss="mse")
        result = made_up_run(0.5, seed, hidden=5, objective="dropout")
        network_written(result, network, Path(runs) / result.folder.name)
    printed = ksm("observer", runs, *FEW, "--from", "logits", "-q")
    assert printed.exit_code == 0 and max(map(len, printed.stdout.splitlines())) <= 80
    assert "self-modeling minus control" in printed.stdout
    assert printed.stdout.endswith("observer.csv, observer.png to observer-2.png\n")
    assert Path("runs/observer/observer-2.png").read_bytes().startswith(b"\x89PNG")
    assert "no difference beyond chance: strength 0.5." in " ".join(printed.stdout.split())
    values = json.loads(ksm("observer", runs, *FEW, "--from", "logits", "--json").stdout)
    (matched,) = values["matched"]
    assert (matched["control"], matched["aux_weight"], matched["capacity"]) == ("dropout", 10, 0)
    assert {row["objective"] for row in values["observations"]} == {"self-modeling", "dropout"}


def test_json_holds_the_protocol_and_every_error(ksm, runs):
    result = json.loads(ksm("observer", runs, *FEW, "--from", "logits", "--json", "--out", "here").stdout)
    assert result["protocol"]["samples"] == 90 and result["protocol"]["capacities"] == [0]
    assert {row["source"] for row in result["observations"]} == {"logits"}
    # A linear observer of two equal groups: no difference at all.
    (difference,) = [group["difference"] for group in result["groups"] if group["aux_weight"] == 10]
    assert difference["estimate"]["mean"] == 0.0
    assert all(np.isfinite(row["error"]) for row in result["observations"])


def test_another_protocol_in_the_same_folder_is_refused(ksm, runs):
    ksm("observer", runs, *FEW, "--from", "logits", "-q")
    result = ksm("observer", runs, *FEW[:-1], "0,2", "--from", "logits", "-q")
    assert (
        result.exit_code == 1
        and "capacities: [0] there, [0, 2] here. Choose another folder (--out DIR)." in result.stderr
    )


def test_more_samples_than_there_are_are_warned_of(ksm, runs):
    result = ksm("observer", runs, "--train-samples", "101")
    assert result.exit_code == 1 and "samples must be at most the 100 that the data have" in result.stderr


def test_all_samples_are_used_where_there_are_fewer_than_usual(ksm, runs):
    result = ksm("observer", runs, "--capacities", "0", "--from", "logits", "--json")
    protocol = json.loads(result.stdout)["protocol"]
    assert (protocol["samples"], protocol["held_out"]) == (100, 20)
    assert "The data have 100 training samples: all are used, not 10,000." in result.stderr
    assert "The data have 20 test samples: all are used, not 10,000." in result.stderr


@pytest.mark.filterwarnings("always::keras_selfmodel.experiments.RunWarning")
def test_a_run_without_its_network_is_left_out_and_named(ksm, runs):
    (folder, *others) = sorted(Path(runs).iterdir())
    (folder / "model.keras").unlink()
    result = ksm("observer", runs, *FEW, "-q", "--json")
    assert (
        result.exit_code == 0
        and f"Left out: {folder}/model.keras is missing: the run has no trained network." in result.stderr
    )
    assert {one["run"] for one in json.loads(result.stdout)["observations"]} == {other.name for other in others}


def test_an_interrupted_command_says_how_to_go_on(ksm, runs, monkeypatch):
    from keras_selfmodel.studies import observers

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(observers, "observe_runs", interrupted)
    monkeypatch.setattr(main, "interrupted", False, raising=False)
    result = ksm("observer", runs)
    assert result.exit_code == 1
    assert "Interrupted. To continue in runs/observer, repeat the command." in result.stderr


def test_several_folders_need_an_out(ksm, runs):
    result = ksm("observer", *sorted(Path(runs).iterdir())[:2])
    assert result.exit_code == 2 and "Give it as --out" in result.stderr


@pytest.mark.parametrize("text", ["a", "-1", "1,1"])
def test_capacities_that_cannot_be_are_wrong_usage(ksm, runs, text):
    result = ksm("observer", runs, "--capacities", text)
    assert result.exit_code == 2 and "--capacities" in result.stderr


def test_the_help_names_what_the_package_has():
    assert tuple(dict.fromkeys(question.source for question in QUESTIONS)) == SOURCES
    options = {parameter.name: parameter for parameter in main.commands["observer"].params}
    protocol = ObserverProtocol()
    for name in ("samples", "held_out"):
        assert options[name].help.endswith(f"Default: {SAMPLES}, or all if there are fewer.")
    for name in ("epochs", "batch_size", "learning_rate", "seed"):
        assert options[name].help.endswith(f"Default: {getattr(protocol, name)}.")
    assert options["capacities"].default == ",".join(map(str, protocol.capacities))
