"""Sentences of the package, whose arguments are options of the command that runs."""

import os
from dataclasses import dataclass

import click
from click.core import ParameterSource

from ksm_cli.backend import module_of_the_package
from ksm_cli.variables import options_of, variable_of

said_arguments = module_of_the_package("_said_arguments")

# Options that have another name than the argument.
OTHER_NAMES = {"folder": "out", "KERAS_BACKEND": "backend"}


def in_options(sentence: str, context: click.Context | None = None) -> str:
    """A sentence of the package with its arguments as options of the command that runs.

    `anchor='descend'` becomes `--anchor descend`; in parentheses it is left out where the command has no such option.
    What was received is named as the user gave it: an option with its whole value, or a setting of the recipe file.

    Args:
        sentence: The sentence.
        context: That of the command; `None` for the one that runs.
    """
    options = _Options(context or click.get_current_context(silent=True))
    advice, mark, facts = sentence.partition("Received: ")
    received = said_arguments.with_arguments(facts, options.as_received)
    return said_arguments.with_arguments(advice, options.as_option) + mark + received


@dataclass(frozen=True)
class _Options:
    """The options of a command.

    Attributes:
        context: Where it runs; `None` outside of commands, where there are none.
    """

    context: click.Context | None

    def as_option(self, name: str, value: str) -> str | None:
        """An argument as an option with its value; `None` if the command has no such option."""
        wanted = OTHER_NAMES.get(name, name)
        params = self.context.command.params if self.context else []
        option = next((one for one in params if isinstance(one, click.Option) and one.name == wanted), None)
        if option is None:
            return None
        written = max(option.opts, key=len)
        if value == "…":  # any value
            return f"{written} DIR" if written == "--out" else written
        return written if option.is_flag or not value else f"{written} {value}"

    def as_received(self, name: str, value: str) -> str | None:
        """The same of what was received: as it was given, or as the recipe file has it."""
        if name == "KERAS_BACKEND":  # a variable that was set
            return None
        option = self.as_option(name, value)
        if self.context is None or option is None or name not in self.context.params:
            return option
        recipe = self.context.params.get("recipe_file")
        if self.context.get_parameter_source(name) is ParameterSource.DEFAULT:
            return option if recipe is None else f"{name} = {value}, of {recipe}"
        if self.context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
            variable = next(variable_of(one) for one in options_of(self.context.command) if one.name == name)
            return f"{variable}={os.environ[variable]}"
        if name == "targets":
            # Of several layers the package names the one that is wrong.
            given = self.context.params[name]
            return self.as_option(name, given if isinstance(given, str) else "+".join(given))
        # Of a grid of values the package names that of one network.
        return option
