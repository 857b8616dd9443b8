"""The resources of a Ray cluster that a sweep uses."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RayCluster:
    """A Ray cluster, and the resources of each task of a sweep. A task computes a group of runs, one after another.

    Attributes:
        address: Where the cluster is: "host:6379", "auto" for the one of this machine; `None` for RAY_ADDRESS, or
            else a cluster that lives on this machine as long as the sweep.
        cpus_per_task: CPU cores of a task.
        gpus_per_task: GPUs of a task; a fraction lets tasks share one.
        memory_per_task: Bytes that Ray sets aside for a task; `None` for none. It does not limit the task.
        runs_per_task: Maximum number of runs per task; fewer where more tasks keep more of the cluster busy. Runs of
            one size go together, because they share what is compiled.
        retries: Number of retries for a run whose process or machine died.

    Raises:
        ValueError: If a number is out of its range.

    Reference:
        Moritz et al., "Ray: A Distributed Framework for Emerging AI Applications", arXiv 1712.05889.

    Example:

    >>> RayCluster("auto", cpus_per_task=4, gpus_per_task=0.5).runs_per_task
    4
    """

    address: str | None = None
    cpus_per_task: int = 1
    gpus_per_task: float = 0.0
    memory_per_task: float | None = None
    runs_per_task: int = 4
    retries: int = 3

    def __post_init__(self) -> None:
        for name, minimum in {"cpus_per_task": 1, "runs_per_task": 1, "retries": 0}.items():
            value = getattr(self, name)
            if value != int(value) or value < minimum:
                raise ValueError(f"{name} must be a whole number, at least {minimum}. Received: {name}={value}")
        gpus = self.gpus_per_task
        if not gpus >= 0 or gpus > 1 and gpus != int(gpus):
            raise ValueError(f"gpus_per_task must be a part of one GPU or a whole number. Received: {gpus}")
        if self.memory_per_task is not None and not self.memory_per_task > 0:
            raise ValueError(f"memory_per_task must be positive. Received: memory_per_task={self.memory_per_task}")

    @property
    def resources(self) -> dict[str, float]:
        """The resources of a task by Ray's names; without those it does not need."""
        taken = {"CPU": self.cpus_per_task, "GPU": self.gpus_per_task, "memory": self.memory_per_task}
        return {name: amount for name, amount in taken.items() if amount}

    def places(self, nodes: list[dict[str, float]]) -> int:
        """How many tasks fit on machines at a time.

        Args:
            nodes: What each machine has, by Ray's names.

        Example:

        >>> RayCluster(gpus_per_task=1).places([{"CPU": 8, "GPU": 2}, {"CPU": 4}])
        2
        """
        return sum(min(int(node.get(name, 0) // amount) for name, amount in self.resources.items()) for node in nodes)
