"""Stops the build of the site where stars of a formula or a path, such as two of w*, were taken for emphasis."""

import re

from mkdocs.exceptions import PluginError


def on_page_content(html, page, config, files):
    emphasized = re.findall(r"<em>(.*?)</em>", html, re.S)
    torn = [text for text in emphasized if not (re.match(r"\w|<code>", text) and re.search(r"(\w|\.|</code>)$", text))]
    if torn:
        raise PluginError(f"{page.file.src_uri}: a star opens emphasis before {torn[0]!r}; write \\* or use backticks.")
