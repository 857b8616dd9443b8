"""The package as it is installed."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import keras_selfmodel as ksm

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = ROOT / ".github" / "workflows"


def test_every_folder_with_code_is_packaged():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    installed_as = {"keras_selfmodel": "keras_selfmodel", "cli": "ksm_cli"}
    folders = [init.parent.relative_to(ROOT) for top in installed_as for init in (ROOT / top).rglob("__init__.py")]
    assert set(listed) == {".".join((installed_as[top], *rest)) for top, *rest in (folder.parts for folder in folders)}


def test_the_ban_on_backends_holds_for_every_room_but_transforms():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (listed,) = [contract["source_modules"] for contract in contracts if contract["type"] == "forbidden"]
    rooms = [
        one for one in (ROOT / "keras_selfmodel").iterdir() if one.suffix == ".py" or (one / "__init__.py").exists()
    ]
    names = {f"keras_selfmodel.{one.stem}" for one in rooms if one.stem not in ("__init__", "transforms")}
    assert set(listed) == names | {"ksm_cli"}


def test_version_and_changelog_agree_everywhere():
    version = ksm.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\] – (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.M)
    assert newest and newest[1] == version and re.fullmatch(r"\d{4}-\d\d-\d\d", newest[2])
    assert f"\nversion: {version}\ndate-released: {newest[2]}\n" in citation


@pytest.mark.skipif(not WORKFLOWS.exists(), reason="a source distribution has no workflows")
@pytest.mark.skipif(os.name == "nt", reason="the workflow runs on Linux")
@pytest.mark.parametrize(("tag", "published"), [("v1.2.0", True), ("v1.2.1", False), ("v1.2", False)])
def test_a_release_is_published_only_after_the_tests_and_with_its_own_version(tag, published, tmp_path):
    release = (WORKFLOWS / "release.yml").read_text(encoding="utf-8")
    assert re.findall(r"^  (\w+):\n    (needs|uses): (\S+)", release, re.M) == [
        ("tests", "uses", "./.github/workflows/tests.yml"),
        ("build", "needs", "tests"),
        ("publish", "needs", "build"),
    ]
    assert "\n  workflow_call:" in (WORKFLOWS / "tests.yml").read_text(encoding="utf-8")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "keras_selfmodel-1.2.0.tar.gz").touch()
    check = re.search(r"The tag is the version of the package\n +run: (.+)", release)
    environment = {**os.environ, "GITHUB_REF_NAME": tag}
    ended = subprocess.run(["bash", "-c", check[1]], cwd=tmp_path, env=environment, check=False)
    assert (ended.returncode == 0) is published


def test_lowest_txt_has_the_lower_bounds_of_what_it_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [Requirement(line) for lines in project["optional-dependencies"].values() for line in lines]
    declared += [Requirement(line) for line in project["dependencies"]]
    lines = (ROOT / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = {one.name: one for line in lines if line[0] != "#" for one in [Requirement(line)]}
    bounded = {one.name: one for one in declared if one.name != "keras-selfmodel"}
    for name, one in bounded.items():
        (lower,) = [bound.version for bound in one.specifier if bound.operator == ">="]  # Each has one.
        if name in pinned:
            (pin,) = pinned[name].specifier
            assert (pin.operator, Version(pin.version)) == ("==", Version(lower)), name
    # Other backends, a linter and a cluster are not part of that environment.
    assert set(bounded) - set(pinned) <= {"tensorflow", "torch", "ray", "ruff", "mypy"}


def test_importing_the_package_loads_no_program_and_no_other_backend():
    backends = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}
    others = [module for name, module in backends.items() if name != keras.config.backend()]
    code = (
        # Keras itself imports JAX where Orbax is installed.
        "import sys, keras; before = set(sys.modules); import keras_selfmodel; "
        f"print([m for m in ['click', 'arviz', 'keras_tuner', 'tensorflow_datasets', *{others}] "
        "if m in sys.modules and m not in before])"
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


def test_every_room_is_there_without_another_import_and_loads_only_when_asked_for():
    code = """
import sys
import keras_selfmodel as ksm
rooms = ["compression", "datasets", "experiments", "probes", "reporting", "statistics", "studies"]
print([room for room in [*rooms, "tuning"] if f"keras_selfmodel.{room}" in sys.modules])
assert set(rooms) <= set(dir(ksm)) and "tuning" in dir(ksm)
print(ksm.datasets.load.__name__, ksm.experiments.run.__name__, ksm.studies.claims.__name__)
print([room for room in rooms if not getattr(ksm, room).__all__])
print(hasattr(ksm, "nothing"))
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines() == ["[]", "load run claims", "[]", "False"]


