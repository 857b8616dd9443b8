"""The tokenizer "basic_english" of torchtext, which the paper's code uses."""

# In torchtext's order. Chains of `str.replace` are four times faster than one `str.translate`.
_REPLACEMENTS = (
    ("'", " ' "),
    ('"', ""),
    (".", " . "),
    ("<br />", " "),
    (",", " , "),
    ("(", " ( "),
    (")", " ) "),
    ("!", " ! "),
    ("?", " ? "),
    (";", " "),
    (":", " "),
)


def basic_english(text: str) -> list[str]:
    """Splits a text into lower-case words and marks of punctuation.

    Args:
        text: Any text. Quotation marks, semicolons, colons and HTML line breaks are left out.

    Returns:
        Its tokens.

    Reference:
        torchtext 0.16, `data.utils.get_tokenizer("basic_english")`.

    Example:

    >>> basic_english('It\\'s "bad":<br />see it (not)!')
    ['it', "'", 's', 'bad', 'see', 'it', '(', 'not', ')', '!']
    """
    text = text.lower()
    for mark, replacement in _REPLACEMENTS:
        text = text.replace(mark, replacement)
    return text.split()
