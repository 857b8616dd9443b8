"""What all tests of the RLCT share."""

from tests.compiled_once import compiled_once  # noqa: F401
