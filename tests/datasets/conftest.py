"""Every test here has its own cache and no network; small data sets come from a local web server."""

import dataclasses
import gzip
import http.server
import io
import json
import os
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from keras_selfmodel.datasets import catalog, prepare


@dataclasses.dataclass(frozen=True)
class Made:
    """Images and labels made up by a test, with their true order."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def check(self, dataset) -> None:
        """Asserts that a data set holds exactly these examples; TFDS shuffles them."""
        for split in ("train", "test"):
            x, y = getattr(self, f"x_{split}"), getattr(self, f"y_{split}")
            got_x, got_y = getattr(dataset, f"x_{split}"), getattr(dataset, f"y_{split}")
            number = got_x[:, 0, 0, 0]  # the first pixel of each made-up image is its number
            assert sorted(number) == list(range(len(x)))
            np.testing.assert_array_equal(got_x, x[number])
            np.testing.assert_array_equal(got_y, y[number])


def _make(*shape: int) -> Made:
    random = np.random.default_rng(0)

    def images(count: int) -> np.ndarray:
        x = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        x[:, 0, 0, 0] = range(count)
        return x

    return Made(images(150), np.arange(150) % 10, images(20), np.arange(20) % 10)


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """A cache, home and data folder of its own, and a dead proxy in place of the network."""
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    for scheme in ("http", "https", "all", "HTTP", "HTTPS", "ALL"):
        monkeypatch.setenv(f"{scheme}_proxy" if scheme.islower() else f"{scheme}_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def web(tmp_path_factory):
    """A folder and the address at which a local web server offers its files."""
    folder = tmp_path_factory.mktemp("web")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: _Quiet(*arguments, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def local_mnist(web, monkeypatch) -> Made:
    """150 + 20 made-up images, in LeCun's file format, where MNIST is downloaded from."""
    tfds = pytest.importorskip("tensorflow_datasets")
    from tensorflow_datasets.image_classification import mnist

    folder, url = web
    made = _make(28, 28, 1)
    for prefix, x, y in (("train", made.x_train, made.y_train), ("t10k", made.x_test, made.y_test)):
        header = np.array([2051, len(x), 28, 28], ">u4").tobytes()
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + x.tobytes()))
        header = np.array([2049, len(y)], ">u4").tobytes()
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + y.astype(np.uint8).tobytes()))
    monkeypatch.setattr(tfds.image_classification.MNIST, "URL", url)
    monkeypatch.setattr(mnist, "_TRAIN_EXAMPLES", len(made.x_train))
    monkeypatch.setattr(mnist, "_TEST_EXAMPLES", len(made.x_test))
    _serve(monkeypatch, "mnist", url + "train-labels-idx1-ubyte.gz")
    return made


@pytest.fixture
def local_cifar10(web, monkeypatch) -> Made:
    """150 + 20 made-up images, in Krizhevsky's file format, where CIFAR-10 is downloaded from."""
    tfds = pytest.importorskip("tensorflow_datasets")
    folder, url = web
    made = _make(32, 32, 3)
    batches = {"batches.meta.txt": "\n".join(f"class {number}" for number in range(10)).encode()}
    for number, rows in enumerate(np.split(np.arange(150), 5), start=1):
        batches[f"data_batch_{number}.bin"] = _cifar_bytes(made.x_train[rows], made.y_train[rows])
    batches["test_batch.bin"] = _cifar_bytes(made.x_test, made.y_test)
    _tar(folder / "cifar.tar.gz", {f"cifar-10-batches-bin/{name}": data for name, data in batches.items()})

    official = tfds.image_classification.Cifar10._cifar_info.fget
    monkeypatch.setattr(
        tfds.image_classification.Cifar10,
        "_cifar_info",
        property(lambda builder: official(builder)._replace(url=url + "cifar.tar.gz")),
    )
    _serve(monkeypatch, "cifar10", url + "cifar.tar.gz")
    return made


@pytest.fixture
def local_imdb(web, monkeypatch) -> dict[str, dict[str, int]]:
    """A few made-up reviews, in Maas's folders, where IMDB is downloaded from: text → label of each split."""
    pytest.importorskip("tensorflow_datasets")
    from tensorflow_datasets.datasets.imdb_reviews import imdb_reviews_dataset_builder

    folder, url = web
    reviews = {
        split: {f"{('bad', 'good')[n % 2]} film, très <br /> №{n} of {split}": n % 2 for n in range(10)}
        for split in ("train", "test")
    }
    files = {
        f"aclImdb/{split}/{('neg', 'pos')[label]}/{number}.txt": text.encode()
        for split, texts in reviews.items()
        for number, (text, label) in enumerate(texts.items())
    }
    _tar(folder / "imdb.tar.gz", {**files, "aclImdb/train/unsup/0.txt": b"no label"})
    monkeypatch.setattr(imdb_reviews_dataset_builder, "_DOWNLOAD_URL", url + "imdb.tar.gz")
    _serve(monkeypatch, "imdb", url + "imdb.tar.gz")
    return reviews


@pytest.fixture
def small_mnist(local_mnist, tmp_path) -> Path:
    """A data folder in which TFDS prepared the images of `local_mnist`."""
    prepare("mnist", tmp_path / "tfds")
    return tmp_path / "tfds"


@pytest.fixture
def convert(small_mnist):
    """A function that writes the records of small MNIST in another file format, edited if so wished."""
    import tensorflow_datasets as tfds

    def convert(file_format: str = "parquet", *, write=_write_parquet, edit=lambda records: records) -> Path:
        folder = small_mnist / "mnist" / "3.0.1"
        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        builder = tfds.builder_from_directory(folder)
        for split in ("train", "test"):
            records = [bytes(record) for record in builder.as_data_source(split, deserialize_method=raw)]
            write(folder / f"mnist-{split}.{file_format}-00000-of-00001", edit(records))
        for file in folder.glob("*.array_record-*"):
            file.unlink()
        info = json.loads((folder / "dataset_info.json").read_text())
        (folder / "dataset_info.json").write_text(json.dumps(info | {"fileFormat": file_format}))
        return small_mnist

    return convert


@pytest.fixture
def parquet_mnist(convert) -> Path:
    """The same as `small_mnist`, as parquet: one binary column of records, as TFDS writes it."""
    return convert()


def _write_parquet(path: Path, records: list[bytes]) -> None:
    """Writes records as TFDS does."""
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"data": pyarrow.array(records, pyarrow.binary())}), path)


_REAL_DATA = os.environ.get("TFDS_DATA_DIR", "")


@pytest.fixture
def real_data() -> Path:
    """The folder with the real data sets, or the test is skipped."""
    if not _REAL_DATA or not (Path(_REAL_DATA) / "mnist" / "3.0.1").is_dir():
        pytest.skip("TFDS_DATA_DIR does not hold mnist/3.0.1")
    return Path(_REAL_DATA)


@pytest.fixture
def shared_cache(monkeypatch, tmp_path_factory):
    """One cache for all tests that read real data, so that it is decoded once a session."""
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "real-cache"))


def _serve(monkeypatch, name: str, url: str) -> None:
    monkeypatch.setitem(catalog.KNOWN, name, dataclasses.replace(catalog.KNOWN[name], url=url))


def _cifar_bytes(x: np.ndarray, y: np.ndarray) -> bytes:
    rows = np.concatenate([y[:, None].astype(np.uint8), x.transpose(0, 3, 1, 2).reshape(len(x), -1)], axis=1)
    return rows.tobytes()


def _tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
