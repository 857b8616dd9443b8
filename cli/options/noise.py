"""Noise on the training data, as options."""

from collections.abc import Callable

import click

# Written out, because the help must not import the package. A test compares.
MOST_NOISE = 1000

_NOISE = (
    click.option(
        "--label-noise",
        metavar="P",
        type=click.FloatRange(min=0, max=1),
        help="Fraction of the training labels changed to another class, drawn by the seed. Default: 0.",
    ),
    click.option(
        "--input-noise",
        metavar="S",
        type=click.FloatRange(min=0, max=MOST_NOISE),
        help="Standard deviation of Gaussian noise on the training inputs, in units of their range, drawn by the seed. "
        "Default: 0.",
    ),
)


def noise_options(command: Callable) -> Callable:
    """Adds the options of noise on the training data; the test data stay as they are."""
    for option in reversed(_NOISE):
        command = option(command)
    return command
