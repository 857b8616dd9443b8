"""Settings of a run as options, and the recipe they make."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from ksm_cli.output import usage_error

if TYPE_CHECKING:
    from keras_selfmodel.experiments import Recipe


TASK_NAMES = ("mnist", "cifar10", "imdb")

PRECISION_NAMES = ("float32", "mixed_bfloat16", "mixed_float16")

precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISION_NAMES),
    help="Number format the network computes in. The RLCT is always computed in float32. Default: float32.",
)


def _batch_norm_option(words: str) -> Callable[[Callable], Callable]:
    return click.option("--batch-norm/--no-batch-norm", default=None, help=f"Use batch normalization or not{words}.")


batch_norm_option = _batch_norm_option(" (mnist and cifar10). Default: as in the paper, cifar10 only")
batch_norm_option_of_controls = _batch_norm_option(". Default: not, as in the paper")


def layers_of(text: str) -> tuple[str, ...]:
    """The layers in a text such as "last_block+hidden".

    Raises:
        click.BadParameter: If a name is missing or given twice.
    """
    layers = tuple(part.strip() for part in text.split("+"))
    if "" in layers:
        raise click.BadParameter(f"a layer has no name. Join layers by +, as in last_block+hidden. Received: {text!r}.")
    if len(set(layers)) < len(layers):
        raise click.BadParameter(f"a layer is given twice. Received: {text!r}.")
    return layers


def given_once(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """The value of an option; a second value is refused, because it would silently replace the first."""
    if len(values) > 1:
        raise click.BadParameter(f"given twice. Give all layers in one value. Received: {', '.join(values)}.")
    return values[0] if values else None


def _layers(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    text = given_once(context, parameter, values)
    return () if text is None else layers_of(text)


targets_option = click.option(
    "--targets",
    metavar="LAYERS",
    multiple=True,
    callback=_layers,
    help="Layers to predict, joined by +. Default: hidden; cifar10 last_block+hidden.",
)


def _rlct_switch(default: str) -> Callable[[Callable], Callable]:
    words = f"Estimate the RLCT or not. Default: {default}."
    return click.option("--rlct/--no-rlct", "measure_rlct", default=None, help=words)


rlct_switch = _rlct_switch("yes, in the paper's convention; with --recipe, as the recipe says")
rlct_switch_of_controls = _rlct_switch("yes, in the paper's convention")

descend_option = click.option(
    "--descend",
    is_flag=True,
    default=None,
    help="Also estimate the RLCT after descent on the task's loss. Default: only where the weights are not at a "
    "minimum of it.",
)


def recipe_of(start: "Recipe", targets: Sequence[str], measure_rlct: bool | None, settings: dict) -> "Recipe":
    """A task's recipe, changed by the options.

    Args:
        start: The task's recipe.
        targets: Layers to predict; empty for the recipe's.
        measure_rlct: Whether the RLCT is estimated; `None`: as the recipe says.
        settings: Other fields by name; `None` for the recipe's.

    Raises:
        click.UsageError: If a setting is out of its range, or needs another.
    """
    from keras_selfmodel.rlct import SamplingSettings

    given = {name: value for name, value in settings.items() if value is not None}
    if given.get("descend") and (measure_rlct is False or (measure_rlct is None and start.rlct is None)):
        raise click.UsageError("--descend asks for an RLCT that is not estimated. Leave it out, or add --rlct.")
    if targets:
        given["targets"] = tuple(targets)
    rlct = start.rlct
    if rlct is None and measure_rlct:
        rlct = SamplingSettings(batch_size=max(start.batch_size, 2))
    if rlct is not None and "batch_size" in given:
        rlct = dataclasses.replace(rlct, batch_size=max(given["batch_size"], 2))
    try:
        return dataclasses.replace(start, **given, rlct=None if measure_rlct is False else rlct)
    except ValueError as error:  # NaN and infinity, which a click range lets through.
        raise usage_error(error) from error


def name_of_changes(recipe: "Recipe", unchanged: "Recipe", examples: int | None) -> str:
    """The suffix of the folder name of shortened or otherwise changed runs, such as "-epochs2-examples1024".

    Args:
        recipe: The recipe with the options' changes.
        unchanged: The task's recipe.
        examples: Number of training samples asked for; `None` for all.
    """
    changed = [
        name for name in ("epochs", "batch_size", "precision") if getattr(recipe, name) != getattr(unchanged, name)
    ]
    parts = [f"-{name.removesuffix('_size')}{getattr(recipe, name)}" for name in changed]
    if recipe.batch_norm != unchanged.batch_norm:
        parts.append("-batchnorm" if recipe.batch_norm else "-nobatchnorm")
    if recipe.targets != unchanged.targets:
        parts.append("-targets" + "+".join(re.sub(r"\W", "_", name) for name in recipe.targets))
    return "".join(parts) + ("" if examples is None else f"-examples{examples}")


def fitted(recipe: "Recipe", samples: int, batch_size: int | None) -> "Recipe":
    """A recipe whose RLCT is sampled in batches that the data can fill, if nobody chose their size; says so.

    Args:
        recipe: The recipe.
        samples: Number of training samples.
        batch_size: The batch size asked for; `None` for the default. It is kept, and refused later if it is too large.
    """
    from keras_selfmodel import experiments

    clipped = recipe if batch_size is not None else experiments.clipped_to(recipe, samples)
    if clipped != recipe and recipe.rlct is not None:
        words = f"The data have {samples:,} training samples: the RLCT is sampled in batches of {samples:,}, not"
        click.echo(f"{words} {recipe.rlct.batch_size:,}.", err=True)
    return clipped
