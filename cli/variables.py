"""Environment variables that set the options of commands."""

import difflib
import os
from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

PREFIX = "KSM_"
# Variables of the program and the package that stand for no option.
OTHER_VARIABLES = frozenset({"KSM_DEBUG", "KSM_CACHE_DIR"})
# Click's names of the types of numbers with a range, and plainer ones.
PLAINER_NAMES = {"integer range": "integer", "float range": "number"}


class Switch(click.types.BoolParamType):
    """The value of a variable for an option that takes none: 1 or 0, or words for them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is neither 1 (or true, yes, on) nor 0 (or false, no, off).", param, ctx)


def options_of(command: click.Command) -> list[click.Option]:
    """The options of a command, without --help."""
    return [one for one in command.params if isinstance(one, click.Option)]


def variable_of(option: click.Option) -> str:
    """The variable that sets an option of a command of the program."""
    return str(option.envvar)


def set_by_variables(command: click.Command, prefix: str) -> None:
    """Lets each option be set by an environment variable too.

    Click would name it after the parameter of the function: KSM_RUN_RECIPE_FILE for ksm run --recipe.

    Args:
        command: The command.
        prefix: What all names of its variables start with.
    """
    for option in options_of(command):
        option.envvar = _variable(prefix, max(option.opts, key=len))
        if option.is_bool_flag:
            option.type = Switch()
        option.type.name = PLAINER_NAMES.get(option.type.name, option.type.name)


def _variable(prefix: str, written: str) -> str:
    return f"{prefix}_{written.lstrip('-')}".upper().replace("-", "_")


def said_of_variables(command: click.Command) -> str:
    """A sentence on these variables for the help, with an example; "" for a command without options."""
    options = options_of(command)
    if not options:
        return ""
    last = options[-1]
    value = "1" if last.is_flag else last.make_metavar(click.Context(command))
    example = f"{variable_of(last)}={value} for {max(last.opts, key=len)}"
    return f"Environment: every option can be set by a variable, such as {example}."


def check_variables(context: click.Context) -> None:
    """Refuses a variable named after the negative of a switch; warns of those that no command knows.

    Args:
        context: That of the command that runs.

    Raises:
        click.UsageError: If there is such a variable of this command.
    """
    program = context.find_root().command
    commands = list(program.commands.values()) if isinstance(program, click.Group) else []
    negatives = dict(_negatives(context.command))
    for name in sorted(set(_given()) & set(negatives)):
        option = negatives[name]
        raise click.UsageError(
            f"ksm does not read {name}. Set {variable_of(option)}=0 for {option.secondary_opts[0]}. Received: "
            f"{name}={os.environ[name]}",
            context,
        )
    known = {variable_of(option) for one in (program, *commands) for option in options_of(one)} | OTHER_VARIABLES
    for name in _given():
        if name not in known and all(name not in dict(_negatives(one)) for one in commands):
            # Without what all begin with, which would make names alike that have nothing else in common.
            written = [one.removeprefix(PREFIX) for one in sorted(known)]
            near = difflib.get_close_matches(name.removeprefix(PREFIX), written, n=1, cutoff=0.8)
            meant = f" Did you mean {PREFIX}{near[0]}?" if near else ""
            click.secho(f"Warning: ksm does not read {name}: it has no effect.{meant}", fg="yellow", err=True)


def _given() -> list[str]:
    """The variables that look like the program's; an empty one counts as unset, as for Click."""
    return sorted(name for name, value in os.environ.items() if name.startswith(PREFIX) and value)


def _negatives(command: click.Command) -> Iterator[tuple[str, click.Option]]:
    """What the variables of negative switches, such as --no-rlct, would be called, and their options."""
    for option in options_of(command):
        for written in option.secondary_opts:
            prefix = variable_of(option).removesuffix(_variable("", max(option.opts, key=len)))
            yield _variable(prefix, written), option


def naming_its_variable(error: click.BadParameter) -> click.BadParameter:
    """An error about the value of an option, which names the variable that set it where one did."""
    option, context = error.param, error.ctx
    if isinstance(option, click.Option) and context is not None and option.name is not None:
        if context.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT:
            error.param_hint = f"{variable_of(option)} ({max(option.opts, key=len)})"
    return error
