import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.core import ParameterSource

import keras_selfmodel
from keras_selfmodel.datasets.catalog import KNOWN
from keras_selfmodel.datasets.disturbing import MOST_INPUT_NOISE
from keras_selfmodel.datasets.scaling import SCALINGS
from keras_selfmodel.experiments import TASKS
from keras_selfmodel.models.precision import PRECISIONS
from keras_selfmodel.reporting import FORMATS
from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.conventions import BATCH_SIZE
from keras_selfmodel.rlct.samplers import SAMPLERS
from keras_selfmodel.tuning import SCORES, SEARCHES
from ksm_cli.commands.data import NAMES
from ksm_cli.commands.rlct import SAMPLER_NAMES, SCALING_NAMES, rlct_command
from ksm_cli.commands.run import run_command
from ksm_cli.commands.tune import SCORES as TUNE_SCORES
from ksm_cli.commands.tune import SEARCHES as TUNE_SEARCHES
from ksm_cli.commands.tune import tune_command
from ksm_cli.main import main
from ksm_cli.options.figures import FORMATS as PLOT_FORMATS
from ksm_cli.options.noise import MOST_NOISE
from ksm_cli.options.settings import PRECISION_NAMES, TASK_NAMES

COMMANDS = (
    "",
    "run",
    "sweep",
    "controls",
    "tune",
    "compare",
    "completion",
    "runs",
    "plot",
    "report",
    "identity",
    "observer",
    "compress",
    "rlct",
    "data",
    "doctor",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal_and_has_an_example(ksm, command):
    result = ksm(*command.split(), "--help")
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "\b" not in result.stdout and not any(line != line.rstrip() for line in result.stdout.splitlines())
    assert f"ksm {command}".strip() in result.stdout.split("Example", 1)[1]


def test_a_variable_that_the_help_names_sets_the_option(ksm, monkeypatch):
    assert "KSM_RUNS_JSON=1 for --json." in " ".join(ksm("runs", "--help").stdout.split())
    monkeypatch.setenv("KSM_RUNS_JSON", "1")
    assert ksm("runs", ".").stdout == "[]\n"


OPTIONS = [
    (name, option)
    for name, command in [("", main), *main.commands.items()]
    for option in command.params
    if isinstance(option, click.Option) and option.name != "version"
]


def _some_value(option: click.Option) -> str:
    """A value that the option takes and that is not its default."""
    if option.is_flag:
        return "1"
    if isinstance(option.type, click.Choice):
        return next(str(choice) for choice in option.type.choices if choice != option.default)
    if isinstance(option.type, click.Path):
        return __file__ if option.type.exists else "new.png"
    return "0.5" if isinstance(option.type, click.types.FloatParamType) else "3"


def _context(name: str, *arguments: str) -> click.Context:
    """The context of a command without its arguments, or of the program."""
    program = main.make_context("ksm", [name] if name else list(arguments), resilient_parsing=True)
    if not name:
        return program
    return main.commands[name].make_context(name, list(arguments), parent=program, resilient_parsing=True)


@pytest.mark.parametrize(
    ("name", "option"), [pytest.param(*one, id=f"{one[0]}{max(one[1].opts, key=len)}") for one in OPTIONS]
)
def test_every_option_is_set_by_the_variable_of_its_name(monkeypatch, name, option):
    written, value = max(option.opts, key=len), _some_value(option)
    given = _context(name, written, *([] if option.is_flag else [value]))
    assert given.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    monkeypatch.setenv("_".join(["KSM", *filter(None, [name]), *written.strip("-").split("-")]).upper(), value)
    found = _context(name)
    assert found.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT
    assert found.params == given.params and given.params[option.name] not in (None, ())


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HIDDEN", "x", "Invalid value for KSM_RUN_HIDDEN (--hidden): 'x' is not a valid integer."),
        ("AUX_WEIGHT", "x", "Invalid value for KSM_RUN_AUX_WEIGHT (--aux-weight): 'x' is not a valid number."),
        ("QUIET", "ja", "(--quiet): 'ja' is neither 1 (or true, yes, on) nor 0 (or false, no, off)."),
        ("AUX_WEIGHT", "nan", "--aux-weight must be finite and not negative. Received: KSM_RUN_AUX_WEIGHT=nan"),
        ("NO_RLCT", "1", "ksm does not read KSM_RUN_NO_RLCT. Set KSM_RUN_RLCT=0 for --no-rlct."),
        ("NO_BATCH_NORM", "0", "Set KSM_RUN_BATCH_NORM=0 for --no-batch-norm. Received: KSM_RUN_NO_BATCH_NORM=0"),
    ],
)
def test_a_variable_that_cannot_set_its_option_is_named(ksm, monkeypatch, variable, value, words):
    monkeypatch.setenv(f"KSM_RUN_{variable}", value)
    result = ksm("run", "mnist")
    assert result.exit_code == 2 and words in result.stderr


def test_a_variable_that_no_command_knows_is_named_and_those_of_other_commands_are_not(ksm, monkeypatch):
    monkeypatch.setenv("KSM_RUNS_JSN", "1")
    monkeypatch.setenv("KSM_RUN_HIDDEN", "3")
    monkeypatch.setenv("KSM_RUN_NO_RLCT", "")  # as good as unset
    result = ksm("runs", ".")
    expected = "Warning: ksm does not read KSM_RUNS_JSN: it has no effect. Did you mean KSM_RUNS_JSON?\n"
    assert result.stderr.startswith(expected) and result.stderr.count("Warning") == 1


