import csv
import errno
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from keras_selfmodel import _whole_files
from keras_selfmodel._whole_files import _end_of_links, _is_open_here, _may_be_replaced, write_csv, write_whole
from keras_selfmodel.experiments.folder_errors import (
    DamagedRunError,
    FolderBusyError,
    FolderTakenError,
    MissingRunFileError,
    RunFolderError,
)
from keras_selfmodel.experiments.listing import listed_runs
from keras_selfmodel.experiments.run_config import CONFIG
from keras_selfmodel.experiments.run_folder import RunFolder
from keras_selfmodel.experiments.run_store import find_runs, read_run
from keras_selfmodel.experiments.sweeps.results_table import write_results

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
    row |= {"i": " =x", "j": "\n", "k": "\u00a0@x", "l": "\uff1dx", "m": "\u3000\uff0dx", "n": " x"}
    write_csv(tmp_path / "table.csv", [row])
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        [read] = csv.DictReader(file)
    escaped = {name: f"'{row[name]}" for name in "abcdhijklm"}
    assert read == {"e": "-1.5", "f": "x=1", "g": "", "n": " x"} | escaped


def test_a_folder_in_the_place_of_a_lock_is_said_with_what_to_do(tmp_path):
    for name in (".lock", ".results.lock"):
        (tmp_path / name).mkdir()
        with pytest.raises(RunFolderError, match=rf"{name} is a folder, and must be a file or nothing.* Remove it\."):
            with RunFolder(tmp_path).locked():
                write_results(tmp_path)
        (tmp_path / name).rmdir()


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
        (b"\xff\xfe,", "it is not UTF-8 text"),
        (b"epoch,loss,loss\n1,0.5,0.4\n", "line 1 names the column loss twice"),
        (b"epoch,weight_spread\n1,-3\n", "line 2: weight_spread must not be negative. Received: -3.0"),
        (b"epoch,loss\n1,0.5\n2,1e308\n", r"line 3: loss must be at most 3.5e\+38. Received: 1e\+308"),
        (b"epoch,val_accuracy\n1,1.5\n", "line 2: val_accuracy must lie between 0 and 1. Received: 1.5"),
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
    for name in ("model.keras", "checkpoint.keras", "sampling-trained.npz", "figures/spread.png"):
        (tmp_path / name).write_bytes(b"")

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


def killed(file: Path) -> None:
    """Leaves a partial file as a kill does: it is there, and not under the name that the writer removes."""
    file.write_bytes(b"half of it")
    file.rename(file.with_name(file.name.replace("written.", "written.0")))


def test_who_opens_a_run_removes_partial_files_of_it_and_none_that_others_write_there(tmp_path):
    folder = RunFolder(tmp_path)
    own = (folder.model, folder.history, folder.sampling("trained"), folder.figures / "losses.png", folder.kept(3))
    others = (tmp_path / "failed.json", tmp_path / "identity.csv", folder.figures / "identity.png")
    for target in (*own, *others):
        with pytest.raises(FileNotFoundError):
            write_whole(target, killed)
    with folder.locked():
        left = {file.name.split(".", 3)[3] for file in tmp_path.rglob(".half-written.*")}
    assert left == {file.name for file in others}


