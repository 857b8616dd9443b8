"""What a type checker knows of the settings that are given as keywords."""

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from keras_selfmodel.rlct import SamplingSettings
from keras_selfmodel.rlct.samplers import SAMPLERS
from keras_selfmodel.rlct.sampling_changes import SamplerName, SamplingChanges

ROOT = Path(__file__).resolve().parents[2]


def test_the_keywords_are_the_fields_of_the_settings():
    fields, keywords = get_type_hints(SamplingSettings), get_type_hints(SamplingChanges)
    assert set(keywords) == set(fields)
    for name in set(fields) - {"sampler"}:
        # A keyword may be None where the field will be a number: the settings say so then.
        assert set(get_args(fields[name]) or [fields[name]]) <= set(get_args(keywords[name]) or [keywords[name]]), name
    assert set(get_args(SamplerName)) == set(SAMPLERS)


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
