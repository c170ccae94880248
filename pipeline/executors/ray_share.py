"""The part of a node of a Ray cluster that a slot takes, and how many slots fit into a node."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.executors.devices import WORKER_BYTES


@dataclass(frozen=True)
class Share:
    """The part of a node that a slot takes."""

    cpus: float
    gpus: float


def share_of_one(nodes: Iterable[Mapping[str, float]], per_gpu: int) -> Share:
    """The share of one slot: a part of a GPU where there are any, with its share of the node's cores; else one core.

    >>> share_of_one([{"CPU": 16, "GPU": 2}, {"CPU": 8}], 4)
    Share(cpus=2.0, gpus=0.25)
    >>> share_of_one([{"CPU": 8}], 4)
    Share(cpus=1.0, gpus=0.0)
    """
    shares = [node.get("CPU", 0) / (node["GPU"] * per_gpu) for node in nodes if node.get("GPU", 0) >= 1]
    return Share(float(min(shares)), 1 / per_gpu) if shares else Share(1.0, 0.0)


def room(node: Mapping[str, float], share: Share) -> int:
    """How many slots fit into a node, by its GPUs, cores and memory (bytes).

    >>> room({"CPU": 16, "GPU": 2}, Share(2.0, 0.25)), room({"CPU": 8}, Share(2.0, 0.25))
    (8, 0)
    >>> room({"CPU": 16, "memory": 4e9}, Share(1.0, 0.0))
    6
    """
    counts = [node.get("memory", math.inf) / WORKER_BYTES]
    counts += [node.get("CPU", 0) / share.cpus] if share.cpus else []
    counts += [node.get("GPU", 0) / share.gpus] if share.gpus else []
    return int(min(counts) + 1e-6)
