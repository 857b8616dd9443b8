"""Settings of a run as options, and the recipe that they make."""

import dataclasses

import click

TASK_NAMES = ("mnist", "cifar10", "imdb")

PRECISION_NAMES = ("float32", "mixed_bfloat16", "mixed_float16")

precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISION_NAMES),
    help="What the network computes in; the RLCT is always taken in float32. Default: float32.",
)

rlct_switch = click.option(
    "--rlct/--no-rlct",
    "measure_rlct",
    default=None,
    help="Whether to estimate the RLCT. Default: yes, by the paper's convention; of a recipe, as it says.",
)


def recipe_of(start, targets, measure_rlct: bool | None, settings: dict):
    """A task's recipe with what the options change.

    Args:
        start: The task's recipe.
        targets: Layers to predict, or none for the recipe's.
        measure_rlct: Whether the RLCT is measured; `None` as the recipe says.
        settings: Other fields; `None` for the recipe's.

    Raises:
        click.UsageError: If a setting is out of its range.
    """
    from keras_selfmodel.rlct import SamplingSettings

    given = {name: value for name, value in settings.items() if value is not None}
    if targets:
        given["targets"] = tuple(targets)
    rlct = start.rlct
    if rlct is None and measure_rlct:
        rlct = SamplingSettings(batch_size=start.batch_size)
    if rlct is not None and "batch_size" in given:
        rlct = dataclasses.replace(rlct, batch_size=given["batch_size"])
    try:
        return dataclasses.replace(start, **given, rlct=None if measure_rlct is False else rlct)
    except ValueError as error:  # NaN and infinity, which a click range lets through.
        raise click.UsageError(str(error)) from error
