import dataclasses
import errno
import importlib
import json
import math
import os
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_selfmodel import SelfModelingModel, experiments
from keras_selfmodel.models import mlp
from keras_selfmodel.rlct import Descent, LocalizationProfile, RLCTSummary, SamplingSettings, room_for_chains
from ksm_cli.estimates import beside_the_run
from ksm_cli.output import print_table
from ksm_cli.tables.rlct import profile_table

# So short a chain is rightly warned about, and so is a network that was never trained.
pytestmark = pytest.mark.filterwarnings("always::keras_selfmodel.rlct.RLCTWarning")

QUICK = ("--data", "mnist", "--chains", "2", "--draws", "6", "--burn-in", "2", "--batch-size", "20")


@pytest.fixture
def saved(tmp_path):
    """Saves a model and returns its file."""

    def save(model: keras.Model):
        model.save(tmp_path / "model.keras")
        return tmp_path / "model.keras"

    return save


def _reject(constant):
    raise AssertionError(f"JSON holds {constant}")


@pytest.mark.every_backend
def test_an_estimate_is_a_table_that_fits_a_terminal(ksm, saved, tiny_mnist):
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "RLCT ± standard error" in result.stdout and "\x1b" not in result.output
    assert f"{100 / math.log(100):.1f}" in result.stdout  # nβ = n/ln n of 100 training images
    assert "RLCT 8/8" in result.stderr  # 2 steps of burn-in and 6 draws


def test_what_one_chain_cannot_say_is_left_out(ksm, saved, tiny_mnist):
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--chains", "1", "--draws", "3", "--burn-in", "0")
    assert result.exit_code == 0 and "nan" not in result.stdout
    rows = dict(re.findall(r"│ (.*?) +│ +(.*?) │", result.stdout))
    assert re.fullmatch(r"−?\d+\.\d{3}", rows["RLCT ± standard error"])
    assert (rows["  from sampling alone"], rows["R̂, effective draws"]) == ("–", "–, –")


def test_the_options_reach_the_estimate(ksm, saved, tiny_mnist):
    options = (
        "--convention",
        "paper",
        "--step-size",
        "1e-5",
        "--localization",
        "50",
        "--thinning",
        "2",
        "--seed",
        "4",
    )
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, *options, "--json", "--quiet")
    printed = json.loads(result.stdout, parse_constant=_reject)
    chosen = {
        "convention": "paper",
        "sampler": "sgld",
        "step_size": pytest.approx(1e-5),  # that of the draws, in float32
        "localization": 50.0,
        "num_chains": 2,
        "num_draws": 6,
        "burn_in": 2,
        "thinning": 2,
        "batch_size": 20,
        "seed": 4,
        "inverse_temperature": pytest.approx(20 / math.log(20)),
        "control_variate": False,
    }
    assert {name: printed[name] for name in chosen} == chosen
    # What run folders hold of an estimate, and what is asked for here alone.
    assert {field.name for field in dataclasses.fields(RLCTSummary)} == set(printed) - {
        *("data", "observed", "precision", "profile", "sensitivity")
    }
    assert printed["num_parameters"] == 784 * 4 + 4 + 4 * 10 + 10
    assert (printed["num_samples"], len(printed["chain_values"])) == (100, 2)
    assert printed["data"] == {"source": "made up", "digest": tiny_mnist.digest}


def test_chains_that_fit_no_memory_can_be_sampled_some_at_once(ksm, saved, tiny_mnist, monkeypatch):
    file = saved(mlp(4, seed=1))
    # A chain of 3,190 weights needs 40 kB at the least, and some for its batches.
    monkeypatch.setattr(room_for_chains, "_memory", lambda: 1e6)
    refused = ksm("rlct", file, *QUICK, "--chains", "50", "--quiet")
    assert refused.exit_code == 1
    said = " ".join(refused.stderr.split())
    assert "at most 1 of them at once (--chains-at-once). Received: --chains 50" in said
    assert ksm("rlct", file, *QUICK, "--chains", "3", "--chains-at-once", "1", "--quiet").exit_code == 0


def test_of_a_self_modeling_network_the_classifier_is_measured(ksm, saved, tiny_mnist):
    plain, wrapped = mlp(4, seed=1), SelfModelingModel(mlp(4, seed=1), "hidden", 5.0)
    results = [ksm("rlct", saved(model), *QUICK, "--json", "--quiet").stdout for model in (plain, wrapped)]
    assert results[0] == results[1]


