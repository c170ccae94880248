"""A slot on a node of a Ray cluster, as the study's process knows it and talks with it."""

import math
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from pipeline.errors import first_line, printable
from pipeline.executors.parcel import Parcel
from pipeline.executors.ray_share import Share
from pipeline.executors.ray_slot import RaySlot, Sent
from pipeline.executors.task import WarmUp
from pipeline.study.trial import Decision

_FAREWELL = 10.0
"""Seconds that nodes have to remove their files at the end."""

_ANSWER = 5.0
"""Seconds in which an idle slot must answer."""

_LONGEST = 200
"""Characters of an error."""

_THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "NPROC")

_PASSED_ON = ("KERAS_BACKEND",)
"""Environment variables of this process that hold on every node."""


class SlotHandle:
    """An actor, and what it is doing: ``pending`` is what it will say next, ``parcel`` the task that it runs.

    ``on_gpu`` says whether it has a GPU, or a part of one, ``has_died`` whether it was ended while it started.
    """

    def __init__(self, actor: Any, on_gpu: bool) -> None:
        self.actor, self.on_gpu = actor, on_gpu
        self.node, self.has_died = "", False
        self.parcel: Parcel | None = None
        self._inputs: Mapping[int, Sent] = {}
        self.pending: Any = actor.describe.remote()

    @property
    def is_ready(self) -> bool:
        """Whether it has started."""
        return bool(self.node)

    @property
    def is_free(self) -> bool:
        """Whether it can take a task."""
        return self.is_ready and self.parcel is None

    def settle(self) -> str | None:
        """Notes the node on which it has started; the error, in a few words, if it has not."""
        import ray

        try:
            self.node = self.take()
        except ray.exceptions.RayError as error:
            self.has_died = not getattr(error, "actor_init_failed", True)
            return why_not_started(error)
        return None

    def is_alive(self) -> bool:
        """Whether it answers."""
        import ray

        try:
            return bool(ray.get(self.actor.describe.remote(), timeout=_ANSWER))
        except ray.exceptions.RayError:
            return False

    def begin(self, parcel: Parcel, inputs: Mapping[int, Sent]) -> None:
        """Starts a task."""
        self.parcel, self._inputs = parcel, inputs  # Ray keeps the content for as long as somebody has the references
        self.pending = self.actor.begin.remote(parcel, inputs)

    def answer(self, decision: Decision) -> None:
        """Answers a report."""
        self.pending = self.actor.answer.remote(decision)

    def take(self) -> Any:
        """Takes the message that is there."""
        import ray

        pending, self.pending = self.pending, None
        return ray.get(pending)

    def kill(self) -> None:
        """Ends it at once."""
        import ray

        with suppress(Exception):  # the cluster may have ended before
            ray.kill(self.actor)


def why_not_started(error: Exception) -> str:
    """The error of an actor that could not start, in one line: with its machine, without Ray's words around it.

    >>> why_not_started(ValueError("The actor died because of an error raised in its creation task, ray::RaySlot"
    ... " (pid=1, ip=10.0.0.5)\\n  File ...\\nModuleNotFoundError: No module named 'pipeline'"))
    "on 10.0.0.5: ModuleNotFoundError: No module named 'pipeline'"
    >>> why_not_started(ValueError("The actor died unexpectedly."))
    'ValueError: The actor died unexpectedly.'
    """
    lines = str(error).strip().splitlines()
    raised = re.search(r"creation task.*\bip=([^,)]+)", lines[0]) if lines else None
    return first_line(error) if raised is None else printable(f"on {raised[1]}: {lines[-1].strip()}")[:_LONGEST]


def start_slot(token: str, share: Share, warm_up: WarmUp) -> SlotHandle:
    """Asks the cluster for a slot, on some node that has room for it; ``token`` names the executor on its nodes."""
    import ray

    threads = dict.fromkeys(_THREADS, str(math.ceil(share.cpus))) | {"TF_NUM_INTEROP_THREADS": "1"}
    environment = threads | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    actor: Any = ray.remote(RaySlot).options(
        num_cpus=share.cpus, num_gpus=share.gpus, scheduling_strategy="SPREAD", max_concurrency=2
    )
    return SlotHandle(actor.remote(token, share.per_gpu, environment, warm_up), bool(share.per_gpu))


def farewell(slots: Sequence[SlotHandle]) -> None:
    """Ends slots, after they have removed their files as far as they can be reached."""
    import ray

    if not ray.is_initialized():  # asked for anything now, Ray would start a cluster
        return
    with suppress(Exception):  # the cluster may have ended before
        closing = [slot.actor.close.remote() for slot in slots if slot.is_ready]
        ray.wait(closing, num_returns=len(closing), timeout=_FAREWELL)
    for slot in slots:
        slot.kill()
