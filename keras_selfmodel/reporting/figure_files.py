"""Figures as files."""

import io
from pathlib import Path

from keras_selfmodel._whole_files import write_whole

FORMATS = ("png", "svg")


def figure_bytes(figure, file_format: str) -> bytes:
    """A figure as the content of a file, the same for the same figure.

    Args:
        figure: A `matplotlib.figure.Figure`.
        file_format: "png" (200 dots per inch) or "svg" (letters as shapes, so that they look alike everywhere).

    Raises:
        ValueError: If it is another format.
    """
    import matplotlib

    if file_format not in FORMATS:
        raise ValueError(f"file_format must be one of {', '.join(FORMATS)}. Received: {file_format!r}")
    content = io.BytesIO()
    # SVG holds the date and random names of its parts, unless told otherwise.
    with matplotlib.rc_context({"svg.hashsalt": "keras-selfmodel", "svg.fonttype": "path"}):
        metadata = {"Date": None} if file_format == "svg" else {"Software": None}
        figure.savefig(content, format=file_format, dpi=200, metadata=metadata)
    return content.getvalue()


def write_figure(figure, file: Path) -> None:
    """Writes a figure as a file that appears complete or not at all.

    Args:
        figure: A `matplotlib.figure.Figure`.
        file: Its suffix, .png or .svg, is the format. Its folder is created.

    Raises:
        ValueError: If the suffix is another one.
    """
    content = figure_bytes(figure, file.suffix[1:])
    write_whole(file, lambda part: part.write_bytes(content))
