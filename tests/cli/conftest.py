"""Every test here runs the program in an empty folder, without data and network, on the session's backend."""

import dataclasses
import os

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

from keras_selfmodel import datasets
from ksm_cli.main import main


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """A cache, home and data folder of its own, and a dead proxy in place of the network."""
    (tmp_path / "tfds").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", keras.config.backend())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for scheme in ("http", "https", "all", "HTTP", "HTTPS", "ALL"):
        monkeypatch.setenv(f"{scheme}_proxy" if scheme.islower() else f"{scheme}_PROXY", "http://127.0.0.1:9")
    # Set by the program for its own process: noted here, so that they are as before afterwards.
    for name in ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
        monkeypatch.delenv(name)


@pytest.fixture
def ksm():
    """Runs the program in this process: `ksm("run", "mnist")`."""

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="ksm")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def tiny_mnist(monkeypatch) -> datasets.Dataset:
    """100 + 20 random images in the place of MNIST."""
    rng = np.random.default_rng(0)
    images, labels = (
        rng.integers(0, 256, (120, 28, 28, 1), dtype=np.uint8),
        np.arange(120, dtype=np.int32) % 10,
    )
    arrays = {
        "x_train": images[:100],
        "y_train": labels[:100],
        "x_test": images[100:],
        "y_test": labels[100:],
    }
    dataset = datasets.Dataset("mnist", **arrays, num_classes=10, source="made up", digest="ab" * 32, is_subset=False)
    monkeypatch.setattr(datasets, "load", lambda name, data_dir=None: dataclasses.replace(dataset, name=name))
    return dataset
