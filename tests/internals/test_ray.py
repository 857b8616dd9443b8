"""What `_internals.ray` relies on."""

import os
import sys
import warnings
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not installed")

from keras_selfmodel._internals.ray import listening_here_only
from tests.internals.contract import contract

LOOPBACK = {"0100007F", "0" * 16 + "FFFF0000" + "0100007F", "0" * 24 + "01000000"}
LISTENS = "0A"


def listening() -> set[str]:
    """Address and port of every socket that listens, in the hexadecimal of Linux."""
    lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {fields[1] for fields in map(str.split, lines) if fields[3] == LISTENS}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_cluster_of_this_machine_listens_on_it_alone():
    with contract("ray", "ray.py", "its servers listen on 127.0.0.1 where ENABLE_RAY_CLUSTER is false"):
        import ray

        before, environment = listening(), dict(os.environ)
        with listening_here_only(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
            ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
        try:
            assert ray.get(ray.remote(lambda: 1).remote()) == 1  # the sockets of workers, too
            opened = listening() - before
        finally:
            ray.shutdown()
        assert opened and {address.split(":")[0] for address in opened} <= LOOPBACK
        name = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
        assert os.environ.get(name) == environment.get(name)
