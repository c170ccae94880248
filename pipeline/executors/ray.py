"""Runs tasks on a Ray cluster: one actor per slot, with a share of the GPUs and the cores of the cluster's nodes.

Nothing but Ray connects this process with the nodes: a task's files go there as bytes (``parcel``), its reports, their
answers and what it has written come back the same way. Slots follow the cluster: a node that joins has some, and those
of a node that has died are gone, with the tasks that ran there.
"""

import atexit
import math
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import ConvtuneError, MachineError, WorkerError
from pipeline.executors.log import append
from pipeline.executors.machine_fault import error_of
from pipeline.executors.parcel import Parcel, pack
from pipeline.executors.ray_address import Head
from pipeline.executors.ray_cluster import connect, is_up, living_nodes
from pipeline.executors.ray_handle import SlotHandle, farewell, start_slot
from pipeline.executors.ray_share import Share, check_per_gpu, describe_unused, room, share_of_one
from pipeline.executors.ray_slot import Message, Sent, fetch_file, put
from pipeline.executors.task import ExecutorKind, Slots, Task, TaskResult, WarmUp
from pipeline.study.trial import ReportCallback

_LOOK_EVERY = 3.0
"""Seconds between looks at the nodes of the cluster."""

_PATIENCE = 60.0
"""Seconds to wait for a first slot; a cluster that grows on demand takes as long to start a machine."""

_STRAGGLERS = 10.0
"""Seconds to wait for the other slots once there is one."""

_PAUSE = 30.0
"""Seconds without another try after a slot could not be started on a node."""

_ON_EVERY_NODE = "every node needs convtune, as it is installed here"
_SEE_STATUS = "see `ray status`"


def start(slots: Slots, log: Path | None, warm_up: WarmUp) -> "RayExecutor":
    """Joins the cluster at the address of ``slots``, or starts one on this machine if there is none.

    JobError, in one line, without Ray or a cluster there, or for several workers per GPU where there is no GPU.
    WorkerError if no node has room for a worker.
    """
    leave = connect(slots.address, slots.workers, len(slots.gpus))
    try:
        check_per_gpu([node["Resources"] for node in living_nodes()], slots)
        return RayExecutor(slots, log, warm_up, leave)
    except BaseException:
        leave()
        raise


