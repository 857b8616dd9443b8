"""`--examples` asks for at most as many samples as there are, in every command that takes it."""

import pytest
from keras import Sequential, layers

from keras_selfmodel import experiments

SMALL = ("--epochs", "1", "--batch-size", "20", "--no-rlct")


@pytest.mark.parametrize(
    "command",
    [
        ("run", "mnist", "--hidden", "4", *SMALL, "--out", "out"),
        ("sweep", "mnist", "--hidden", "4", "--seeds", "1", *SMALL, "--dry-run"),
        ("sweep", "mnist", "--hidden", "4", "--seeds", "1", *SMALL, "--out", "out"),
        ("controls", "mnist", "--hidden", "4", *SMALL, "--dry-run"),
        ("rlct", "model.keras", "--data", "mnist"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_more_samples_than_there_are_are_refused_with_both_numbers(ksm, tiny_mnist, tmp_path, command):
    Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)]).save("model.keras")
    result = ksm(*command, "--examples", "101")
    said = " ".join(result.stderr.split())
    assert result.exit_code == 2 and result.stdout == "" and not (tmp_path / "out").exists()
    assert "--examples must be at most 100, the number of training samples of made up. Received: 101." in said


def test_a_search_refuses_more_samples_than_there_are(ksm, tiny_mnist, tmp_path):
    pytest.importorskip("keras_tuner", reason="Keras Tuner is not installed")
    result = ksm("tune", "mnist", "--trials", "1", "--no-rlct", "--score", "accuracy", "--examples", "101")
    assert result.exit_code == 2 and "at most 100" in result.stderr and not (tmp_path / "tuning").exists()


def test_all_samples_can_be_asked_for_by_their_number(ksm, tiny_mnist):
    assert ksm("run", "mnist", "--hidden", "4", *SMALL, "--examples", "100", "--out", "out").exit_code == 0
    assert experiments.read_run("out").config.data.examples == 100
