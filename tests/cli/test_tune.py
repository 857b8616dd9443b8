import csv
import importlib.util
import json
from pathlib import Path

import pytest

from keras_selfmodel._installation import installing
from keras_selfmodel.experiments import TASKS, Recipe, clipped_to
from keras_selfmodel.tuning import OneOf, Range
from ksm_cli.commands.tune import PRICES
from ksm_cli.options.searched import search_values

pytestmark = pytest.mark.usefixtures("without_figures")

SMALL = ("--hidden", "3,4", "--aux-weight", "0,2", "--batch-size", "32", "--epochs", "1", "--search", "random")
FEW = (
    *SMALL,
    "--learning-rate",
    "0.01:0.1",
    "--trials",
    "3",
    "--no-rlct",
    "--score",
    "spread",
    "--out",
    "tuning/mnist",
)


def test_a_search_ends_in_the_front_and_the_test_accuracy(ksm, tiny_mnist):
    result = ksm("tune", "mnist", *FEW)
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.output.splitlines()) <= 80
    assert "trials 3/3 trial_2: accuracy" in result.stderr
    values = json.loads(Path("tuning/mnist/trials.json").read_text())
    assert f"{values['test_accuracy']:.4f} on the test data" in result.stdout
    assert "best score, accuracy − 0.1 · weight spread" in result.stdout
    shown = {line.split()[0].rstrip("*") for line in result.stdout.splitlines() if line.strip()}
    on_front = {trial["trial"] for trial in values["trials"] if trial["on_front"]}
    assert {trial["trial"] for trial in values["trials"] if trial["trial"][6:] in shown} == on_front
    with Path("tuning/mnist/trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["batch_size"] for row in rows} == {"32"} and {row["hidden"] for row in rows} <= {"3", "4"}
    assert values["searched"] == {"hidden": "3, 4", "aux_weight": "0, 2", "learning_rate": "0.01 … 0.1"}

    again = ksm("tune", "mnist", *FEW, "--json", "--quiet")
    assert again.stderr == ""
    assert {"format": 1, **json.loads(again.stdout)} == {**values, "folder": "tuning/mnist"}
    compared = ksm("compare", "tuning/mnist/trial_0", "tuning/mnist/trial_1", "--json")
    accuracies = json.loads(compared.stdout)["measures"]["accuracy"]["values"]
    assert accuracies == [trial["validation_accuracy"] for trial in values["trials"][:2]]


def test_an_interrupted_search_says_how_it_goes_on(ksm, tiny_mnist, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_selfmodel.experiments.sweeps.performing.run", interrupt)
    result = ksm("tune", "mnist", *FEW)
    assert result.exit_code == 1 and "To continue the search in tuning/mnist" in result.stderr


def test_without_keras_tuner_it_says_how_to_get_it(ksm, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "keras_tuner" else find_spec(name, *rest)
    )
    result = ksm("tune", "mnist")
    assert result.exit_code == 1
    assert f"needs keras_tuner: {installing('tune')}" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--hidden", "x"), "64, 64,128 or 64:512"),
        (("--hidden", "1:2:3"), "--hidden: a range is two numbers above 0, the smaller one first. Received: '1:2:3'"),
        (("--hidden", "8:4"), "the smaller one first. Received: '8:4'"),
        (("--aux-weight", "0:1"), "two numbers above 0"),
        (("--aux-weight", "1,1"), "all be different"),
        (("--learning-rate", "nan"), "finite"),
        (("--batch-size", "0"), "at least 1"),
        (("--targets", "hidden,hidden"), "--targets"),
        (("--targets", "hidden", "--targets", "other"), "given twice"),
        (("--targets", "hidden+"), "has no name"),
        (("--also", "momentum"), "momentum=0,0.9"),
        (("--also", "name=a,b"), "momentum=0,0.9"),
        (("--also", "momentum=x"), "--also momentum"),
        (("--no-rlct",), "--score spread or accuracy"),
        (("--validation", "1"), "--validation"),
    ],
)
def test_values_that_cannot_be_searched_are_refused(ksm, tiny_mnist, options, said):
    result = ksm("tune", "mnist", *options)
    assert result.exit_code == 2 and said in result.stderr


def test_one_value_a_list_and_a_range_are_distinguished():
    assert search_values("64", int, "", least=1) == 64
    assert search_values("64,128", int, "", least=1) == OneOf((64, 128))
    assert search_values("0.1:10", float, "", least=0) == Range(0.1, 10.0)
    assert search_values(None, int, "", least=1) is None


def _searched(ksm, monkeypatch, *options) -> tuple[Recipe, dict, object]:
    found = []

    def stop(recipe, dataset, folder, *, settings, score, **_):
        found.append((recipe, settings, score))
        raise ValueError("stopped here")

    monkeypatch.setattr("keras_selfmodel.tuning.tune", stop)
    assert "stopped here" in ksm("tune", *options).stderr
    return found[0]


def test_without_options_the_search_is_around_the_papers_settings(ksm, tiny_mnist, monkeypatch):
    recipe, settings, score = _searched(ksm, monkeypatch, "mnist")
    # Of the 100 samples a tenth is held out.
    assert recipe == clipped_to(TASKS["mnist"].recipe, 90) != TASKS["mnist"].recipe
    # The paper's auxiliary weights in its figures are 0, 1, 5, 10, 20 and 50.
    assert settings["aux_weight"] == OneOf((0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0))
    assert settings["hidden"] == Range(64, 512) and settings["batch_size"] == OneOf((128, 256, 512))
    assert settings["learning_rate"] == Range(0.0005, 0.05) and "targets" not in settings
    assert score.price == PRICES["rlct"]["paper"]


def test_one_value_is_taken_and_not_searched(ksm, tiny_mnist, monkeypatch):
    options = (
        "--hidden",
        "64",
        "--aux-weight",
        "5",
        "--targets",
        "hidden",
        "--batch-size",
        "64,128",
        "--also",
        "momentum=0,0.5",
    )
    recipe, settings, _ = _searched(ksm, monkeypatch, "mnist", *options)
    assert (recipe.hidden, recipe.aux_weight, recipe.targets) == (64, 5.0, ("hidden",))
    assert settings == {
        "learning_rate": Range(0.0005, 0.05),
        "batch_size": OneOf((64, 128)),
        "momentum": OneOf((0.0, 0.5)),
    }
    words = _searched(ksm, monkeypatch, "mnist", "--also", "optimizer=sgd,adam", "--also", "momentum=0.5")
    assert words[0].momentum == 0.5 and words[1]["optimizer"] == OneOf(("sgd", "adam"))
    assert recipe.rlct.batch_size == 90  # The same for all trials, or their RLCTs could not be compared.