class RayExecutor:
    """Slots on the nodes of a cluster to which this process is connected; ``leave`` is called at the end.

    A node that dies costs only the tasks that it was running.
    """

    def __init__(
        self, wanted: Slots, log: Path | None, warm_up: WarmUp, leave: Callable[[], None] = lambda: None
    ) -> None:
        self._wanted, self._log, self._warm_up, self._leave = wanted, log, warm_up, leave
        self._token = uuid.uuid4().hex[:8]
        self._slots: list[SlotHandle] = []
        self._results: list[TaskResult] = []
        self._folders: dict[Path, Sent] = {}
        self._queue: list[tuple[Parcel, dict[int, Sent]]] = []
        self._look_at, self._head = -math.inf, Head()
        self._share = Share(0.0, 0)
        self._told = {"room": "", "start": "", "log": ""}
        self._has_started, self._died = False, math.inf
        atexit.register(self.close)
        try:
            self._await_slots()
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """The number of slots that are ready or busy now."""
        return sum(slot.is_ready for slot in self._slots)

    @property
    def free(self) -> int:
        """The number of slots that are ready and have no task, without those for which one is waiting."""
        return max(0, sum(slot.is_free for slot in self._slots) - len(self._queue))

    def submit(self, task: Task[Any]) -> None:
        """Sends the task, and the files that it names, to a free slot; if that one has died, to the next that is."""
        parcel = pack(task)
        inputs = {index: self._put(path) for index, path in enumerate(parcel.paths) if path.exists()}
        self._queue.append((parcel, inputs))
        self._hand_over()

    def wait(self, report: ReportCallback, timeout: float | None = None) -> list[TaskResult]:
        """See ``Executor.wait``. The error of a task whose node or worker died says which of the two."""
        self._follow()
        self._hand_over()
        idle = all(slot.parcel is None for slot in self._slots) and self.slots > 0
        seconds = 0.0 if idle or self._results else _LOOK_EVERY if timeout is None else min(timeout, _LOOK_EVERY)
        for slot in self._speaking(seconds):
            if slot.is_ready:
                self._receive(slot, report)
            else:
                self._settle(slot)
        results, self._results = self._results, []
        return results

    def drop(self, number: int) -> None:
        """Ends the slot that runs the task, and another one takes its place; or forgets a task that waits for one."""
        waiting = len(self._queue)
        self._queue = [(parcel, inputs) for parcel, inputs in self._queue if parcel.number != number]
        if len(self._queue) < waiting:
            return
        self._remove(next(slot for slot in self._slots if slot.parcel is not None and slot.parcel.number == number))

    def close(self) -> None:
        """Ends all slots, removes their files from the nodes, and leaves the cluster."""
        atexit.unregister(self.close)
        self._queue.clear()
        slots, self._slots = self._slots, []
        farewell(slots)
        leave, self._leave = self._leave, lambda: None
        leave()

    def _await_slots(self) -> None:
        """Waits for the first slot, then a little for the others."""
        began, first = time.monotonic(), math.inf
        while not self._slots or self.slots < len(self._slots):
            now = time.monotonic()
            first = min(first, now) if self.slots else math.inf
            if now - first > _STRAGGLERS:
                return
            if now - began > _PATIENCE and not self.slots:
                raise WorkerError(f"Ray: no node has room for a worker within {_PATIENCE:.0f} s; {_SEE_STATUS}")
            self._follow()
            for slot in self._speaking(0.5):
                self._settle(slot)

    def _speaking(self, seconds: float) -> list[SlotHandle]:
        """The slots that have something to say, after at most so many seconds."""
        import ray

        pending = {slot.pending: slot for slot in self._slots if slot.pending is not None}
        if not pending:
            time.sleep(0 if self._slots else seconds)
            return []
        ray.wait(list(pending), timeout=seconds)
        ready, _ = ray.wait(list(pending), num_returns=len(pending), timeout=0)
        return [pending[reference] for reference in ready]

    def _follow(self) -> None:
        """Looks at the cluster every few seconds: as many slots as it has room for, or as were asked for.

        MachineError once its head is gone.
        """
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_EVERY
        if not self._head.check():
            return
        nodes = {node["NodeID"]: node["Resources"] for node in living_nodes()}
        share = share_of_one(nodes.values(), self._wanted)
        self._tell("room", describe_unused(nodes.values(), share, self._wanted, self._share))
        self._share = share
        for slot in [slot for slot in self._slots if slot.parcel is None]:
            if (slot.is_ready and slot.node not in nodes) or slot.on_gpu != bool(share.per_gpu):
                self._remove(slot)
        wanted = self._wanted.workers
        if self._wanted.follows:  # one that waits may make the cluster grow
            wanted = min(wanted, max(1, sum(room(resources, share) for resources in nodes.values())))
        waiting = [slot for slot in self._slots if not slot.is_ready]
        for slot in waiting[: max(0, len(self._slots) - wanted)]:
            self._remove(slot)
        for _ in range(wanted - len(self._slots)):
            self._slots.append(start_slot(self._token, share, self._warm_up))

    def _tell(self, about: str, line: str) -> None:
        """Prints a warning, unless it is the last one again."""
        if line and line != self._told[about]:
            print(f"warning: Ray: {line}", file=sys.stderr)
        self._told[about] = line

    def _settle(self, slot: SlotHandle) -> None:
        """Takes the first word of a new slot; if it could not start, removes it and says why.

        Nothing is said of one that was ended, as with its node, unless the next ones are too. WorkerError if it is the
        first of all.
        """
        error, now = slot.settle(), time.monotonic()
        if error is None:
            self._has_started, self._died = True, math.inf
            return
        advice = _SEE_STATUS if slot.has_died else _ON_EVERY_NODE
        if not self._has_started:
            raise WorkerError(f"Ray: no worker can start ({error}); {advice}")
        self._remove(slot)
        if slot.has_died:
            self._died = min(self._died, now)
            if now - self._died < _PAUSE:
                return
        self._tell("start", f"a worker cannot start ({error}); {advice}; tried every {_PAUSE:.0f} s")
        self._look_at = time.monotonic() + _PAUSE

    def _hand_over(self) -> None:
        """Begins tasks that wait, in living slots that are free. A slot that has died while it was idle costs none."""
        for slot in [slot for slot in self._slots if slot.is_free]:
            if not self._queue:
                return
            if slot.is_alive():
                slot.begin(*self._queue.pop(0))
            else:
                self._remove(slot)

    def _put(self, path: Path) -> Sent:
        """The content of a file or a folder. A folder is an entry of the cache and never changes: it is read once."""
        if path.is_dir():
            self._folders[path] = self._folders.get(path) or put(path)
        return self._folders.get(path) or put(path)

    def _receive(self, slot: SlotHandle, report: ReportCallback) -> None:
        """Takes what a busy slot says: answers a report, notes a result, or ends the task of a slot that has died."""
        import ray

        assert slot.parcel is not None
        try:
            message = slot.take()
            self._keep(message, slot.parcel)
        except (ray.exceptions.RayTaskError, OSError) as error:  # a file could not be sent or written
            self._lose(slot, error_of(getattr(error, "cause", error)))
        except ray.exceptions.RayError as error:
            what = "worker died" if self._head.answers() and is_up(slot.node) else "node died"
            self._lose(slot, MachineError(f"machine fault: {what}: {type(error).__name__}"))
        else:
            if isinstance(message.said, TaskResult):
                slot.parcel = None
                self._results.append(message.said)
            else:
                slot.answer(report(message.said))

    def _lose(self, slot: SlotHandle, error: ConvtuneError) -> None:
        assert slot.parcel is not None
        self._results.append(TaskResult(slot.parcel.number, error=error))
        self._remove(slot)

    def _remove(self, slot: SlotHandle) -> None:
        """Ends a slot; the next look at the cluster, which is soon, replaces it."""
        slot.kill()
        self._slots.remove(slot)
        self._look_at = min(self._look_at, time.monotonic())

    def _keep(self, message: Message, parcel: Parcel) -> None:
        """Writes what the slot has sent: into the files that the task names, and nowhere else; and the log."""
        for index, chunks in message.files.items():
            fetch_file(chunks, parcel.paths[index])
        if not message.printed:
            return
        if self._log is None:
            sys.stderr.write(message.printed.decode("utf-8", "replace"))
        elif why := append(self._log, message.printed):
            self._tell("log", f"{self._log}: what workers print is lost ({why})")


RAY = ExecutorKind("ray", "on the nodes of a Ray cluster", start, on_cluster=True)
