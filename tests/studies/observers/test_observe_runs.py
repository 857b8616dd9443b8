import dataclasses
import json

import pytest

from keras_selfmodel.experiments import RunFolderError, RunWarning
from keras_selfmodel.probes.observers import QUESTIONS, ObserverProtocol
from keras_selfmodel.studies.observers import observe_runs
from keras_selfmodel.studies.observers.observing import Observing
from tests.studies.observers.conftest import linear_run

PROTOCOL = ObserverProtocol(capacities=(0,), samples=60, held_out=60)


@pytest.fixture(scope="module")
def results(kernels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        linear_run(folder / f"aux{weight}-seed{seed}", (kernels[0] + 0.1 * seed * weight, kernels[1]), weight, seed)
        for weight in (0, 10)
        for seed in (1, 2)
    ]


@pytest.fixture
def observed_networks(monkeypatch) -> list[str]:
    """Names of the runs that are observed, as they are."""
    names, observe = [], Observing.observe
    monkeypatch.setattr(
        Observing,
        "observe",
        lambda self, run, *args, **kwargs: names.append(run.result.folder.name) or observe(self, run, *args, **kwargs),
    )
    return names


def test_an_interrupted_call_goes_on_and_ends_the_same(results, dataset, tmp_path, observed_networks):
    whole = observe_runs(results, dataset, tmp_path / "whole", protocol=PROTOCOL)

    def interrupt(done, total):
        assert total == 16
        if done == 6:  # in the middle of the second network
            raise KeyboardInterrupt

    observed_networks.clear()
    with pytest.raises(KeyboardInterrupt):
        observe_runs(results, dataset, tmp_path / "cut", protocol=PROTOCOL, progress=interrupt)
    assert observe_runs(results, dataset, tmp_path / "cut", protocol=PROTOCOL) == whole
    assert observed_networks == [f"aux{name}" for name in ("0-seed1", "0-seed2", "0-seed2", "10-seed1", "10-seed2")]


def test_questions_asked_later_are_added(results, dataset, tmp_path, observed_networks):
    first = observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1])
    both = observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:2])
    assert both[0].observations[:1] == first[0].observations and len(both[0].observations) == 2
    assert observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1]) == first
    assert len(observed_networks) == 2


def test_another_protocol_is_refused_and_named(results, dataset, tmp_path):
    observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1])
    other = ObserverProtocol(capacities=(0,), samples=59, held_out=60)
    with pytest.raises(RunFolderError, match="samples: 60 there, 59 here. Choose another folder"):
        observe_runs(results[:1], dataset, tmp_path, protocol=other, questions=QUESTIONS[:1])


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"protocol": {}, "observations": [{}]}'])
def test_a_damaged_file_is_named_and_its_network_observed_again(results, dataset, tmp_path, content):
    whole = observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1])
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    with pytest.warns(RunWarning, match=f"{file.name} is damaged.* The network is observed again"):
        again = observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1])
    assert again == whole == observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1])


def test_a_network_that_cannot_be_read_is_left_out(results, dataset, tmp_path):
    damaged = dataclasses.replace(results[1], folder=tmp_path / "damaged")
    damaged.folder.mkdir()
    for content in (None, b"", b"PK"):
        if content is not None:
            (damaged.folder / "model.keras").write_bytes(content)
        lack = "missing" if content is None else "damaged"
        with pytest.warns(RunWarning, match=f"Left out: .*model.keras is {lack}"):
            found = observe_runs([damaged, results[0]], dataset, tmp_path / "out", protocol=PROTOCOL)
        assert [one.result for one in found] == [results[0]]
    with pytest.warns(RunWarning), pytest.raises(RunFolderError, match="No network of these runs can be read"):
        observe_runs([damaged], dataset, tmp_path / "out", protocol=PROTOCOL)


def test_what_is_stored_says_how_it_was_made(results, dataset, tmp_path):
    observe_runs(results[:1], dataset, tmp_path, protocol=PROTOCOL, questions=QUESTIONS[:1])
    (file,) = tmp_path.iterdir()
    stored = json.loads(file.read_text())
    assert stored["run"] == "aux0-seed1" and stored["protocol"].items() >= PROTOCOL.to_dict().items()