def test_an_estimate_that_is_not_a_number_is_null_and_warned_of(ksm, saved, tiny_mnist):
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--step-size", "1e30", "--json", "--quiet")
    assert json.loads(result.stdout, parse_constant=_reject)["value"] is None
    assert "Warning: The loss is not finite" in result.stderr


def test_one_chain_has_no_standard_error(ksm, saved, tiny_mnist):
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--chains", "1", "--json")
    assert json.loads(result.stdout, parse_constant=_reject)["std_error"] is None
    assert "Warning: One chain" in result.stderr


@pytest.mark.parametrize("shape", [(5,), (28, 28, 3), (None, 5)])
def test_a_network_for_other_inputs_is_an_error_with_both_shapes(ksm, saved, tiny_mnist, shape):
    model = keras.Sequential([keras.Input(shape), keras.layers.Dense(10)])
    result = ksm("rlct", saved(model), *QUICK)
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(shape) in result.stderr and "(28, 28, 1)" in result.stderr


def test_the_folder_of_a_run_is_answered_with_its_network(ksm, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.keras").touch()
    result = ksm("rlct", "run", *QUICK)
    said = " ".join(result.stderr.split())
    assert (
        result.exit_code == 2
        and f"'run' is a folder. To take the network in it, give {Path('run/model.keras')}." in said
    )


def _profile(values: list[float]) -> LocalizationProfile:
    count = len(values)
    numbers = np.geomspace(3180.0, 3.19, count)
    errors = np.full(count, 0.01)
    return LocalizationProfile(numbers, np.array(values), errors, *[numbers] * 3, 318.0, 1e4, 6370, 1000)


@pytest.mark.parametrize(
    ("values", "on_it"),
    [([3000.5, 24.2, 24.2, 24.2, 11.0, 10.0], ["", "yes", "yes", "yes", "", ""]), ([5.0, 9.0, 2000.0], None)],
)
def test_the_profile_fits_80_columns_and_marks_its_plateau(values, on_it, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    print_table(profile_table(_profile(values)))
    lines = capsys.readouterr().out
    rows = [line for line in lines.splitlines() if "± 0.01" in line]
    assert max(map(len, rows)) <= 80 and len(rows) == len(values)
    assert [f"{value:.2f} ± 0.01" in row for value, row in zip(values, rows, strict=True)] == [True] * len(values)
    assert ["yes" if "yes" in row else "" for row in rows] == (on_it or [""] * len(values))
    table = profile_table(_profile(values))
    assert all(column.header for column in table.columns) and ("plateau" in str(table.columns[-1].header)) == bool(
        on_it
    )


def test_a_network_with_two_inputs_is_refused(ksm, saved, tiny_mnist):
    inputs = [keras.Input((784,)), keras.Input((784,))]
    model = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Add()(inputs)))
    result = ksm("rlct", saved(model), *QUICK)
    assert result.exit_code == 1 and "one input" in result.stderr


def test_a_network_with_too_few_classes_is_refused(ksm, saved, tiny_mnist):
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(3)])
    result = ksm("rlct", saved(model), *QUICK)
    assert result.exit_code == 1 and "0 … 2" in result.stderr


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half of one"])
def test_a_file_that_is_no_model_is_named(ksm, tmp_path, tiny_mnist, content):
    file = tmp_path / "model.keras"
    file.write_bytes(content)
    result = ksm("rlct", file, *QUICK)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ") and "model.keras is not a Keras model" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.keras", "--data", "mnist"], "missing.keras"),
        ([__file__], "--data"),
        ([__file__, "--data", "cats"], "--data"),
        ([__file__, "--data", "mnist", "--step-size", "0"], "--step-size"),
        (
            [__file__, "--data", "mnist", "--step-size", "nan"],
            "--step-size must be finite",
        ),
        ([__file__, "--data", "mnist", "--localization", "-1"], "--localization"),
        ([__file__, "--data", "mnist", "--chains", "0"], "--chains"),
        ([__file__, "--data", "mnist", "--draws", "0"], "--draws"),
        ([__file__, "--data", "mnist", "--burn-in", "-1"], "--burn-in"),
        ([__file__, "--data", "mnist", "--thinning", "0"], "--thinning"),
        ([__file__, "--data", "mnist", "--batch-size", "1"], "--batch-size"),
        ([__file__, "--data", "mnist", "--seed", "-1"], "--seed"),
        ([__file__, "--data", "mnist", "--convention", "mine"], "--convention"),
    ],
)
def test_wrong_usage_is_named_and_exits_with_2(ksm, arguments, words):
    result = ksm("rlct", *arguments)
    assert result.exit_code == 2 and result.stdout == ""
    assert words in result.stderr and result.stderr.startswith("Usage: ksm rlct")


