"""Control characters in texts, such as a terminal's escape sequences: to be shown, never obeyed."""

import unicodedata


def escaped(text: str) -> str:
    r"""A text with its control characters, but for line ends and tabs, replaced by what names them.

    Example:

    >>> escaped("\x1b[2J")
    '\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        ascii(one)[1:-1] if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t" else one for one in text
    )
