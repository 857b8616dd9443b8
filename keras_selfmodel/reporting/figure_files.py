"""Figures as files."""

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from keras_selfmodel._whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


FORMATS = ("png", "svg")
"""File formats of figures."""


def figure_bytes(figure: "Figure", file_format: str) -> bytes:
    """A figure as the content of a file; equal figures give equal content.

    Args:
        figure: A `matplotlib.figure.Figure`.
        file_format: "png" (200 dots per inch) or "svg" (letters as shapes, so that they look the same everywhere).

    Raises:
        ValueError: If it is another format.
    """
    import matplotlib

    if file_format not in FORMATS:
        raise ValueError(f"file_format must be one of {', '.join(FORMATS)}. Received: {file_format!r}")
    if file_format == "svg":
        with matplotlib.rc_context({"svg.fonttype": "path"}):
            return _svg(figure)
    content = io.BytesIO()
    figure.savefig(content, format=file_format, dpi=200, metadata={"Software": None})
    return content.getvalue()


def data_address(figure: "Figure") -> str:
    """A figure as the `data:` address of an image in a page, a third as large as the file of the same figure.

    Its letters are the browser's, and its lines are drawn to a hundredth of a point.

    Args:
        figure: A `matplotlib.figure.Figure`.
    """
    import matplotlib

    # Otherwise each word of the figure names a dozen fonts.
    with matplotlib.rc_context({"svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans"]}):
        text = _svg(figure).decode()
    text = text[text.index("<svg") :]
    text = re.sub(r'="[^"]*"', lambda attribute: re.sub(r"\d+\.\d{3,}", _to_hundredths, attribute[0]), text)
    text = re.sub(r"\s*\n\s*", " ", text)
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"


def _svg(figure: "Figure") -> bytes:
    import matplotlib

    content = io.BytesIO()
    # SVG holds the date and random names of its parts, unless told otherwise.
    with matplotlib.rc_context({"svg.hashsalt": "keras-selfmodel"}):
        # The dots per inch of what is not drawn as lines; those of a PNG image.
        figure.savefig(content, format="svg", dpi=200, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return content.getvalue()


def _to_hundredths(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def write_figure(figure: "Figure", file: Path) -> None:
    """Writes a figure as a file that appears complete or not at all.

    Args:
        figure: A `matplotlib.figure.Figure`.
        file: Its suffix, .png or .svg, is the format. Its folder is created.

    Raises:
        ValueError: If the suffix is another one.
    """
    content = figure_bytes(figure, file.suffix[1:])
    write_whole(file, lambda part: part.write_bytes(content))
