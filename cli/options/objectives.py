"""Objectives as options of the program."""

from collections.abc import Collection, Sequence

import click

from ksm_cli.options.grids import numbers

# Written out, because the help must not import the package. A test compares.
OBJECTIVE_NAMES = (
    *("self-modeling", "both-gradients", "unit-rms", "random-subset", "signs", "mean-and-range", "deep-head"),
    *("lesions", "fixed-vector", "random-projection", "other-network"),
    *("weight-decay", "last-layer-decay", "dropout", "activation-regularization"),
)

# The least number that is too large as a strength, where there is one.
STRENGTH_LIMITS = {"dropout": 1}

# Objectives that use no layer's activations.
WITHOUT_TARGETS = ("weight-decay", "last-layer-decay", "dropout")


def check_targets(targets: Collection[str], objectives: Sequence[str], strengths: Sequence[float]) -> None:
    """Makes sure that layers to predict are given only where networks use them.

    Args:
        targets: The layers; none if they are not given.
        objectives: The objectives asked for.
        strengths: The auxiliary weights asked for; none if they are not given.

    Raises:
        click.UsageError: If no network would use them.
    """
    if targets and strengths and not any(strengths):
        raise click.UsageError(
            "--targets cannot be combined with --aux-weight 0, which predicts nothing. Leave one of them out."
        )
    if targets and all(name in WITHOUT_TARGETS for name in objectives):
        verb = "uses" if len(objectives) == 1 else "use"
        raise click.UsageError(
            f"--targets cannot be combined with --objective {' and '.join(objectives)}, which {verb} no layer's "
            "activations. Leave it out."
        )


def check_strength(objective: str | None, aux_weight: float | None) -> None:
    """Makes sure that an objective comes with a strength: the default of a task is meant for self-modeling.

    Raises:
        click.UsageError: If it does not, or if the strength is 0.
    """
    if objective in (None, "self-modeling"):
        return
    if aux_weight is None:
        raise click.UsageError(f"--objective {objective} needs a strength. Give it as --aux-weight.")
    if aux_weight == 0:
        raise click.UsageError(
            "--objective cannot be combined with --aux-weight 0, the plain classifier. Leave one of them out."
        )


def objective_list(text: str | None) -> list[str]:
    """The names in a list such as "self-modeling,dropout"; `None` stands for self-modeling alone.

    Raises:
        click.UsageError: If a name is unknown, or given twice.
    """
    names = [part.strip() for part in (text or "self-modeling").split(",")]
    for name in names:
        _check_name(name, "--objective")
    if len(set(names)) < len(names):
        raise click.UsageError(f"--objective lists an objective twice. Received: {text!r}.")
    return names


def chosen_strengths(texts: tuple[str, ...]) -> dict[str, list[float] | None]:
    """Objectives and their strengths, as `ksm controls --objective NAME=LIST` gives them.

    Args:
        texts: Such as "dropout" or "dropout=0.25,0.5".

    Returns:
        Strengths by name; `None` where the text gives none.

    Raises:
        click.UsageError: If a name is unknown or given twice, or a strength is no positive number or too large.
    """
    found: dict[str, list[float] | None] = {}
    for text in texts:
        name, _, strengths = text.partition("=")
        _check_name(name, "--objective")
        if name in found:
            raise click.UsageError(f"--objective {name} is given twice.")
        given = numbers(strengths, float, f"--objective {name}", least=0) if "=" in text else None
        if given and 0 in given:
            raise click.UsageError(f"--objective {name}: leave out 0. The baseline is always included.")
        limit = STRENGTH_LIMITS.get(name)
        if limit is not None and given and max(given) >= limit:
            raise click.UsageError(f"--objective {name}: every strength must be below {limit}. Received: {strengths}.")
        found[name] = given
    return found


def _check_name(name: str, option: str) -> None:
    if name not in OBJECTIVE_NAMES:
        raise click.UsageError(f"{option}: unknown objective {name!r}. Objectives: {', '.join(OBJECTIVE_NAMES)}.")