# Dies while it writes; of the package only the module, because all of it would import Keras.
DYING = """
import os, pathlib, sys
sys.path.append(sys.argv[1])
from _whole_files import write_whole
write_whole(pathlib.Path(sys.argv[2]), lambda part: (part.write_bytes(b"half"), os._exit(0)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the running system has no name")
def test_who_writes_removes_once_what_a_process_that_is_gone_left_and_nothing_else(tmp_path, monkeypatch):
    package = Path(_whole_files.__file__).parent
    subprocess.run([sys.executable, "-c", DYING, str(package), str(tmp_path / "a.csv")], check=True)
    (abandoned,) = tmp_path.iterdir()
    system, process, rest = abandoned.name.removeprefix(".half-written.").split("-")
    # Of a process that lives, of another system, and of one without a name.
    others = [f"{system}-{os.getpid()}-{rest}", f"{system[::-1]}-{process}-{rest}", f"-{process}-{rest}"]
    for name in others:
        (tmp_path / f".half-written.{name}").write_bytes(b"half")
    write_whole(tmp_path / "b.csv", lambda part: part.write_bytes(b"whole"))
    assert {file.name for file in tmp_path.iterdir()} == {"b.csv", *(f".half-written.{name}" for name in others)}
    for name in ("listdir", "scandir"):  # Folders hold thousands of files.
        monkeypatch.setattr(os, name, lambda *_: pytest.fail("the folder is listed again"))
    write_whole(tmp_path / "c.csv", lambda part: part.write_bytes(b"whole"))


@pytest.mark.parametrize("linked", [False, True])
def test_what_is_written_to_a_pipe_goes_through_it_and_leaves_the_pipe(tmp_path, linked):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    # Without waiting for a writer: for one that never comes the test would wait for ever.
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as end:
        write_whole(link if linked else pipe, lambda part: part.write_bytes(b"whole"))
        assert end.read() == b"whole"
    assert pipe.is_fifo() and link.is_symlink() and sorted(tmp_path.iterdir()) == [link, pipe]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full")
def test_a_device_that_takes_nothing_is_named_with_the_reason(tmp_path):
    link = tmp_path / "figure.png"  # a link, lest the device be lost if it were replaced
    link.symlink_to("/dev/full")
    with pytest.raises(OSError) as caught:
        write_whole(link, lambda part: part.write_bytes(b"whole"))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(link))
    assert list(tmp_path.iterdir()) == [link] and link.is_symlink()


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")
def test_what_is_written_to_an_open_file_goes_to_its_end_and_leaves_the_file(tmp_path, linked):
    # As /dev/stdout is one when it is redirected to a file.
    log, link = tmp_path / "log", tmp_path / "link"
    with log.open("wb", buffering=0) as stream:
        stream.write(b"before, ")
        place = Path(f"/proc/self/fd/{stream.fileno()}")
        link.symlink_to(place)
        write_whole(link if linked else place, lambda part: part.write_bytes(b"whole, "))
        stream.write(b"after")
    assert log.read_bytes() == b"before, whole, after" and sorted(tmp_path.iterdir()) == [link, log]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc")
def test_nothing_is_put_in_the_folder_of_devices_in_place_of_what_is_there():
    # Only asked where it would go: nothing is ever written there.
    assert not _may_be_replaced(Path("/dev/no-such-device")) and _may_be_replaced(Path("/dev/shm/file"))
    stdout = _end_of_links(Path("/dev/stdout"))
    assert _is_open_here(stdout) and stdout.name == "1"
    assert not _is_open_here(_end_of_links(Path("/dev/no-such-device")))
    assert not _is_open_here(_end_of_links(Path("/dev/shm/file")))


def test_the_digest_of_a_network_is_that_of_each_part_of_its_file_and_reads_none_of_them(tmp_path):
    files, found = RunFolder(tmp_path), []
    with pytest.raises(MissingRunFileError, match=r"model\.keras is missing: the run has no trained network"):
        files.network_digest()
    for weights, when in ((b"\0" * 1000, "9:00"), (b"\0" * 999 + b"\1", "9:00"), (b"\0" * 1000, "9:01")):
        with zipfile.ZipFile(files.model, "w") as archive:
            archive.writestr("metadata.json", when)
            archive.writestr("model.weights.h5", weights)
        found.append(files.network_digest())
    assert len(set(found)) == 3
    content = files.model.read_bytes()
    files.model.write_bytes(b"x" * content.index(b"PK\1\2") + content[content.index(b"PK\1\2") :])
    assert files.network_digest() == found[-1]  # of the list at the archive's end alone
    files.model.write_bytes(content[:500])
    with pytest.raises(DamagedRunError, match="cannot be read as a network"):
        files.network_digest()


def test_through_a_link_the_file_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    file, link, new = tmp_path / "there" / "file.txt", tmp_path / "link.txt", tmp_path / "new.txt"
    file.write_text("old")
    link.symlink_to(file)
    new.symlink_to(tmp_path / "missing" / "file.txt")
    for one in (link, new):
        write_whole(one, lambda part: part.write_text("new"))
    assert link.is_symlink() and file.read_text() == "new"
    assert new.is_symlink() and (tmp_path / "missing" / "file.txt").read_text() == "new"
    assert [one.name for one in file.parent.iterdir()] == ["file.txt"]


def test_a_file_of_a_long_name_is_written(tmp_path):
    file = tmp_path / f"{'ä' * 120}.keras"  # 246 bytes, of 255 that a name may have
    seen = []
    write_whole(file, lambda part: (seen.append(part.suffix), part.write_bytes(b"whole")))
    assert file.read_bytes() == b"whole" and seen == [".keras"]


def test_what_cannot_be_removed_afterwards_does_not_hide_why_it_was_not_written(tmp_path, monkeypatch):
    def protected(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", protected)
    with pytest.raises(OSError) as caught:
        write_whole(tmp_path / "table.csv", protected)
    assert (caught.value.errno, caught.value.filename) == (errno.EROFS, str(tmp_path / "table.csv"))


def test_control_characters_are_spelled_out_in_tables_and_unseen_ones_hide_no_formula(tmp_path):
    texts = {
        "a": "\x1b[31mred",
        "b": "\u200b=1+1",
        "c": "\u202e \uff1d1",
        "d": "two\nlines",
        "e": "\u200bplain",
        "f": "\udcff",
    }
    write_csv(tmp_path / "table.csv", [texts])
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == texts | {"a": "\\x1b[31mred", "b": "'\u200b=1+1", "c": "'\u202e \uff1d1", "f": "\\udcff"}


def test_a_result_that_is_a_link_around_or_nowhere_is_damaged(tmp_path):
    for name, target in (("around", "metrics.json"), ("nowhere", "missing.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "metrics.json").symlink_to(target)
        with pytest.raises(DamagedRunError, match=r"metrics\.json is damaged"):
            read_run(tmp_path / name)
        assert RunFolder(tmp_path / name).finished
    assert {run.folder.name: run.state for run in listed_runs(tmp_path)} == {"around": "damaged", "nowhere": "damaged"}
    assert len(find_runs(tmp_path).damaged) == 2
