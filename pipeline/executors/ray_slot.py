"""One slot on a node of a Ray cluster: an actor that has a worker process, and the files that its tasks need.

The worker is the one of the local executor: if it dies, the actor tells why and has another one.
"""

import hashlib
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.executors.devices import environments
from pipeline.executors.local import LocalExecutor
from pipeline.executors.parcel import Parcel, Unpacked
from pipeline.executors.ray_folders import SlotFolder
from pipeline.executors.task import Slots, TaskResult, WarmUp
from pipeline.files import replacing, unused_sibling
from pipeline.study.trial import Decision, EpochReport, Report

CHUNK = 16 << 20
"""Bytes of a file that travel at a time."""

Chunks = Sequence[Any]
"""Ray's references to the parts of a file."""


@dataclass(frozen=True)
class Sent:
    """A file or a folder on its way to a node: the parts of each file by its name ("" for a single file).

    ``digest`` stands for the content.
    """

    digest: str
    files: Mapping[str, Chunks]
    is_folder: bool


@dataclass(frozen=True)
class Message:
    """The answer of a slot: a report that waits for a decision, or the result of its task.

    ``files`` are the outputs that are new, by the position of their path in the parcel; ``printed`` is what the
    worker's libraries have printed since the last message.
    """

    said: Report | TaskResult
    files: Mapping[int, Chunks] = field(default_factory=dict)
    printed: bytes = b""


def put(path: Path) -> Sent:
    """Hands a file, or a folder with all files below it, to Ray."""
    is_folder, digest = path.is_dir(), hashlib.blake2b(digest_size=16)
    files = sorted(file for file in path.rglob("*") if file.is_file()) if is_folder else [path]
    parts: dict[str, Chunks] = {}
    for file in files:
        name = file.relative_to(path).as_posix() if is_folder else ""
        digest.update(f"{name}\0{file.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        parts[name] = put_file(file, digest.update)
    return Sent(digest.hexdigest(), parts, is_folder)


def put_file(file: Path, see: Callable[[bytes], None] = lambda chunk: None) -> Chunks:
    """The parts of a file, handed to Ray; ``see`` is called with each."""
    import ray

    parts = []
    with file.open("rb") as content:
        while chunk := content.read(CHUNK):
            see(chunk)
            parts.append(ray.put(chunk))
    return parts


def fetch_file(chunks: Chunks, file: Path) -> None:
    """Writes a file from its parts, whole or not at all."""
    import ray

    with replacing(file) as temporary, temporary.open("wb") as content:
        for chunk in chunks:
            part: Any = ray.get(chunk)
            content.write(part)


class RaySlot:
    """The actor. All its files are below a folder of the node, which the slots of one executor share.

    Ray names its GPU, which ``per_gpu`` slots share. Without one (0) it hides those of the node, since Ray does not.
    """

    def __init__(self, token: str, per_gpu: int, environment: Mapping[str, str], warm_up: WarmUp) -> None:
        import ray

        self.node: str = ray.get_runtime_context().get_node_id()
        self._folder = SlotFolder(token, self.node)
        self._shared, self._own = self._folder.common, self._folder.own
        self._log = self._own / "worker.log"
        self._printed = 0
        self._inbox: queue.SimpleQueue[Decision] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[Message | Exception] = queue.SimpleQueue()
        self._places: tuple[Path, ...] = ()
        self._known: dict[int, tuple[int, int]] = {}
        own = environments(Slots(per_gpu=max(1, per_gpu), hides_gpus=not per_gpu))[0]
        temporary = {"TMPDIR": str(self._own)}  # so what a killed worker leaves goes with the slot
        self._executor = LocalExecutor([own | dict(environment) | temporary], warm_up, self._log)

    def begin(self, parcel: Parcel, inputs: Mapping[int, Sent]) -> Message:
        """Starts a task; returns the first thing that it says. ``inputs`` are the contents of some of its paths."""
        folder = Path(tempfile.mkdtemp(dir=self._own, prefix="task-"))
        self._places = tuple(
            self._place(folder / str(index), path.name, inputs.get(index)) for index, path in enumerate(parcel.paths)
        )
        self._known = {index: mark for index, place in enumerate(self._places) if (mark := _mark(place))}
        self._executor.submit(Unpacked(parcel, self._places))
        threading.Thread(target=self._serve, args=[folder], daemon=True).start()
        return self._next()

    def answer(self, decision: Decision) -> Message:
        """Passes on the answer to the last report; returns what the task says next."""
        self._inbox.put(decision)
        return self._next()

    def describe(self) -> str:
        """The node on which it is."""
        return self.node

    def close(self) -> None:
        """Ends the worker and removes all files."""
        self._executor.close()
        self._folder.remove()

    def _next(self) -> Message:
        said = self._outbox.get()
        if isinstance(said, Exception):
            raise said
        return said

    def _serve(self, folder: Path) -> None:
        """Runs in its own thread until the task has ended; an error, as of a full disk, is raised by ``_next``."""
        results: list[TaskResult] = []
        try:
            while not results:
                results = self._executor.wait(self._report)
            self._say(results[0])
        except Exception as error:
            self._outbox.put(error)
        shutil.rmtree(folder, ignore_errors=True)

    def _report(self, report: Report) -> Decision:
        self._say(report)
        return self._inbox.get()

    def _say(self, said: Report | TaskResult) -> None:
        complete = isinstance(said, TaskResult) or (isinstance(said, EpochReport) and said.model)
        self._outbox.put(Message(said, self._new_files() if complete else {}, self._new_output()))

    def _place(self, own: Path, name: str, sent: Sent | None) -> Path:
        """Where a path of a task is on this node: a folder once for all slots, a file in the task's ``own`` folder."""
        if sent is not None and sent.is_folder:
            place = self._shared / sent.digest / name
            with FileLock(self._shared / f"{sent.digest}.lock"):
                if not place.exists():
                    _fetch_folder(sent, place)
            return place
        own.mkdir()
        if sent is not None:
            fetch_file(sent.files[""], own / name)
        return own / name

    def _new_files(self) -> dict[int, Chunks]:
        """The files that the task has written or changed since it was last asked."""
        new = {index: mark for index, place in enumerate(self._places) if (mark := _mark(place))}
        changed = [index for index, mark in new.items() if self._known.get(index) != mark]
        self._known |= new
        return {index: put_file(self._places[index]) for index in changed}

    def _new_output(self) -> bytes:
        if not self._log.exists():
            return b""
        with self._log.open("rb") as log:
            log.seek(self._printed)
            printed = log.read()
        self._printed += len(printed)
        return printed


def _mark(place: Path) -> tuple[int, int] | None:
    """A mark that changes when a file is written; None if there is no file."""
    try:
        found = place.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if place.is_file() else None


def _fetch_folder(sent: Sent, place: Path) -> None:
    temporary = unused_sibling(place)
    temporary.mkdir(parents=True)
    for name, chunks in sent.files.items():
        fetch_file(chunks, temporary / name)
    os.rename(temporary, place)
