"""Figures as files."""

import io

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
