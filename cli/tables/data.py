"""The table of `ksm data`."""

from collections.abc import Sequence

from rich.table import Table

from keras_selfmodel.datasets import DatasetStatus


def data_table(found: Sequence[DatasetStatus]) -> Table:
    """The data sets with their sizes, where they are prepared."""
    table = Table()
    for column in ("data set", "TFDS name and version", "prepared", "MB", "train", "test"):
        table.add_column(column, justify="left" if column in ("data set", "TFDS name and version") else "right")
    table.caption = f"folder: {found[0].folder.parents[1]}"
    table.caption_justify = "left"
    for status in found:
        sizes = [
            f"{status.bytes_on_disk / 1e6:.1f}",
            f"{status.train_examples:,}",
            f"{status.test_examples:,}",
        ]
        table.add_row(
            status.name,
            f"{status.tfds_name} {status.version}",
            "yes" if status.prepared else "no",
            *(sizes if status.prepared else ["", "", ""]),
        )
    return table
