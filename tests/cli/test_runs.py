import json
import re

import pytest

from keras_selfmodel.experiments.run_folder import RunFolder
from tests.studies.made_up import estimate, made_up_run, written


@pytest.fixture
def folder(tmp_path):
    """A finished run, one that has an RLCT not to be used and no spread, an unfinished, a failed and a damaged one."""
    written(made_up_run(10.0, 1, rlct=estimate(40.0, std_error=2.0), rlct_descended=45.0), tmp_path / "runs" / "good")
    lost = made_up_run(10.0, 1, rlct=estimate(-5.0, verdict="not to be used"), weight_spread=None)
    written(lost, tmp_path / "runs" / "lost", history=[{"epoch": 1, "loss": 1.0}])
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
    good, lost = rows["good"], rows["lost"]
    assert good["rlct"] == {"value": 40.0, "std_error": 2.0, "verdict": "reliable"}
    assert good["rlct_descended"] == {"value": 45.0, "std_error": None, "verdict": "reliable"}
    assert lost["rlct"] == {"value": -5.0, "std_error": None, "verdict": "not to be used"}
    assert lost["rlct_descended"] is None and lost["weight_spread"] is None and rows["others/cut"]["accuracy"] is None
    lines = {line.split()[0]: line.split() for line in ksm("runs", folder).stdout.splitlines() if line.strip()}
    assert lines["good"] == ["good", "finished", "0.9700", "0.0900", "40.0", "45.0"]
    assert lines["lost"] == ["lost", "finished", "0.9700", "not", "a", "number", "−5.0!"]
    assert " ".join(lines["!"]) == "! an estimate that is not to be used"
    assert re.search(r"damaged.(metrics|history|config)\.\w+ ", rows["others/damaged"]["reason"])
    assert rows["others/damaged"]["reason"] in " ".join(ksm("runs", folder).stderr.split())


def test_a_finished_run_whose_configuration_is_lost_is_listed(ksm, folder):
    (folder / "good" / "config.json").unlink()
    (row,) = [one for one in json.loads(ksm("runs", folder, "--json").stdout) if one["run"].endswith("good")]
    assert row["state"] == "finished" and row["rlct"]["value"] == 40.0


def test_a_folder_without_runs_is_said(ksm, tmp_path):
    answer = ksm("runs", tmp_path)
    assert answer.exit_code == 1 and "contains no runs. Create some with ksm run" in answer.stderr
