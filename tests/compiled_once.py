"""XLA takes longer to compile a tiny network than the tests to train it: what it compiled is kept for the session."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory) -> None:
    """Gives JAX a cache of compiled programs, which the processes that tests start share."""
    if os.environ["KERAS_BACKEND"] != "jax":
        yield
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    base = tmp_path_factory.getbasetemp()
    # Of pytest's worker processes each has a folder of its own in that of the session.
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR") or str(session / "compiled")
    settings = {
        "jax_compilation_cache_dir": folder,
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            jax.config.update(name, value)
            patch.setenv(name.upper(), str(value))
        compilation_cache.reset_cache()  # JAX looks only once whether there is a cache.
        yield