def test_a_variable_that_only_begins_as_others_do_is_not_taken_for_one_of_them(ksm, monkeypatch):
    monkeypatch.setenv("KSM_RUNN", "3")
    assert ksm("runs", ".").stderr.startswith("Warning: ksm does not read KSM_RUNN: it has no effect.\n")


@pytest.mark.parametrize("name", sorted(main.commands))
def test_no_variable_sets_two_options(name):
    variables = [option.envvar for command, option in OPTIONS if command == name]
    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(ksm, shell):
    assert "_KSM_COMPLETE" in ksm("completion", shell).stdout


def test_every_command_is_tried_here():
    assert set(main.commands) == set(COMMANDS) - {""}


def test_help_imports_neither_keras_nor_a_backend():
    program = f"""
import sys
from click.testing import CliRunner
from ksm_cli.main import main
for command in {COMMANDS}:
    assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0
heavy = {{"keras", "numpy", "jax", "tensorflow", "torch", "rich", "matplotlib", "keras_tuner", "keras_selfmodel"}}
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
    assert MOST_NOISE == MOST_INPUT_NOISE
    assert tuple(SCALINGS) == SCALING_NAMES
    assert PRECISIONS == PRECISION_NAMES
    assert (TUNE_SCORES, TUNE_SEARCHES) == (SCORES, SEARCHES)


def _help(command: click.Command, name: str) -> str:
    return next(parameter.help for parameter in command.params if parameter.name == name)


@pytest.mark.parametrize("name", ["hidden", "aux_weight", "epochs", "batch_size"])
def test_the_help_of_run_names_the_default_of_every_task(name):
    defaults = ", ".join(f"{task} {getattr(TASKS[task].recipe, name):g}" for task in TASK_NAMES)
    assert _help(run_command, name).endswith(f"Default: {defaults}.")


def test_the_help_of_tune_names_the_epochs_of_every_task():
    assert _help(tune_command, "epochs").endswith(_help(run_command, "epochs").partition("Default:")[2])


def test_the_help_of_run_names_the_targets_and_the_seed():
    assert {task: TASKS[task].recipe.targets for task in TASK_NAMES} == {
        "mnist": ("hidden",),
        "cifar10": ("last_block", "hidden"),
        "imdb": ("hidden",),
    }
    assert _help(run_command, "targets").endswith("Default: hidden; cifar10 last_block+hidden.")
    assert {TASKS[task].recipe.seed for task in TASK_NAMES} == {1}
    assert _help(run_command, "seed").endswith("Default: 1.")


def _paper(name: str) -> str:
    """The setting of the paper's sampling on MNIST, and in parentheses those of tasks that have another."""
    values = {task: getattr(TASKS[task].recipe.rlct, name) for task in TASK_NAMES}
    others = ", ".join(f"{task} {value:g}" for task, value in values.items() if value != values["mnist"])
    return f"{values['mnist']:g}" + (f" ({others})" if others else "")


@pytest.mark.parametrize("name", ["num_draws", "burn_in"])
def test_the_defaults_that_the_help_of_rlct_names_are_those_of_both_conventions(name):
    assert _help(rlct_command, name).endswith(f"Default: {getattr(SamplingSettings(), name)}; paper {_paper(name)}.")


def test_the_default_batch_of_rlct_is_that_of_the_estimator():
    assert SamplingSettings().batch_size is None  # fitted to the data
    assert _help(rlct_command, "batch_size").endswith(
        f"Default: {BATCH_SIZE}, or all samples if there are fewer; paper {_paper('batch_size')}."
    )


def test_thinning_is_the_same_in_both_conventions():
    assert {SamplingSettings().thinning, *(TASKS[task].recipe.rlct.thinning for task in TASK_NAMES)} == {1}
    assert _help(rlct_command, "thinning").endswith("Default: 1.")


def test_the_defaults_that_depend_on_the_data_are_described():
    default = SamplingSettings()
    assert default.step_size is None and default.localization is None
    assert _help(rlct_command, "step_size").endswith(f"Default: from the curvature; paper {_paper('step_size')}.")
    localization = f"Default: from the scale of the weights; paper {_paper('localization')}."
    assert _help(rlct_command, "localization").endswith(localization)
    few, many = (default.resolved(1000, weights, 1.0).num_chains for weights in (499, 500))
    chains = f"Default: {many}, or {few} for fewer than 500 weights; paper {_paper('num_chains')}."
    assert _help(rlct_command, "num_chains").endswith(chains)


def test_every_sampler_can_be_chosen():
    assert tuple(SAMPLERS) == SAMPLER_NAMES


def test_controls_names_no_option_and_no_task_that_it_lacks():
    from ksm_cli.commands.controls import controls_command

    words = {one.name: one.help for one in controls_command.params if getattr(one, "help", None)}
    assert "--recipe" not in " ".join(words.values()) and "cifar10" not in " ".join(words.values())
    assert "--recipe" not in [name for one in controls_command.params for name in one.opts]
