"""A figure opens in its full size: on a phone its letters are too small to read."""

import re


def on_page_markdown(markdown, page, config, files):
    return re.sub(r"^!\[(.*?)\]\((\S+\.png)\)$", r"[![\1](\2)](\2)", markdown, flags=re.M)