def test_a_saved_model_loads_after_the_import_alone(tmp_path):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, "relu", name="hidden")(inputs)
    model = ksm.SelfModelingModel(keras.Model(inputs, keras.layers.Dense(2)(hidden)), "hidden", 1.0)
    model.save(tmp_path / "model.keras")
    loading = f"keras.models.load_model({str(tmp_path / 'model.keras')!r})"
    code = f"import keras, keras_selfmodel; print(type({loading}).__name__)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.split()[-1] == "SelfModelingModel"


def _asks_for_the_backend(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("keras.config.backend", "keras.backend.backend")


def _decides_by_the_backend(source: str) -> list[int]:
    """Lines that compare the backend's name, look it up or use it as a condition; naming it in a record is free."""
    tree = ast.parse(source)
    named = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _asks_for_the_backend(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def is_the_backend(node: ast.AST) -> bool:
        return _asks_for_the_backend(node) or (isinstance(node, ast.Name) and node.id in named)

    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Compare) and any(map(is_the_backend, [node.left, *node.comparators])))
        or (isinstance(node, ast.Match) and is_the_backend(node.subject))
    ]


def test_only_transforms_decides_by_the_backend():
    found = {
        str(file.relative_to(ROOT)): lines
        for file in sorted((ROOT / "keras_selfmodel").rglob("*.py"))
        if "transforms" not in file.parts and (lines := _decides_by_the_backend(file.read_text(encoding="utf-8")))
    }
    assert found == {}
    # The check sees what it looks for.
    assert _decides_by_the_backend("name = keras.backend.backend()\nif name in ('torch',): pass") == [2]


CODE = [file for room in ("keras_selfmodel", "cli", "benchmarks", "examples") for file in (ROOT / room).rglob("*.py")]


def test_no_file_of_code_is_longer_than_300_lines():
    lengths = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in CODE}
    assert len(lengths) > 300
    assert {file: length for file, length in lengths.items() if length > 300} == {}


def test_no_module_is_named_like_a_function_it_holds():
    # It would be hidden behind the function wherever a package exports that.
    alike = [
        str(file.relative_to(ROOT))
        for file in CODE
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_") == file.stem.lstrip("_")
    ]
    assert alike == ["cli/main.py"]  # the program's entry point


def test_a_public_name_is_defined_once():
    """One name, one meaning; but for what one file has for each backend, and what the help needs without Keras."""
    found: dict[str, set[str]] = {}
    for file in CODE:
        top, *rest = file.relative_to(ROOT).parts
        if top not in ("keras_selfmodel", "cli") or rest[0] == "transforms":
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            named = [getattr(one, "id", None) for one in targets] + [getattr(node, "name", None)]
            for name in named:
                if name and name[0] != "_":
                    found.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    twice = {name for name, files in found.items() if len(files) > 1}
    written_out = {"BACKENDS", "FORMATS", "SCORES", "SEARCHES"}  # the same values for the help; tests compare them
    type_variables, programs = {"T", "Result"}, {"main"}
    assert twice == written_out | type_variables | programs


def _without_types(source: str) -> list[str]:
    """Public functions, and methods of public classes, one of whose arguments or whose result has no type."""
    found = []

    def look(body: list[ast.stmt], inside: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                look(node.body, f"{node.name}.")
            elif isinstance(node, ast.FunctionDef) and (node.name[0] != "_" or node.name[:2] == "__"):
                named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                others = [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
                typed = all(one.annotation or (inside and one.arg in ("self", "cls")) for one in [*named, *others])
                if not typed or node.returns is None:
                    found.append(f"{inside}{node.name}")

    look(ast.parse(source).body, "")
    return found


def test_every_public_function_has_types():
    files = [file for file in CODE if file.relative_to(ROOT).parts[0] in ("keras_selfmodel", "cli")]
    found = {str(file.relative_to(ROOT)): _without_types(file.read_text(encoding="utf-8")) for file in files}
    assert {file: names for file, names in found.items() if names} == {}
    # The check sees what it looks for.
    assert _without_types("class A:\n  def f(self, x: int): pass\ndef g(y) -> int: pass\ndef _h(z): pass") == [
        "A.f",
        "g",
    ]


def test_the_description_of_the_package_has_no_links_that_lead_nowhere():
    # On an index of packages a relative link would be looked for beside the page.
    text = importlib.metadata.metadata("keras-selfmodel").get_payload()
    assert "## Use it in Python" in text and "(`docs/faq.md`)" in text
    assert re.findall(r"\]\((?!https?:)", text) == []
