"""The package as it is installed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import keras

import keras_selfmodel as ksm

ROOT = Path(__file__).resolve().parent.parent


def test_every_folder_with_code_is_packaged():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    installed_as = {"keras_selfmodel": "keras_selfmodel", "cli": "ksm_cli"}
    folders = [init.parent.relative_to(ROOT) for top in installed_as for init in (ROOT / top).rglob("__init__.py")]
    assert set(listed) == {".".join((installed_as[top], *rest)) for top, *rest in (folder.parts for folder in folders)}


def test_importing_the_package_loads_no_program_and_no_other_backend():
    backends = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}
    others = [module for name, module in backends.items() if name != keras.config.backend()]
    code = (
        "import sys, keras_selfmodel; "
        f"print([m for m in ['click', 'arviz', 'keras_tuner', 'tensorflow_datasets', *{others}] "
        "if m in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_who_imports_the_rlct_alone_has_the_shortcuts_of_the_packages_above_it():
    code = "import sys, keras_selfmodel.rlct; print('keras_selfmodel.words' in sys.modules)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "True"


def test_public_names_exist():
    for module in (ksm, ksm.callbacks, ksm.layers, ksm.metrics, ksm.models, ksm.rlct, ksm.initializers, ksm.words):
        for name in module.__all__:
            assert getattr(module, name) is not None
