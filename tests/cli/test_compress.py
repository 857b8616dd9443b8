import csv
import errno
import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_selfmodel.compression.corruptions import CORRUPTIONS
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.models import mlp
from ksm_cli.tables.compression import NOT_MEASURED_TITLES, not_measured_sentence
from tests.studies.made_up import made_up_run, network_written

FEW = ("--test-samples", "20", "--noise-draws", "1", "--retrain", "1", "-q")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """AW 0 and 10 and dropout 0.5, two seeds; compressed by the first test that asks."""
    folder = tmp_path_factory.mktemp("compress") / "runs"
    # The test samples of `tiny_mnist`, learned by heart, so that there is something to lose.
    images = np.random.default_rng(0).integers(0, 256, (120, 28, 28, 1), dtype=np.uint8)[100:]
    x, y = images.reshape(20, 784) / 127.5 - 1, np.arange(20) % 10
    for objective, weight in (("self-modeling", 0.0), ("self-modeling", 10.0), ("dropout", 0.5)):
        for seed in (1, 2):
            network = mlp(3, seed=seed + int(weight))
            network.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            network.fit(x, y, epochs=40, batch_size=20, verbose=0)
            result = made_up_run(
                weight, seed, hidden=3, objective=objective, accuracy=0.97 - 0.002 * weight, rlct=50.0 + seed + weight
            )
            network_written(result, network, folder / f"{objective}-{weight:g}-{seed}")
    return folder


