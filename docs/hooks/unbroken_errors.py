"""A number, its error and its unit stay on one line of a table, however narrow the screen."""

import re


def _unbroken(row: re.Match) -> str:
    return re.sub(r"(?<=\d) (± (?=\d)|%)", lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), row[0])


def on_page_markdown(markdown, page, config, files):
    return re.sub(r"^\|.*\|$", _unbroken, markdown, flags=re.M)
