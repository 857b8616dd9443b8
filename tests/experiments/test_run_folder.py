import os
from pathlib import Path

import pytest

from keras_selfmodel._whole_files import write_csv, write_whole
from keras_selfmodel.experiments.run_config import CONFIG
from keras_selfmodel.experiments.run_folder import FolderBusyError, FolderTakenError, RunFolder, RunFolderError

ROWS = [{"epoch": 1, "loss": 0.1 + 0.2, "accuracy": 1 / 3}, {"epoch": 2, "loss": 1e-9, "accuracy": 1.0}]


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    def write(file):
        file.write_text("half of it")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "new" / "file.txt", write)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_writer_that_fails_leaves_the_old_file_as_it_was(tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("old")

    def write(half):
        half.write_text("half of it")
        assert file.read_text() == "old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(file, write)
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert file.read_text() == "old"


def test_the_writer_gets_a_file_with_the_same_suffix_in_the_same_folder(tmp_path):
    seen = []
    write_whole(tmp_path / "model.keras", lambda file: (seen.append(file), file.write_bytes(b"")))
    assert (seen[0].suffix, seen[0].parent) == (".keras", tmp_path)


def test_the_history_is_read_as_it_was_written(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_history(ROWS)
    assert folder.read_history() == ROWS
    first = folder.history.read_bytes()
    folder.write_history(folder.read_history())
    assert folder.history.read_bytes() == first


def test_texts_that_look_like_formulas_are_escaped_in_tables_and_numbers_are_not(tmp_path):
    row = {"a": "=1+1", "b": "+x", "c": "-x", "d": "@x", "e": -1.5, "f": "x=1", "g": None, "h": "\tx"}
    write_csv(tmp_path / "table.csv", [row])
    assert (tmp_path / "table.csv").read_text() == "a,b,c,d,e,f,g,h\n'=1+1,'+x,'-x,'@x,-1.5,x=1,,'\tx\n"


def test_a_folder_without_history_has_no_epochs(tmp_path):
    assert RunFolder(tmp_path).read_history() == []


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (b"epoch,loss\n1,much\n", "line 2: loss must be a number. Received: 'much'"),
        (b"epoch,loss\n1\n", "line 2 must have a cell for each column"),
        (b"epoch,loss\n1,2,3\n", "line 2 must have a cell for each column"),
        (b"epoch,loss\n1,0.5\n1,0.4\n", "line 3: epoch must be 2. Received: 1"),
        (b"epoch,loss\n2,0.5\n", "line 2: epoch must be 1. Received: 2"),
        (b"epoch,loss\n1.0,0.5\n", "line 2: epoch must be a whole number. Received: '1.0'"),
        (b"epoch,loss\n", "it has no epochs"),
        (b"", "it has no epochs"),
        (b"\xff\xfe,", ".*can't decode"),
    ],
)
def test_a_damaged_history_is_named_with_its_line(tmp_path, damage, named):
    folder = RunFolder(tmp_path)
    folder.history.write_bytes(damage)
    with pytest.raises(RunFolderError, match=f"history.csv is damaged: {named}"):
        folder.read_history()


@pytest.mark.parametrize("damage", ['{"recipe": {', "", "[1, 2]", "12"])
def test_damaged_json_is_named(tmp_path, damage):
    (tmp_path / "config.json").write_text(damage)
    with pytest.raises(RunFolderError, match="config.json"):
        RunFolder(tmp_path).read("config.json", CONFIG)


def test_tidying_leaves_only_what_a_finished_run_needs(tmp_path):
    folder = RunFolder(tmp_path)
    folder.figures.mkdir()
    for name in ("model.keras", "checkpoint.keras", "figures/spread.png"):
        (tmp_path / name).write_bytes(b"")

    def killed(file):
        file.write_bytes(b"half of it")
        file.rename(file.with_name(file.name.replace("written.", "written.0")))

    for target in (folder.model, folder.figures / "losses.png"):
        with pytest.raises(FileNotFoundError):
            write_whole(target, killed)
    folder.tidy()
    assert {path.name for path in tmp_path.rglob("*")} == {"model.keras", "figures", "spread.png"}


@pytest.mark.parametrize(("finished", "words"), [(True, "a finished run"), (False, "an unfinished run")])
def test_a_taken_folder_says_what_it_holds(tmp_path, finished, words):
    error = FolderTakenError(tmp_path, finished=finished)
    assert words in str(error) and "resume=True" in str(error) and error.finished is finished


def test_a_folder_is_one_process_s_at_a_time(tmp_path):
    here, there = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    with here.locked():
        with pytest.raises(FolderBusyError, match="another process"):
            with there.locked():
                pass
    with there.locked():
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_halves_that_a_kill_left_go_when_the_file_is_written_again_and_those_being_written_stay(tmp_path):
    names = (".half-written.0123456789ab.a[1].npz", ".half-written.ba9876543210.a[1].npz")
    old, new, other = (tmp_path / name for name in (*names, ".half-written.0123456789ab.a1.npz"))
    for file in (old, new, other):
        file.write_bytes(b"half")
    for file in (old, other):
        os.utime(file, (0, 0))
    write_whole(tmp_path / "a[1].npz", lambda part: part.write_bytes(b"whole"))
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["a[1].npz", new.name, other.name])


def test_what_is_written_to_a_device_goes_there_and_leaves_the_device(monkeypatch, tmp_path):
    # What stands for a device: to make one takes an administrator, whom a write to a real one could cost it.
    device = tmp_path / "device"
    device.write_bytes(b"")
    there = device.stat().st_ino
    monkeypatch.setattr(Path, "is_char_device", lambda path: path == device)
    write_whole(device, lambda part: part.write_bytes(b"whole"))
    assert device.read_bytes() == b"whole" and device.stat().st_ino == there and list(tmp_path.iterdir()) == [device]
