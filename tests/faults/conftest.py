"""Every test here runs the program as the tests of cli do, and shares the data and runs of other rooms' tests."""

from tests.cli.conftest import isolated, ksm, tiny_mnist
from tests.datasets.conftest import local_mnist, web
from tests.experiments.conftest import recipe, tiny

__all__ = ["isolated", "ksm", "local_mnist", "recipe", "tiny", "tiny_mnist", "web"]
