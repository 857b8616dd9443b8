"""`ksm completion`: the script that completes commands and options in a shell."""

import click
from click.shell_completion import get_completion_class

from ksm_cli.options.general import ChoiceArgument

SHELLS = ("bash", "zsh", "fish")


@click.command(
    "completion",
    short_help="Print a shell's completion script.",
    epilog="""\b
Examples:
  eval "$(ksm completion bash)"                  # in ~/.bashrc
  eval "$(ksm completion zsh)"                   # in ~/.zshrc
  ksm completion fish > ~/.config/fish/completions/ksm.fish""",
)
@click.argument("shell", cls=ChoiceArgument, type=click.Choice(SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes commands, options and choices."""
    found = get_completion_class(shell)
    assert found is not None  # Click has all three.
    click.echo(found(context.find_root().command, {}, "ksm", "_KSM_COMPLETE").source())
