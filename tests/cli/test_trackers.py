"""Runs followed in MLflow and TensorBoard, on local folders."""

import importlib.util

import pytest


def _run(ksm, *options):
    sizes = "--hidden", 4, "--epochs", 2, "--batch-size", 20
    return ksm("run", "mnist", *sizes, "--no-rlct", "--out", "run", *options)


def test_a_run_is_followed_in_mlflow(ksm, tiny_mnist, monkeypatch, tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "followed").as_uri())
    assert _run(ksm, "--tracker", "mlflow", "--json").exit_code == 0
    (found,) = mlflow.MlflowClient().search_runs(["0"])
    assert found.info.run_name == "mnist-hidden4-aux10-seed1" and found.info.status == "FINISHED"
    assert found.data.params["hidden"] == "4" and found.data.params["optimizer_name"].startswith("sgd")
    spread = mlflow.MlflowClient().get_metric_history(found.info.run_id, "weight_spread")
    history = [line.split(",") for line in (tmp_path / "run" / "history.csv").read_text().splitlines()]
    expected = [float(row[history[0].index("weight_spread")]) for row in history[1:]]
    assert [one.value for one in spread] == pytest.approx(expected) and len(expected) == 2
    assert found.data.metrics["final_weight_spread"] == pytest.approx(expected[-1])


# MLflow uses what SQLAlchemy warns of.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mlflow_writes_to_a_database_or_it_is_told_what_to_install_or_set(ksm, tiny_mnist, monkeypatch, tmp_path):
    """mlflow-skinny, whose default is a database all the same, writes to none."""
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'followed.db'}")
    answer = _run(ksm, "--tracker", "mlflow")
    if importlib.util.find_spec("sqlalchemy") is not None:  # of the whole MLflow
        assert answer.exit_code == 0, answer.stderr
        assert (tmp_path / "followed.db").stat().st_size > 0
        return
    assert answer.exit_code == 1
    assert "--tracker mlflow: The MLflow that is installed cannot write to sqlite:" in answer.stderr
    assert "pip install mlflow" in answer.stderr and "MLFLOW_ALLOW_FILE_STORE=true" in answer.stderr
    assert answer.stderr.count("\n") == 1 + answer.stderr.count("loaded ")


def test_a_run_is_followed_in_tensorboard(ksm, tiny_mnist, tmp_path):
    if importlib.util.find_spec("tensorflow") is None:
        answer = _run(ksm, "--tracker", "tensorboard")
        assert answer.exit_code == 1 and "writes TensorBoard's files with TensorFlow: pip install" in answer.stderr
        assert not (tmp_path / "run").exists()
        return
    assert _run(ksm, "--tracker", "tensorboard", "--json").exit_code == 0
    assert len(list((tmp_path / "run" / "tensorboard").glob("*/events.out.tfevents.*"))) == 2  # training, validation


@pytest.mark.parametrize("tracker", ["mlflow", "tensorboard", "wandb"])
def test_a_tracker_that_is_missing_is_named_with_the_line_that_installs_it(ksm, tmp_path, monkeypatch, tracker):
    there = importlib.util.find_spec
    missing = {tracker: None, "tensorflow": object()}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: missing[name] if name in missing else there(name, *rest)
    )
    answer = _run(ksm, "--tracker", tracker)
    assert answer.exit_code == 1 and f"--tracker {tracker} needs {tracker}: pip install {tracker}" in answer.stderr
    assert not (tmp_path / "run").exists()