def test_tables_fit_80_columns_and_everything_is_written(ksm, made, tiny_mnist, monkeypatch):
    monkeypatch.chdir(made.parent)
    result = ksm("compress", "runs", *FEW)
    assert result.exit_code == 0 and result.stderr == ""
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    text = " ".join(result.stdout.split())
    for words in (
        "mnist, H = 3: self-modeling minus baseline",
        "weights, retrained / %",
        "minus dropout at the same accuracy",
        "Spearman's ρ",
    ):
        assert words in text
    assert "AW 10: more parameter-efficient than baseline?" in text
    assert len((made / "compress" / "compression.csv").read_text().splitlines()) == 1 + 6
    assert (made / "compress" / "compression.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(made.rglob("compression.json"))) == 6


def test_a_table_on_standard_output_is_alone_there(ksm, made, tiny_mnist, capfd):
    result = ksm("compress", made, *FEW, "--csv", "/dev/stdout")
    assert result.exit_code == 0 and result.stdout == ""
    rows = list(csv.DictReader(capfd.readouterr().out.splitlines()))
    assert len(rows) == 6 and all(float(row["accuracy"]) > 0 for row in rows)


def test_json_holds_groups_comparisons_and_networks(ksm, made, tiny_mnist):
    result = ksm("compress", made, *FEW, "--json", "--out", "elsewhere", "--csv", "table.csv")
    values = json.loads(result.stdout)
    assert values["protocol"] == {"samples": 20, "draws": 1, "seed": 0, "retraining_epochs": 1}
    assert {row["objective"] for row in values["networks"]} == {"self-modeling", "dropout"}
    assert {one["reference"] for one in values["comparisons"]} == {"baseline", "dropout"}
    assert len(values["groups"]) == 4 and values["figures"] == ["elsewhere/compression.png"]
    assert Path("table.csv").exists() and not Path("elsewhere/compression.csv").exists()


def test_the_report_shows_what_was_compressed(ksm, made, tiny_mnist):
    ksm("compress", made, *FEW)
    assert ksm("report", made, "--out", "page.html").exit_code == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Compressed networks: mnist, H = 3" in page and "weight noise" in page
    for file in made.rglob("compression.json"):
        file.rename(file.with_suffix(".moved"))
    ksm("report", made, "--out", "page.html")
    assert "Compressed networks" not in Path("page.html").read_text(encoding="utf-8")
    for file in made.rglob("compression.moved"):
        file.rename(file.with_suffix(".json"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--test-samples", "21"), 1, "at most the 20 test samples that the data have. Received: --test-samples 21"),
        (("--test-samples", "1"), 2, "--test-samples"),
        (("--noise-draws", "0"), 2, "--noise-draws"),
        (("runs2",), 2, "runs2"),
    ],
)
def test_what_cannot_be_is_refused(ksm, made, tiny_mnist, arguments, code, words):
    result = ksm("compress", made, *arguments)
    assert result.exit_code == code and words in " ".join(result.stderr.split())


def test_what_was_not_measured_is_said_in_words():
    assert {f"input_{kind}" for kind in CORRUPTIONS} < set(NOT_MEASURED_TITLES)
    reason = "the inputs are not images (float32, shape (4,))"
    assert not_measured_sentence("input_blur", reason) == f"Blur was not measured: {reason}."
    assert not_measured_sentence("int8", "Why.") == "Quantization to int8 was not measured: Why."


def test_several_folders_need_one_for_the_result(ksm, made, tiny_mnist):
    result = ksm("compress", made / "dropout-0.5-1", made / "dropout-0.5-2")
    assert result.exit_code == 2 and "--out" in result.stderr


@pytest.mark.filterwarnings("always::keras_selfmodel.experiments.RunWarning")
def test_a_damaged_network_is_left_out_and_what_was_found_of_another_is_found_again(ksm, made, tiny_mnist):
    ksm("compress", made, *FEW)
    lost, again, unread = (made / name for name in ("self-modeling-0-1", "self-modeling-10-1", "dropout-0.5-1"))
    kept = {file: file.read_bytes() for file in made.rglob("*") if file.is_file()}
    (lost / "model.keras").write_bytes(kept[lost / "model.keras"][:700])
    (again / "compression.json").write_text("{")
    (unread / "metrics.json").write_text("{}")
    try:
        result = ksm("compress", made, *FEW, "--json", "--out", "elsewhere")
        assert result.exit_code == 0, result.stderr
        said = " ".join(result.stderr.split())
        assert {row["run"] for row in json.loads(result.stdout)["networks"]} == {
            folder.name for folder in {file.parent for file in kept if file.name == "model.keras"} - {lost, unread}
        }
        for file, word in ((lost / "model.keras", "Left out"), (unread / "metrics.json", "Left out")):
            assert str(file) in said and word in said
        assert f"{again / 'compression.json'} is damaged" in said and "The network is compressed again." in said
        assert (again / "compression.json").read_bytes() == kept[again / "compression.json"]
        for file in made.rglob("model.keras"):
            file.write_bytes(b"")
        assert "No network of these runs can be read." in ksm("compress", made, *FEW, "--out", "elsewhere").stderr
    finally:
        for file, content in kept.items():
            file.write_bytes(content)


@pytest.mark.filterwarnings("always::keras_selfmodel.experiments.RunWarning")
def test_numbers_are_shown_also_of_runs_whose_folder_is_protected(ksm, made, tiny_mnist, monkeypatch):
    def refused(files, name, *_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(files.path / name))

    monkeypatch.setattr(RunFolder, "write", refused)
    few = (*FEW[:-1], "--seed", "3")
    result = ksm("compress", made / "dropout-0.5-1", made / "dropout-0.5-2", *few, "--out", "there")
    assert result.exit_code == 1 and "weights, retrained / %" in result.stdout
    assert Path("there/compression.csv").exists() and Path("there/compression.png").exists()
    for run in ("dropout-0.5-1", "dropout-0.5-2"):
        assert f"Error: {made / run / 'compression.json'}: Read-only file system." in result.stderr
    assert "--out" not in result.stderr


@pytest.mark.parametrize(
    ("csv", "out", "words"),
    [
        ("c/compression.png", "c", "--csv must not be a figure that is drawn in c. Received: 'c/compression.png'."),
        ("c/../c/compression-12.png", "c", "--csv must not be a figure"),
        ("runs/compress/compression.png", None, "--csv must not be a figure"),
        ("c", "c", "--csv and --out must be different files. Received: 'c' for both."),
        ("c", "c/d", "--csv is a file, and --out would lie in it. Received: 'c' and 'c/d'."),
    ],
)
def test_the_table_is_not_where_the_figures_are(ksm, csv, out, words):
    Path("runs").mkdir()
    result = ksm("compress", "runs", "--csv", csv, *([] if out is None else ["--out", out]))
    assert result.exit_code == 2 and words in " ".join(result.stderr.split())
    assert list(Path().glob("c*")) in ([], [Path("cache")])
