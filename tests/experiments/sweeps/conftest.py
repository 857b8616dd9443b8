"""What a sweep notes of this machine stays in the test."""

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KSM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"