def test_the_chains_are_drawn(ksm, saved, tiny_mnist, tmp_path):
    assert ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--plot", "chains.png").exit_code == 0
    assert (tmp_path / "chains.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("always::keras_selfmodel.rlct.stored_sampling.CheckpointWarning")
def test_a_full_disk_costs_neither_the_estimate_nor_leaves_half_a_file(ksm, saved, tiny_mnist, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("keras_selfmodel.rlct.stored_sampling.np.savez", full)
    monkeypatch.setattr("keras_selfmodel.reporting.figure_files.figure_bytes", lambda *_: b"")
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--checkpoint", "chains.npz", "--json")
    assert result.exit_code == 1 and json.loads(result.stdout)["value"] is not None
    assert "Warning: chains.npz cannot be written (No space left on device): the sampling goes on" in result.stderr
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--plot", "chains.png", "--json", "--quiet")
    assert result.exit_code == 1 and json.loads(result.stdout)["value"] is not None
    assert result.stderr.endswith("Error: chains.png: No space left on device. Make room, then repeat the command.\n")
    assert not Path("chains.png").exists() and not list(Path().glob(".half-written*"))


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full")
def test_traces_that_cannot_be_written_do_not_cost_the_figure(ksm, saved, tiny_mnist):
    Path("full.nc").symlink_to("/dev/full")
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--traces", "full.nc", "--plot", "chains.png", "--quiet")
    assert result.exit_code == 1 and Path("chains.png").read_bytes().startswith(b"\x89PNG")
    assert result.stderr.endswith("Error: full.nc: No space left on device. Make room, then repeat the command.\n")


def test_a_figure_of_no_known_format_is_refused_before_the_sampling(ksm, saved):
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--plot", "chains.gif")
    assert result.exit_code == 2 and "must end in .png or .svg. Received: 'chains.gif'" in result.stderr


def test_chosen_layers_descent_and_further_data(ksm, saved, tiny_mnist):
    options = ("--layer", "logits", "--anchor", "descend", "--test-loss", "--inverse-temperature", "30")
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, *options, "--json", "--quiet")
    printed = json.loads(result.stdout, parse_constant=_reject)
    assert printed["num_parameters"] == 4 * 10 + 10
    assert printed["inverse_temperature"] == 30
    assert printed["descent"]["loss"] <= printed["descent"]["trained_loss"]
    assert printed["observed"]["test"]["value"] is not None
    table = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, *options).stdout
    assert Descent(**printed["descent"]).words in table and "excess loss on test data" in table
    assert max(len(line) for line in table.splitlines()) <= 80


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_model_that_is_cut_off_is_not_called_missing(ksm, saved, part):
    file = saved(mlp(4, seed=1))
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content))])
    result = ksm("rlct", file, *QUICK)
    assert result.exit_code == 1
    assert f"{file} is not a Keras model that can be loaded: it is not a whole .keras file" in result.stderr


def test_an_unknown_layer_is_answered_with_the_choices(ksm, saved, tiny_mnist):
    result = ksm("rlct", saved(mlp(4, seed=1)), *QUICK, "--layer", "hiden")
    assert result.exit_code == 1 and "layers hidden, logits" in result.stderr


