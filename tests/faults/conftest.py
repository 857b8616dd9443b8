"""Every test here runs the program as the tests of cli do."""

from tests.cli.conftest import isolated, ksm, tiny_mnist  # noqa: F401
