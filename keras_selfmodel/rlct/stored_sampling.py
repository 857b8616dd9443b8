"""A sampling as a file, so that it can go on after an interruption."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import keras
import msgspec
import numpy as np
from keras import ops

from keras_selfmodel._typed_files import DamagedFileError, TypedFile, plain
from keras_selfmodel._whole_files import UNREADABLE_ARRAYS, size_of, write_whole
from keras_selfmodel.rlct.chains import Chains
from keras_selfmodel.transforms.tensors import Tree


class CheckpointWarning(RuntimeWarning):
    """A sampling could not be stored, and went on."""


@dataclass(frozen=True)
class SamplingHeader:
    """What a stored sampling is, beside its arrays.

    Attributes:
        identity: What it must share with the sampling that goes on from it.
        groups: Lengths of the lists of their arrays.
        blocks: Blocks of chains that are done.
    """

    identity: dict[str, Any]
    groups: tuple[Annotated[int, msgspec.Meta(ge=0)], ...]
    blocks: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


SAMPLING_HEADER = TypedFile(SamplingHeader, format=1)


def write_sampling(path: Path, identity: dict, chains: tuple[dict, list], blocks: list[dict]) -> None:
    """Writes a sampling as far as it is.

    Args:
        path: The file.
        identity: What a sampling that goes on must share with this one, as JSON holds it.
        chains: What `Chains.snapshot` returned.
        blocks: The traces of each block of chains by name; the last one is that of the present block.
    """
    numbers, arrays = chains
    header = SAMPLING_HEADER.encode(SamplingHeader(identity, tuple(numbers["groups"]), len(blocks) - 1))
    # Arrays too: JSON does not know infinity, which a step size may have become.
    scalars = {f"number/{name}": np.array(value) for name, value in numbers.items() if name != "groups"}
    traces = {f"trace/{i}/{name}": array for i, block in enumerate(blocks) for name, array in block.items()}
    states = {f"state/{number}": array for number, array in enumerate(arrays)}
    content = {"header": np.frombuffer(header, np.uint8), **scalars, **states, **traces}

    def write(file: Path) -> None:
        with file.open("wb") as stream:
            np.savez(stream, **content)

    write_whole(path, write)


def read_sampling(path: Path, identity: dict) -> tuple[tuple[dict, list], list[dict]]:
    """The inverse of `write_sampling`: chains and blocks.

    Raises:
        ValueError: If the file cannot be read, or is that of another sampling.
    """
    try:
        size_of(path)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = SAMPLING_HEADER.decode(file["header"].tobytes(), path)
            numbers = {name: _number(file, name, path) for name in (*Chains.NUMBERS, "curvature_evaluations")}
            arrays = [file[f"state/{i}"] for i in range(sum(header.groups) + 1)]
            blocks: list[dict] = [{} for _ in range(header.blocks + 1)]
            for name in file.files:
                if name.startswith("trace/"):
                    _, number, kind = name.split("/", 2)
                    blocks[int(number)][kind] = file[name]
    except UNREADABLE_ARRAYS as error:
        raise ValueError(
            f"{path} holds no sampling that can be read ({error}). Remove it, or name another file."
        ) from error
    here = plain(identity)  # JSON has no tuples.
    different = [name for name in here if header.identity.get(name) != here[name]]
    if len(different) > 1:  # Other weights or data have another loss too.
        different = [name for name in different if name != "loss at w*"]
    if different:
        raise ValueError(
            f"{path} was written by a different sampling: its {', '.join(different)} differ. Remove it, or name "
            "another file."
        )
    return ({**numbers, "groups": header.groups}, arrays), blocks


def _number(file: Any, name: str, path: Path) -> bool | int | float:
    """A number of the chains by its name."""
    if f"number/{name}" not in file.files:
        raise DamagedFileError(path, f"number/{name} is missing.")
    found = file[f"number/{name}"]
    if found.shape != () or found.dtype.kind not in "bif":
        raise DamagedFileError(path, f"number/{name} must be a number. Received: {found.dtype} of shape {found.shape}")
    return found.item()


def digest(tree: Tree) -> str:
    """A short text that differs for trees of arrays that differ."""
    found = hashlib.sha256()
    for array in keras.tree.flatten(tree):
        array = np.ascontiguousarray(ops.convert_to_numpy(array))
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.data if array.size else b"")
    return found.hexdigest()[:16]
