"""What pyproject.toml cannot say: the README for an index of packages, where its relative links lead nowhere."""

import re
from pathlib import Path

from setuptools import setup

FIGURE = re.compile(r"!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n\*[^*]*\*\n\n")
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)([^)]*)\)")


def _named(link: re.Match[str]) -> str:
    text, path = link.groups()
    return text if path in text else f"{text} (`{path}`)"


def description() -> str:
    """The README without the figures that lie in the repository, and with the names of its files in place of links."""
    text = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    return LINK.sub(_named, FIGURE.sub("", text))


setup(long_description=description(), long_description_content_type="text/markdown")