@pytest.mark.every_backend
def test_traces_are_stored_and_a_checkpoint_is_gone_on_from(ksm, saved, tiny_mnist):
    arviz = pytest.importorskip("arviz")
    file = saved(mlp(4, seed=1))
    stored = ("--checkpoint", "chains.npz", "--json", "--quiet")
    first = json.loads(ksm("rlct", file, *QUICK, *stored, "--traces", "chains.nc").stdout)
    inference = arviz.from_netcdf("chains.nc")
    assert dict(inference.posterior.sizes) == {"chain": 2, "draw": 6}
    assert dict(inference.warmup_posterior.sizes) == {"chain": 2, "draw": 2}
    assert json.loads(ksm("rlct", file, *QUICK, *stored).stdout) == first
    other = ksm("rlct", file, *QUICK, *stored, "--seed", "5")
    assert other.exit_code == 1 and "was written by a different sampling: its seed differ" in other.stderr


def test_a_calibration_is_shown_before_the_estimate(ksm, saved, tiny_mnist, monkeypatch):
    module = importlib.import_module("keras_selfmodel.rlct.calibrating")
    for name, few in {"BURN_IN": 50, "DRAWS": 50, "MOST_DRAWS": 400}.items():
        monkeypatch.setattr(module, name, few)
    arguments = ("--data", "mnist", "--batch-size", "20", "--calibrate")
    result = ksm("rlct", saved(mlp(4, seed=1)), *arguments, "--plot", "plateau.png")
    assert result.exit_code == 0, result.stderr
    assert "Pilot runs" in result.stdout and "Burn-in " in result.stdout and "RLCT of" in result.stdout
    tables = [line for line in result.stdout.splitlines() if line.startswith(("│", "┃"))]
    assert max(map(len, tables)) <= 80
    with open("plateau.png", "rb") as file:
        assert file.read(4) == b"\x89PNG"
    refused = ksm("rlct", saved(mlp(4, seed=1)), *arguments, "--step-size", "1e-4")
    assert refused.exit_code == 2 and "--calibrate chooses the step size" in refused.stderr


def test_numbers_of_the_table_have_one_minus_sign_and_no_large_powers_of_ten():
    from keras_selfmodel._number_texts import short_number

    assert [short_number(value, 2) for value in (-474.2, 1023.0, 1.5e-6)] == ["−470", "1000", "1.5e-06"]


def test_beside_the_estimate_of_its_run_stands_whether_they_can_be_compared(ksm, tiny_mnist, monkeypatch):
    few = SamplingSettings(convention="paper", step_size=1e-4, num_chains=2, num_draws=6, burn_in=2, batch_size=20)
    recipe = dataclasses.replace(experiments.find_task("mnist").recipe, hidden=4, epochs=1, rlct=few)
    run = experiments.run(recipe, tiny_mnist, "plain")
    result = ksm("rlct", "plain/model.keras", *QUICK)
    said = "The run itself found -?[0-9.]+.* It cannot be compared with this: the run's is by the paper convention."
    assert result.exit_code == 0 and re.search(said, result.stdout.replace("−", "-"))

    def beside(file="plain/model.keras", data=tiny_mnist, **other):
        numbers = {name: getattr(run.rlct, name) for name in ("num_parameters", "inverse_temperature", "localization")}
        numbers |= other
        settings = SimpleNamespace(convention="paper", localization=numbers.pop("localization"))
        estimate = SimpleNamespace(**{"anchor": "trained", "settings": settings, **numbers})
        return beside_the_run(Path(file), estimate, data)

    assert beside().endswith(", by other chains.")
    assert beside(inverse_temperature=30.0).endswith(": the run's is at another inverse temperature.")
    settings = dataclasses.replace(recipe.rlct, localization=0.0)
    found = dataclasses.replace(run.rlct, localization=0.0)
    held = dataclasses.replace(run, recipe=dataclasses.replace(recipe, rlct=settings), rlct=found, rlct_descended=None)
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "read_run", lambda folder: held)
        assert beside(localization=0.0).endswith(", by other chains.")
    assert beside(localization=1.0).endswith(": the run's is at another localization.")
    assert beside(data=dataclasses.replace(tiny_mnist, digest="cd" * 32)).endswith(": it was measured on other data.")
    assert beside(num_parameters=10).endswith(": other weights were sampled.")
    assert beside("plain/other.keras") is beside("other/model.keras") is None
    noisy = dataclasses.replace(run, recipe=dataclasses.replace(recipe, label_noise=0.2), rlct_descended=None)
    monkeypatch.setattr(experiments, "read_run", lambda folder: noisy)
    assert beside().endswith(": it is of training data with noise, which is left out here.")
    assert beside(anchor="descend") is None
