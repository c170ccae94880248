"""The part of a node of a Ray cluster that a slot takes, and how many slots fit into a node."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pipeline.errors import JobError
from pipeline.executors.devices import WORKER_BYTES
from pipeline.executors.task import Slots
from pipeline.quantity import counted

Node = Mapping[str, float]
"""The resources of a node, as Ray names them: CPU, GPU, memory (bytes)."""

_PARTS = 10_000
"""Ray counts resources in parts of this size, to the nearest: seven times 1/7 would be more than one GPU."""


@dataclass(frozen=True)
class Share:
    """The part of a node that a slot takes: of its cores, and of a GPU that ``per_gpu`` slots share (0: of none)."""

    cpus: float
    per_gpu: int

    @property
    def gpus(self) -> float:
        """The part of a GPU, a little less rather than more.

        >>> Share(1.0, 1).gpus, Share(1.0, 7).gpus, Share(1.0, 0).gpus
        (1.0, 0.1428, 0.0)
        """
        return math.floor(_PARTS / self.per_gpu) / _PARTS if self.per_gpu else 0.0


def share_of_one(nodes: Collection[Node], wanted: Slots) -> Share:
    """The share of one slot: a part of a GPU where there are any, with its share of the node's cores; else one core.

    >>> share_of_one([{"CPU": 16, "GPU": 2}, {"CPU": 8}], Slots(per_gpu=4))
    Share(cpus=2.0, per_gpu=4)
    >>> share_of_one([{"CPU": 8}], Slots(per_gpu=4))
    Share(cpus=1.0, per_gpu=0)
    >>> share_of_one([{"CPU": 8, "GPU": 2}], Slots(hides_gpus=True))
    Share(cpus=1.0, per_gpu=0)
    >>> share_of_one([{"CPU": 8, "GPU": 2}, {"GPU": 1}], Slots())  # without a core nothing trains
    Share(cpus=4.0, per_gpu=1)
    """
    with_gpus = [node for node in nodes if _gpus(node) and node.get("CPU") and not wanted.hides_gpus]
    shares = [node["CPU"] / _gpus(node) for node in with_gpus]
    if not shares:
        return Share(1.0, 0)
    return Share(math.floor(min(shares) / wanted.per_gpu * _PARTS) / _PARTS, wanted.per_gpu)


def room(node: Node, share: Share) -> int:
    """How many slots fit into a node, by its GPUs, cores and memory.

    >>> room({"CPU": 16, "GPU": 2}, Share(2.0, 4)), room({"CPU": 8}, Share(2.0, 4))
    (8, 0)
    >>> room({"CPU": 16, "memory": 4e9}, Share(1.0, 0))
    6
    """
    fitting = _most(node, share)
    return min(fitting, int(node["memory"] / WORKER_BYTES)) if "memory" in node else fitting


def check_per_gpu(nodes: Collection[Node], wanted: Slots) -> None:
    """JobError for several workers per GPU on a cluster without any."""
    if wanted.per_gpu > 1 and not share_of_one(nodes, wanted).per_gpu:
        raise JobError(
            f"--per-gpu: expected nothing on a cluster without a GPU, got {wanted.per_gpu};"
            " see `ray status`, or leave it out"
        )


def describe_unused(nodes: Collection[Node], share: Share, wanted: Slots, before: Share = Share(0.0, 0)) -> str:
    """What the cluster has and the study does not use, or what it lacks, in one line; "" if nothing.

    ``before`` is the share at the last look.

    >>> describe_unused([{"CPU": 16, "GPU": 2}, {"CPU": 8}], Share(8.0, 1), Slots(follows=True))
    '1 of 2 nodes has no GPU and trains nothing; `--gpus none` trains on the cores of all'
    >>> describe_unused([{"CPU": 2}], Share(1.0, 0), Slots(4))
    'it has room for 2 of 4 workers; the others begin when nodes join'
    >>> describe_unused([{"CPU": 16, "GPU": 2}, {"GPU": 1}], Share(8.0, 1), Slots(follows=True))  # not meant to
    ''
    """
    nodes = [node for node in nodes if node.get("CPU")]
    without = sum(not _gpus(node) for node in nodes)
    rooms = sum((room if wanted.follows else _most)(node, share) for node in nodes)
    if not rooms:
        return "no node has room for a worker; trials begin when one joins"
    if before.per_gpu and not share.per_gpu:
        return "the GPUs have left the cluster; trials begin on cores until one joins"
    if not wanted.follows and rooms < wanted.workers:
        return f"it has room for {rooms} of {wanted.workers} workers; the others begin when nodes join"
    if share.per_gpu and without:
        has = "has" if without == 1 else "have"
        of = f"{without} of {counted(len(nodes), 'node')}"
        return f"{of} {has} no GPU and trains nothing; `--gpus none` trains on the cores of all"
    return ""


def _most(node: Node, share: Share) -> int:
    """How many slots Ray lets a node have, whatever its memory."""
    counts = [node.get("CPU", 0) / share.cpus] if share.cpus else []
    counts += [_gpus(node) * share.per_gpu] if share.per_gpu else []
    return int(min(counts) + 1e-6)


def _gpus(node: Node) -> int:
    return int(node.get("GPU", 0))
