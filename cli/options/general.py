"""Options of almost every command: the backend, JSON, quiet."""

import click

from ksm_cli.backend import BACKENDS


class ChoiceArgument(click.Argument):
    """An argument of few choices; errors, which list them, name it as such, and not by the list of them."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return str(self.name).upper()


backend_option = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    help="Keras backend that computes. Default: KERAS_BACKEND, else keras.json, else the first one installed.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for programs.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="Print only the result, warnings and errors.")
