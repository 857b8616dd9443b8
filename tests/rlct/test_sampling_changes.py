"""What a type checker knows of the settings that are given as keywords."""

import inspect
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import keras_selfmodel as ksm
from keras_selfmodel.rlct import SamplingSettings, calibrate_rlct, estimate_of_function, localization_profile
from keras_selfmodel.rlct.samplers import SAMPLERS, SamplerName
from keras_selfmodel.rlct.sampling_changes import EstimateArguments, SamplingChanges

ROOT = Path(__file__).resolve().parents[2]


def test_the_keywords_are_the_fields_of_the_settings():
    fields, keywords = get_type_hints(SamplingSettings), get_type_hints(SamplingChanges)
    assert set(keywords) == set(fields)
    for name in set(fields) - {"sampler"}:
        # A keyword may be None where the field will be a number: the settings say so then.
        assert set(get_args(fields[name]) or [fields[name]]) <= set(get_args(keywords[name]) or [keywords[name]]), name
    assert set(get_args(SamplerName)) == set(SAMPLERS)


def test_what_is_handed_on_to_the_estimator_has_its_keywords():
    parameters = inspect.signature(ksm.estimate_rlct).parameters.values()
    named = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY} - {"settings"}
    assert set(get_type_hints(EstimateArguments)) - set(get_type_hints(SamplingChanges)) == named


@pytest.mark.parametrize("function", [ksm.estimate_rlct, calibrate_rlct, localization_profile, estimate_of_function])
def test_an_unknown_keyword_is_answered_with_those_there_are(function):
    required = (None,) * (3 if function is estimate_of_function else 2)
    found = rf"{function.__name__} got .*'num_chain'. Did you mean 'num_chains'\? It takes .*settings.* convention, "
    with pytest.raises(TypeError, match=found):
        function(*required, num_chain=2)
    with pytest.raises(TypeError, match="settings must be a SamplingSettings.* of type dict"):
        function(*required, settings={"num_chains": 2})


def test_a_callback_looks_at_its_keywords_before_training():
    with pytest.raises(TypeError, match="callbacks.RLCT got .*'num_chain'"):
        ksm.callbacks.RLCT(None, num_chain=2)


def test_wrong_keywords_are_caught_by_a_type_checker(tmp_path):
    api = pytest.importorskip("mypy.api", reason="the types are checked in the environment `types`")
    # The package is read where it lies, errors of its own aside.
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--follow-imports", "silent"]
    file = Path(__file__).with_name("wrong_keywords.py")
    found, _, _ = api.run([*options, "--cache-dir", str(tmp_path), str(file)])
    assert "Success" in found, found
    # And they are errors, not ignored in vain.
    found, _, _ = api.run([*options, "--cache-dir", str(tmp_path), "--disable-error-code", "call-arg", str(file)])
    assert 'Unused "type: ignore' in found
