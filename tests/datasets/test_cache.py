import numpy as np
import pytest

from keras_selfmodel import datasets
from keras_selfmodel.datasets import cache, reading


@pytest.fixture
def decoded(monkeypatch):
    """Counts how often data is decoded."""
    calls = []
    decode = reading._decode
    monkeypatch.setattr(reading, "_decode", lambda *arguments: calls.append(1) or decode(*arguments))
    return calls


def test_the_second_load_decodes_nothing(small_mnist, local_mnist, decoded):
    datasets.load("mnist", small_mnist)
    local_mnist.check(datasets.load("mnist", small_mnist))
    assert len(decoded) == 1


def test_the_cache_is_one_complete_file_in_the_chosen_folder(small_mnist, tmp_path):
    dataset = datasets.load("mnist", small_mnist)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [f"mnist-{dataset.digest}.npz"]


def _truncate(file):
    file.write_bytes(file.read_bytes()[:-100])


def _flip_a_byte(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def _empty(file):
    file.write_bytes(b"")


def _replace_by_other_arrays(file):
    np.savez(file, x=np.zeros(3))


@pytest.mark.parametrize("damage", [_truncate, _flip_a_byte, _empty, _replace_by_other_arrays])
def test_a_damaged_cache_is_written_anew(damage, small_mnist, local_mnist, decoded, tmp_path):
    datasets.load("mnist", small_mnist)
    (file,) = (tmp_path / "cache").iterdir()
    damage(file)
    for _ in range(2):
        local_mnist.check(datasets.load("mnist", small_mnist))
    assert len(decoded) == 2


def test_an_unreadable_cache_breaks_nothing(small_mnist, local_mnist, tmp_path):
    datasets.load("mnist", small_mnist)
    (file,) = (tmp_path / "cache").iterdir()
    file.unlink()
    file.mkdir()  # running as root, a test cannot take the right to read away
    with pytest.warns(UserWarning, match="KSM_CACHE_DIR"):
        local_mnist.check(datasets.load("mnist", small_mnist))
    assert list((tmp_path / "cache").iterdir()) == [file]  # no temporary file is left


def test_an_unwritable_cache_is_a_warning(small_mnist, local_mnist, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.warns(UserWarning, match="KSM_CACHE_DIR"):
        local_mnist.check(datasets.load("mnist", small_mnist))


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.write("key", {"x": np.zeros(3)})
    assert list((tmp_path / "cache").iterdir()) == []


def test_texts_come_back_as_they_were():
    texts = np.array(["", "a\0b", "line\nline\r\n", "naïve 😀", '"quoted" \\'], dtype=object)
    cache.write("key", {"x_train": texts})
    assert cache.read("key")["x_train"].tolist() == texts.tolist()


def test_the_folder_follows_xdg_where_none_is_chosen(monkeypatch, tmp_path):
    monkeypatch.delenv("KSM_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_root() == tmp_path / "xdg" / "keras_selfmodel"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_root() == tmp_path / ".cache" / "keras_selfmodel"
