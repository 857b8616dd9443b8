"""`--keep-epochs`: weights kept during training."""

import dataclasses
from typing import TYPE_CHECKING

import click

from ksm_cli.options.grids import numbers
from ksm_cli.output import usage_error

if TYPE_CHECKING:
    from keras_selfmodel.experiments import Recipe


keep_epochs_option = click.option(
    "--keep-epochs",
    metavar="LIST",
    help="Epochs after which to keep the weights, for ksm identity: a list such as 0,1,10 (0: before training), or "
    "'geometric' for 0,1,2,4,8 … Default: only the last.",
)


def keeping(recipe: "Recipe", text: str | None) -> "Recipe":
    """The recipe, changed to keep the weights after the epochs asked for.

    Args:
        recipe: Any recipe.
        text: The value of `--keep-epochs`; `None` leaves the recipe as it is.

    Raises:
        click.UsageError: If the text is not a list of epochs, or one of them lies after the last.
    """
    from keras_selfmodel.experiments import geometric_epochs

    if text is None:
        return recipe
    epochs = geometric_epochs(recipe.epochs)
    if text.strip() != "geometric":
        epochs = numbers(text, int, "--keep-epochs", least=0)
    try:
        return dataclasses.replace(recipe, keep_epochs=tuple(epochs))
    except ValueError as error:
        raise usage_error(error) from error
