"""The settings of a recipe as people call them."""

from typing import Any

from keras_selfmodel._number_texts import NOTHING


def setting_name(name: str) -> str:
    """A setting as people call it.

    Example:

    >>> setting_name("rlct.num_chains"), setting_name("rlct.burn_in"), setting_name("batch_size")
    ('RLCT chains', 'RLCT burn-in', 'batch size')
    """
    plain = name.replace("burn_in", "burn-in").replace("num_", "").replace("_", " ")
    return plain.replace("rlct.", "RLCT ").replace("rlct", "RLCT")


def setting_value(value: Any) -> str:
    """The value of a setting as people read it.

    Example:

    >>> setting_value(False), setting_value(0.5), setting_value(("hidden", "logits")), setting_value(None)
    ('no', '0.5', 'hidden+logits', '–')
    """
    if isinstance(value, list | tuple):
        return "+".join(map(setting_value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return NOTHING
    return f"{value:g}" if isinstance(value, float) else str(value)


def setting_text(name: str, value: Any) -> str:
    """A setting in words.

    Example:

    >>> setting_text("rlct.num_chains", 4), setting_text("targets", ("hidden", "logits"))
    ('RLCT chains 4', 'targets hidden+logits')
    """
    return f"{setting_name(name)} {setting_value(value)}"
