"""Stops the build of the site where a page of the reference leaves out a public name of its package."""

import ast
import re
from pathlib import Path

from mkdocs.exceptions import PluginError


def on_page_content(html, page, config, files):
    described = re.search(r"^::: (keras_selfmodel\.\w+)$", page.markdown, re.M)
    if described is None:
        return
    package = Path(config.config_file_path).parent.joinpath(*described[1].split("."), "__init__.py")
    public = re.search(r"^__all__ = (\[.*?\])$", package.read_text(encoding="utf-8"), re.M | re.S)
    names = [name for name in ast.literal_eval(public[1]) if not package.with_name(f"{name}.py").exists()]
    missing = [name for name in names if f'id="{described[1]}.{name}"' not in html]
    if missing:
        raise PluginError(f"{page.file.src_uri} does not describe {', '.join(missing)} of {described[1]}.")
