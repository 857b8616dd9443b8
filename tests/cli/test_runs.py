import json

import pytest

from keras_selfmodel.experiments.run_folder import RunFolder
from tests.studies.made_up import estimate, made_up_run, written


@pytest.fixture
def folder(tmp_path):
    """A finished run, one whose RLCT is not to be used, an unfinished, a failed and a damaged one."""
    for name, value in (("good", 40.0), ("lost", -5.0)):
        rlct = estimate(value, verdict="reliable" if value > 0 else "not to be used")
        written(made_up_run(10.0, 1, rlct=rlct), tmp_path / "runs" / name)
    for name in ("cut", "failed", "damaged"):
        files = RunFolder(written(made_up_run(10.0, 1), tmp_path / "runs" / "others" / name).folder)
        files.path.joinpath("metrics.json").unlink()
        if name == "failed":
            files.write_failure("too large")
        if name == "damaged":
            files.path.joinpath("metrics.json").write_text("{")
    return tmp_path / "runs"


def test_every_run_is_listed_with_its_state_and_measures(ksm, folder):
    rows = {one["run"].split("runs/", 1)[1]: one for one in json.loads(ksm("runs", folder, "--json").stdout)}
    assert {name: row["state"] for name, row in rows.items()} == {
        "good": "finished", "lost": "finished", "others/cut": "unfinished, 50 epochs", "others/failed": "failed",
        "others/damaged": "damaged",
    }  # fmt: skip
    assert (rows["good"]["rlct"], rows["lost"]["rlct"], rows["others/cut"]["accuracy"]) == (40.0, None, None)
    table = ksm("runs", folder).stdout
    assert "-5.0!" in table and "! an estimate that is not to be used" in table


def test_a_folder_without_runs_is_said(ksm, tmp_path):
    answer = ksm("runs", tmp_path)
    assert answer.exit_code == 1 and "contains no runs. Create some with ksm run" in answer.stderr
