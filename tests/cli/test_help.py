import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

import keras_selfmodel
from keras_selfmodel.datasets.catalog import KNOWN
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.reporting import FORMATS
from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.samplers import SAMPLERS
from ksm_cli.data import NAMES
from ksm_cli.main import main
from ksm_cli.plot import FORMATS as PLOT_FORMATS
from ksm_cli.rlct import SAMPLER_NAMES, rlct
from ksm_cli.run import TASK_NAMES, run

COMMANDS = ("", "run", "sweep", "compare", "plot", "report", "rlct", "data", "doctor")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal_and_has_an_example(ksm, command):
    result = ksm(*command.split(), "--help")
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert f"ksm {command}".strip() in result.stdout.split("Example", 1)[1]


def test_every_command_is_tried_here():
    assert set(main.commands) == set(COMMANDS) - {""}


def test_help_imports_neither_keras_nor_a_backend():
    program = f"""
import sys
from click.testing import CliRunner
from ksm_cli.main import main
for command in {COMMANDS}:
    assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0
heavy = {{"keras", "numpy", "jax", "tensorflow", "torch", "rich", "matplotlib", "keras_selfmodel"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_program_is_installed_as_ksm():
    (script,) = [entry for entry in entry_points(group="console_scripts") if entry.name == "ksm"]
    assert script.load() is main
    program = shutil.which("ksm", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("the environment has no folder of programs beside Python")
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ksm ") and done.stderr == ""


def test_the_version_is_that_of_the_package(ksm):
    assert ksm("--version").stdout == f"ksm, version {keras_selfmodel.__version__}\n"


def test_the_names_on_the_command_line_are_those_of_the_package():
    assert set(TASK_NAMES) == set(TASKS)
    assert NAMES == tuple(KNOWN)
    assert PLOT_FORMATS == FORMATS


def _help(command: click.Command, name: str) -> str:
    return next(parameter.help for parameter in command.params if parameter.name == name)


def test_the_defaults_that_the_help_of_run_names_are_those_of_the_recipe():
    recipe = TASKS["mnist"].recipe
    for name, text in {
        "hidden": f"Paper: {recipe.hidden}.",
        "aux_weight": f"Default: {recipe.aux_weight:g}.",
        "targets": f"Default: {', '.join(recipe.targets)}.",
        "epochs": f"Paper: {recipe.epochs}.",
        "batch_size": f"Paper: {recipe.batch_size}.",
        "seed": f"Default: {recipe.seed}.",
    }.items():
        assert _help(run, name).endswith(text)


@pytest.mark.parametrize("name", ["thinning", "batch_size"])
def test_the_defaults_that_the_help_of_rlct_names_are_those_of_both_conventions(name):
    default, paper = getattr(SamplingSettings(), name), getattr(TASKS["mnist"].recipe.rlct, name)
    assert default == paper
    assert _help(rlct, name).endswith(f"Default: {default:g}.")


@pytest.mark.parametrize("name", ["num_chains", "num_draws", "burn_in"])
def test_the_defaults_that_differ_between_the_conventions_are_both_named(name):
    default, paper = getattr(SamplingSettings(), name), getattr(TASKS["mnist"].recipe.rlct, name)
    assert _help(rlct, name).endswith(f"Default: {default}; paper {paper}.")


def test_the_defaults_that_depend_on_the_data_are_described():
    default, paper = SamplingSettings(), TASKS["mnist"].recipe.rlct
    assert default.step_size is None and default.localization is None and paper.step_size == 1e-4
    assert _help(rlct, "step_size").endswith("Default: from the curvature; paper 1e-4.")
    assert _help(rlct, "localization").endswith(f"Default: nβ/2000, at least 1; paper {paper.localization:g}.")
    assert default.localization_for(1000) == 1
    assert default.localization_for(10**6) == pytest.approx(default.inverse_temperature_for(10**6) / 2000)


def test_every_sampler_can_be_chosen():
    assert tuple(SAMPLERS) == SAMPLER_NAMES
