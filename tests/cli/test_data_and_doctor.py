import json
import subprocess
import sys
from importlib.metadata import version

import keras
import pytest
from click.testing import CliRunner

from keras_selfmodel.datasets import catalog
from ksm_cli.main import main
from tests.without import environment_without


def test_data_lists_what_is_missing_and_how_to_get_it(ksm):
    result = ksm("data")
    assert result.exit_code == 0 and result.stderr == ""
    for name in ("mnist", "cifar10", "imdb"):
        assert f"ksm data --prepare {name}" in result.stdout
    table = result.stdout.split("folder:")[0]
    assert max(len(line) for line in table.splitlines()) <= 80


def test_data_lists_what_is_there(ksm, tmp_path):
    folder = tmp_path / "tfds" / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "features.json").write_text("{}")
    splits = [{"name": "train", "shardLengths": ["60000"]}, {"name": "test", "shardLengths": ["10000"]}]
    (folder / "dataset_info.json").write_text(json.dumps({"splits": splits}))
    for split in ("train", "test"):
        (folder / f"mnist-{split}.array_record-00000-of-00001").write_bytes(b"")
    result = ksm("data")
    assert "60,000" in result.stdout and "10,000" in result.stdout
    assert "--prepare mnist" not in result.stdout
    mnist = json.loads(ksm("data", "--json").stdout)[0]
    assert (mnist["name"], mnist["prepared"], mnist["train_examples"]) == ("mnist", True, 60000)
    assert mnist["folder"] == str(folder)


def test_data_says_that_a_folder_does_not_exist(ksm):
    assert "The folder tfsd does not exist." in ksm("data", "--data-dir", "tfsd").stdout


def test_without_a_network_preparing_fails_soon_and_says_why(ksm):
    result = ksm("data", "--prepare", "mnist")
    assert (result.exit_code, result.stdout) == (1, "")
    assert catalog.KNOWN["mnist"].url in result.stderr


def test_data_knows_no_other_names(ksm):
    result = ksm("data", "--prepare", "svhn")
    assert result.exit_code == 2 and "'cifar10'" in result.stderr


def test_doctor_names_backend_versions_and_data(ksm):
    result = ksm("doctor")
    assert result.exit_code == 0 and result.stderr == ""
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if not line.startswith("data "))
    assert lines["backend"] == f"{keras.config.backend()} (chosen by: KERAS_BACKEND)"
    assert lines["keras"] == keras.__version__ and lines["devices"]
    assert "data mnist           not found: see ksm data" in result.stdout


def test_doctor_speaks_json(ksm):
    report = json.loads(ksm("doctor", "--json").stdout)
    assert report["backend"] == keras.config.backend()
    assert report["backends"][report["backend"]] is not None
    assert report["packages"]["click"] == version("click")
    assert report["data"] == {"mnist": None, "cifar10": None, "imdb": None}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights")
@pytest.mark.parametrize("asked", [None, "tensorflow"])
def test_doctor_shows_what_there_is_without_a_backend_and_what_to_install(asked, tmp_path):
    environment = environment_without({"jax", "tensorflow", "torch", "keras"}, tmp_path / "packages")
    environment |= {} if asked is None else {"KERAS_BACKEND": asked}
    command = [sys.executable, "-S", "-c", "from ksm_cli.main import main; main(prog_name='ksm')", "doctor"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if not line.startswith("data "))
    assert lines["backend"].startswith("No backend is installed. Install one of jax, tensorflow, torch: pip install ")
    assert lines["keras"] == version("keras") and lines["numpy"] == version("numpy")
    assert lines["python"] == ".".join(map(str, sys.version_info[:3])) and lines["platform"]
    assert "data mnist " in result.stdout and result.stderr == ""
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, env=environment, check=True)
    report, usual = json.loads(told.stdout), CliRunner().invoke(main, ["doctor", "--json"])
    assert (report["backend"], report["devices"], report["chosen_by"]) == (None, [], None)
    assert report.keys() == json.loads(usual.stdout).keys()
