"""What README and docs tell a reader to type is there, and runs."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import click
import keras
import numpy as np
import pytest

from ksm_cli.main import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
PAGES = [page for page in PAGES if page.exists()]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def _commands(page: Path) -> list[list[str]]:
    lines = [line for block in _blocks(page, "sh") for line in block.splitlines()]
    parts = [part for line in lines for part in re.split(r"&&|;", line)]
    words = [shlex.split(part, comments=True) for part in parts if part.strip().startswith("ksm ")]
    return [command[1:] for command in words]


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "python")], ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_as_it_stands(page, tmp_path):
    program = tmp_path / "page.py"
    headless = "import matplotlib\nmatplotlib.use('Agg')\n"
    program.write_text(headless + "\n".join(_blocks(page, "python")), encoding="utf-8")
    finished = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    if page.stem == "README":
        # What a newcomer measures first can be trusted.
        assert re.search(r" reliable \(\)", finished.stdout), finished.stdout


PROGRAMS = {f"{page.stem} {number}": code for page in PAGES for number, code in enumerate(_blocks(page, "python"), 1)}
PROGRAMS |= {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.py")}


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in PROGRAMS.items()])
def test_a_program_for_readers_selects_the_backend_before_keras_takes_one(code):
    """Keras alone takes TensorFlow, or fails; the package takes what is installed, if it is imported first."""
    keras = re.search(r"^(import|from) keras(_hub|_tuner)?\b", code, re.M)
    selected = re.search(r"^((import|from) keras_selfmodel\b|os\.environ\[.KERAS_BACKEND.\] = )", code, re.M)
    assert keras is None or (selected and selected.start() < keras.start())


def test_the_card_of_a_shared_model_loads_what_was_uploaded_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uploaded = tmp_path / "shared-model"
    hub = SimpleNamespace(hf_hub_download=lambda *, repo_id, filename: str(uploaded / filename))
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    shared, loaded = {}, {}
    exec("\n".join(_blocks(ROOT / "docs" / "tracking.md", "python")), shared)
    card = (uploaded / "README.md").read_text(encoding="utf-8")
    exec("\n".join(re.findall("^    (.*)", card, re.M)), loaded)
    np.testing.assert_array_equal(loaded["model"].predict(shared["x"]), shared["model"].predict(shared["x"]))
    with zipfile.ZipFile(uploaded / "model.keras") as archive:
        assert b"keras_selfmodel" not in archive.read("config.json")  # whoever loads it need not install the package


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_as_it_stands(notebook, tmp_path):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    stored = ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]
    assert len(code) > 3 and stored and not any("\r" in text for text in stored)  # without bars of progress
    finished = subprocess.run(
        [sys.executable, "-c", "\n\n".join(code)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert finished.returncode == 0, finished.stderr
    if keras.config.backend() == "jax":  # which made them; the numbers depend on the machine
        printed = re.sub("[0-9]+", "#", finished.stdout)
        assert [text for text in stored if re.sub("[0-9]+", "#", text) not in printed] == []


@pytest.mark.slow
def test_the_first_command_of_the_readme_ends_in_a_number_to_be_trusted(tmp_path):
    """A minute, without data and without a network."""
    program = [sys.executable, "-c", "from ksm_cli.main import main; main()"]
    command = [*program, *_commands(ROOT / "README.md")[0], "--out", str(tmp_path / "run")]
    environment = {**os.environ, "TFDS_DATA_DIR": str(tmp_path / "empty"), "HTTPS_PROXY": "http://127.0.0.1:9"}
    subprocess.run(command, env=environment, check=True)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["rlct"]["verdict"] == "reliable" and metrics["accuracy"] > 0.85


@pytest.mark.parametrize("page", [page for page in PAGES if _commands(page)], ids=lambda page: page.stem)
def test_every_command_and_option_that_a_page_names_exists(page):
    for command in _commands(page):
        name, *words = command
        found = main.get_command(click.Context(main), name)
        assert found is not None, f"ksm {name}"
        known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.split("=")[0] for word in words if word.startswith("--") and word != "--"}
        assert used <= known | {"--help"}, f"ksm {' '.join(command)}"


def test_pages_with_commands_and_with_python_are_found():
    # The tests above would have nothing to look at.
    assert len([page for page in PAGES if _commands(page)]) > 5
    assert len([page for page in PAGES if _blocks(page, "python")]) > 3


def test_the_page_of_the_program_lists_every_command():
    text = (ROOT / "docs" / "program.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `ksm (\w+)", text, re.M)) == sorted(main.commands)
    without_json = [name for name, one in main.commands.items() if "as_json" not in {part.name for part in one.params}]
    assert without_json == ["completion"] and "all but `ksm completion` have `--json`" in text


def test_the_readme_is_short_and_its_files_are_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert links and all((ROOT / link).exists() for link in links)
