"""On a real cluster of two nodes, one of which is killed: its trial is lost and nothing else, and no file is shared."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import JobError, SpaceError, WorkerError
from pipeline.executors import Slots, call
from pipeline.executors import ray as ray_executor
from pipeline.executors.parcel import pack
from pipeline.executors.ray_address import check_cluster
from pipeline.executors.ray_cluster import connect, living_nodes
from pipeline.executors.ray_folders import SlotFolder
from pipeline.executors.ray_slot import CHUNK
from pipeline.search.loop import Loop
from pipeline.search.proposer import Proposer
from pipeline.search.samplers import SAMPLERS
from pipeline.search.stop_reason import Budget, StopReason
from pipeline.study.trial import Decision, EpochReport, TrialResult, TrialState
from tests.fakes import Chatter, Climb, Deaf, Die, GetPid, Unpackable, at_epochs
from tests.ray_nodes import two_nodes
from tests.required import RIGHTS_REQUIRED
from tests.search_helpers import Times, judging, open_storage
from tests.spaces import CONTINUOUS, space

HIDING_PROCESSES = ["unshare", "--fork", "--pid", "--mount-proc"]

CAN_HIDE = subprocess.run([*HIDING_PROCESSES, "true"], capture_output=True, check=False).returncode == 0

BOTH = Slots(9, follows=True)


@pytest.fixture(scope="module")
def nodes():
    """The cluster, to which this process is connected: executors leave that connection alone."""
    with two_nodes() as nodes:
        leave = connect(nodes.address, 0)
        yield nodes
        leave()


def warm_up():
    """Imports nothing."""


@pytest.fixture(scope="module")
def shared(nodes):
    """The executor that tests share, if there is one now; the nodes have room for its two slots alone."""
    shared = []
    yield shared
    for executor in shared:
        executor.close()


@pytest.fixture
def room(shared):
    """No slot is taken."""
    while shared:
        shared.pop().close()


@pytest.fixture
def own_pair(room, tmp_path):
    """Two slots for a test that changes what their executor knows."""
    with closing(ray_executor.start(BOTH, tmp_path / "worker.log", warm_up)) as executor:
        yield executor


@pytest.fixture
def pair(shared, tmp_path_factory, capfd):
    """The same two slots for all tests that kill workers at most: the executor replaces them."""
    if not shared:
        shared.append(ray_executor.start(BOTH, tmp_path_factory.mktemp("pair") / "worker.log", warm_up))
    wait_until(shared[0], lambda: shared[0].free == 2)
    capfd.readouterr()
    return shared[0]


def train_on(report):
    return Decision.CONTINUE


def wait_for(executor, count, report=train_on):
    results, deadline = {}, time.monotonic() + 60
    while len(results) < count and time.monotonic() < deadline:
        results |= {result.number: result for result in executor.wait(report, 0.5)}
    return results


def wait_until(executor, condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        executor.wait(train_on, 0.2)
    assert condition()


@dataclass(frozen=True)
class Copy:
    """A task that reads a folder and a file, saves its model midway and at the end, and notes what it has opened."""

    number: int
    folder: Path
    source: Path
    model: Path

    def run(self, report):
        opened = []
        sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
        read = (self.folder / "sub" / "a.bin").read_bytes() + self.source.read_bytes()
        self.model.write_bytes(b"midway")
        report(EpochReport(self.number, 1, {}, 1.0, str(self.model)))
        self.model.write_bytes(read * 3)
        end = EpochReport(self.number, 2, {}, 2.0, str(self.model))
        reason = "\n".join([*map(str, (self.folder, self.source, self.model)), *opened])
        return TrialResult(self.number, TrialState.COMPLETE, reason=reason, model=str(self.model), history=(end,))


@dataclass(frozen=True)
class Unreadable:
    """A task whose model is a file that nobody can read: the memory of a process, from its beginning."""

    number: int
    model: Path

    def run(self, report):
        self.model.symlink_to("/proc/self/mem")
        report(EpochReport(self.number, 1, {}, 1.0, str(self.model)))


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "set" / "sub").mkdir(parents=True)
    (tmp_path / "set" / "sub" / "a.bin").write_bytes(os.urandom(CHUNK // 2 + 1))
    (tmp_path / "more.py").write_bytes(b"more")
    return Copy(3, tmp_path / "set", tmp_path / "more.py", tmp_path / "trials" / "3" / "model.keras")


def test_files_travel_and_no_path_is_shared(pair, copy, tmp_path):
    midway = []

    def report(made):
        midway.append((made.model, Path(made.model).read_bytes()))
        return Decision.CONTINUE

    pair.submit(copy)
    result = wait_for(pair, 1, at_epochs(report))[3].value
    content = (copy.folder / "sub" / "a.bin").read_bytes() + b"more"
    assert midway == [(str(copy.model), b"midway")]
    assert copy.model.read_bytes() == content * 3  # more than one part
    assert (result.model, result.history[0].model) == (str(copy.model), str(copy.model))
    assert len(result.reason.splitlines()) > 6
    assert str(tmp_path) not in result.reason
    assert str(Path.cwd() / "studies") not in result.reason


def test_a_folder_is_sent_once_to_a_node_and_files_that_do_not_change_do_not_come_back(pair, copy):
    before = copy.source.stat().st_mtime_ns
    places = set()
    for _ in range(4):
        pair.submit(copy)
        places.add(wait_for(pair, 1)[3].value.reason.splitlines()[0])
    assert len(places) <= 2  # nodes
    assert {Path(place).name for place in places} == {"set"}
    assert copy.source.stat().st_mtime_ns == before


def test_a_parcel_names_each_path_once(copy):
    assert pack(copy).paths == (copy.folder, copy.source, copy.model)


def test_a_trial_is_told_how_to_go_on(pair):
    pair.submit(Climb(0, epochs=9))
    decide = at_epochs(lambda report: Decision.PRUNE if report.epoch == 2 else Decision.CONTINUE)
    result = wait_for(pair, 1, decide)[0].value
    assert (result.state, result.epochs) == (TrialState.PRUNED, 2)


def test_a_killed_worker_costs_its_own_trial_only(pair):
    pair.submit(Die(0))
    pair.submit(Climb(1, epochs=3, pause=0.1))
    results = wait_for(pair, 2)
    assert "worker died: signal 9 (SIGKILL" in str(results[0].error)
    assert results[1].value.state is TrialState.COMPLETE
    assert (pair.slots, pair.free) == (2, 2)


def test_a_killed_actor_costs_its_own_trial_only_and_is_replaced(pair):
    pair.submit(Climb(1, epochs=3, pause=0.1))
    pair.submit(DieWithActor(0))
    results = wait_for(pair, 2)
    assert str(results[0].error).startswith("machine fault: worker died: ")
    assert results[1].value.state is TrialState.COMPLETE
    wait_until(pair, lambda: pair.free == 2)


@dataclass(frozen=True)
class DieWithActor:
    """A task that kills the process above its own."""

    number: int

    def run(self, report):
        os.kill(os.getppid(), 9)
        time.sleep(60)


def test_an_actor_that_died_idle_costs_no_task(pair):
    for slot in pair._slots:
        kill(slot)
    pair.submit(Climb(5))
    assert wait_for(pair, 1)[5].value.state is TrialState.COMPLETE


def test_a_slot_that_died_idle_costs_no_task_while_another_one_trains(pair):
    pair.submit(Climb(0, epochs=20, pause=0.1))
    [idle] = [slot for slot in pair._slots if slot.is_free]
    kill(idle)
    pair.submit(Climb(1))
    assert pair.free == 0
    results = wait_for(pair, 2)
    assert {number: result.value.state for number, result in results.items()} == dict.fromkeys(
        (0, 1), TrialState.COMPLETE
    )
    assert results[0].value.epochs == 20


def test_a_task_that_waits_for_a_slot_can_be_dropped(pair):
    for slot in pair._slots:
        kill(slot)
    pair.submit(Climb(0))
    pair.drop(0)
    wait_until(pair, lambda: pair.free == 2)
    pair.submit(Climb(1))
    assert wait_for(pair, 1).keys() == {1}


def test_a_cluster_without_nodes_is_said_and_a_task_waits_for_one(pair, monkeypatch, capfd):
    with monkeypatch.context() as patched:
        patched.setattr(ray_executor, "living_nodes", list)
        wait_until(pair, lambda: pair.slots == 0)
    pair.submit(Climb(0))
    assert capfd.readouterr() == ("", "warning: Ray: no node has room for a worker; trials begin when one joins\n")
    assert wait_for(pair, 1)[0].value.state is TrialState.COMPLETE


def kill(slot):
    slot.kill()
    while slot.is_alive():  # Ray kills it in its own time
        time.sleep(0.05)


def test_a_task_that_is_dropped_has_no_result_and_its_slot_is_replaced(pair):
    pair.submit(Deaf(4, 0))
    pair.drop(4)
    wait_until(pair, lambda: pair.free == 2)
    pair.submit(GetPid(5))
    assert wait_for(pair, 1).keys() == {5}


def test_a_trial_that_never_ends_fails_after_its_time_and_leaves_its_slot_and_no_file(pair, tmp_path):
    def one_is_stuck(trial, candidate):
        return Stuck(trial.number, tmp_path / "model.keras") if trial.number == 0 else Climb(trial.number)

    found = space(tmp_path, CONTINUOUS)
    storage = open_storage(tmp_path, found)
    proposer = Proposer(found, SAMPLERS["random"].plan(found, 0), storage, judging(found), 0)
    times = Times()
    study = Loop(proposer, storage, pair, one_is_stuck, [times])
    stuck = {slot.node for slot in pair._slots}
    assert study.run(Budget(4, trial_timeout=6.0)) == StopReason.TRIALS_DONE
    wait_until(pair, lambda: pair.free == 2)
    assert time.monotonic() - times.ended[0] < 15, "until its slot is free again"
    late, *others = storage.records
    assert (late.state, late.result.reason) == (TrialState.FAILED, "took longer than --trial-timeout 6s")
    assert late.result.epochs == 1, "it has saved its model"
    assert [(record.state, record.result.reason) for record in others] == [(TrialState.COMPLETE, "")] * 3
    slots = [slot for node in stuck for slot in folder_of(pair, node).glob("slot-*") if slot.is_dir()]
    assert len(slots) == 2


@dataclass(frozen=True)
class Stuck:
    """A trial that saves its model and then holds the interpreter for ever."""

    number: int
    model: Path

    def run(self, report):
        self.model.write_bytes(b"model")
        report(EpochReport(self.number, 1, {"val_accuracy": 0.5}, 1.0))
        while True:
            pass


def folder_of(executor, node):
    return Path(tempfile.gettempdir()) / f"convtune-{executor._token}-{node[:12]}"


def test_a_task_that_cannot_be_unpacked_is_its_own_error(pair):
    with pytest.raises(SpaceError, match="no such"):
        call(pair, Unpackable(6, SpaceError("no such")))


def test_a_file_that_cannot_be_read_where_it_was_made_costs_its_trial_only(pair, tmp_path):
    pair.submit(Unreadable(8, tmp_path / "model.keras"))
    error = wait_for(pair, 1)[8].error
    assert "Input/output error" in str(error)
    call(pair, GetPid())


def test_what_workers_print_comes_into_the_log_and_not_onto_the_terminal(pair, capfd):
    call(pair, Chatter("chatter\n"))
    assert "chatter" in pair._log.read_text()
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_written_loses_what_workers_print_and_no_task(pair, copy, monkeypatch, capfd, tmp_path):
    monkeypatch.setitem(pair._told, "log", "")
    for log, why in ((Path("/dev/full"), "No space left on device"), (tmp_path, "Is a directory")):
        monkeypatch.setattr(pair, "_log", log)
        for _ in range(2):
            call(pair, Chatter("chatter\n"))
        assert capfd.readouterr().err == f"warning: Ray: {log}: what workers print is lost ({why})\n"
    pair.submit(copy)
    assert wait_for(pair, 1)[copy.number].value.state is TrialState.COMPLETE
    assert copy.model.is_file()


def test_a_node_on_which_no_worker_can_start_is_said_once(own_pair, monkeypatch, capfd):
    monkeypatch.setattr(ray_executor, "_PAUSE", 0.1)
    started = start_badly(monkeypatch)
    kill(own_pair._slots[0])
    own_pair.submit(Climb(0))
    assert wait_for(own_pair, 1)[0].value.state is TrialState.COMPLETE
    wait_until(own_pair, lambda: len(started) == 3)
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("warning: Ray: a worker cannot start (on 127.0.0.1: FileNotFoundError: ")
    assert line.endswith("); every node needs convtune, as it is installed here; tried every 0 s")


def test_a_slot_that_is_ended_as_it_starts_is_tried_again_without_a_word(own_pair, monkeypatch, capfd):
    started, start_slot = [], ray_executor.start_slot

    def start_and_end(*arguments):
        started.append(start_slot(*arguments))
        if len(started) == 1:
            started[0].kill()
        return started[-1]

    monkeypatch.setattr(ray_executor, "start_slot", start_and_end)
    kill(own_pair._slots[0])
    own_pair.submit(Climb(0))
    assert wait_for(own_pair, 1)[0].value.state is TrialState.COMPLETE
    wait_until(own_pair, lambda: len(started) == 2 and own_pair.free == 2)
    assert capfd.readouterr() == ("", "")


def test_that_the_nodes_lack_convtune_is_not_said_of_a_slot_that_was_ended(own_pair, monkeypatch, capfd):
    """One that could not start long before tells nothing about it, and is no second one that was ended."""
    monkeypatch.setattr(ray_executor, "_PAUSE", 0.1)
    said = []
    for has_died in (False, True, True):
        slot = Unstarted(has_died)
        own_pair._slots.append(slot)
        own_pair._settle(slot)
        said.append(capfd.readouterr().err)
        time.sleep(0.2)
    cannot = "warning: Ray: a worker cannot start (gone); "
    missing = f"{cannot}every node needs convtune, as it is installed here; tried every 0 s\n"
    assert said == [missing, "", f"{cannot}see `ray status`; tried every 0 s\n"]


@dataclass
class Unstarted:
    """A slot that could not start, or was ended as it started."""

    has_died: bool

    def settle(self):
        return "gone"

    def kill(self):
        """It is gone."""


def test_a_cluster_on_which_no_worker_can_start_is_an_error_and_left(room, monkeypatch, capfd):
    start_badly(monkeypatch)
    left = []
    monkeypatch.setattr(ray_executor, "connect", lambda *arguments: lambda: left.append("left"))
    with pytest.raises(WorkerError, match=r"^Ray: no worker can start \(on 127.0.0.1: FileNotFoundError: "):
        ray_executor.start(BOTH, None, warm_up)
    assert left
    assert capfd.readouterr() == ("", "")


def start_badly(monkeypatch):
    """Starts slots that no node can start; returns the list of them."""
    started, start_slot = [], ray_executor.start_slot

    def start_badly(token, *arguments):
        started.append(start_slot("no/such", *arguments))  # names a folder that the node cannot make
        return started[-1]

    monkeypatch.setattr(ray_executor, "start_slot", start_badly)
    return started


def test_closing_leaves_no_file_and_no_process(room, copy, tmp_path):
    executor = ray_executor.start(BOTH, None, warm_up)
    pid = call(executor, GetPid())
    executor.submit(copy)
    place = Path(wait_for(executor, 1)[3].value.reason.splitlines()[0])
    executor.submit(Climb(0, pause=30))
    assert place.exists()
    executor.close()
    left = [place.parents[1], Path(f"/proc/{pid}")]  # on other machines, so nobody waits for the last of it
    deadline = time.monotonic() + 20
    while any(path.exists() for path in left) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [path for path in left if path.exists()]


def test_what_slots_that_died_left_on_a_machine_is_removed_by_the_next_one(room, tmp_path):
    """On whatever node of it they were: one that leaves and joins again is another node."""
    dead, alive, new = (
        Path(tempfile.gettempdir()) / f"convtune-{uuid.uuid4().hex[:8]}-{name * 12}" for name in ("d", "a", "n")
    )
    slot = SlotFolder(alive.name.split("-")[1], "a" * 12)
    (alive / "slot-dead").mkdir()
    (dead / "slot-dead").mkdir(parents=True)
    (dead / "set").mkdir()
    new.mkdir()
    ray_executor.start(BOTH, tmp_path / "worker.log", warm_up).close()
    left = [path.exists() for path in (dead, alive, slot.own, alive / "slot-dead", new)]
    for folder in (dead, alive, new):
        shutil.rmtree(folder, ignore_errors=True)
    assert left == [False, True, True, False, True]


def test_a_slot_that_begins_while_its_executors_dead_slots_are_removed_has_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"convtune-{'d' * 8}-{'n' * 12}" / "slot-dead").mkdir(parents=True)
    with ThreadPoolExecutor() as threads:
        begun, remove = [], shutil.rmtree

        def remove_late(folder, **options):
            if not begun:
                begun.append(threads.submit(SlotFolder, "d" * 8, "n" * 12))
                wait(begun, 0.5)
            remove(folder, **options)

        monkeypatch.setattr(shutil, "rmtree", remove_late)
        other = SlotFolder("o" * 8, "n" * 12)
        slot = begun[0].result()
    assert slot.own.exists()
    assert other.own.exists()
    assert not (slot.common / "slot-dead").exists()


@pytest.mark.slow
def test_a_node_that_dies_or_leaves_costs_its_trial_only_and_one_that_joins_is_used(nodes, own_pair, capfd):
    for end in (nodes.kill, nodes.leave):
        wait_until(own_pair, lambda: own_pair.slots == 2)
        for number in (1, 2):
            own_pair.submit(Climb(number, epochs=30, pause=0.2))
        results = wait_for(own_pair, 2, ending_at(8, end))
        [lost] = [result for result in results.values() if result.error is not None]
        assert str(lost.error).startswith("machine fault: node died: ")
        assert next(result for result in results.values() if result is not lost).value.state is TrialState.COMPLETE
        assert own_pair.slots == 1
        nodes.join()
    assert capfd.readouterr() == ("", "")


def ending_at(count, end):
    """Lets trials go on, and calls ``end`` at the so-manieth report."""
    reports = []

    def report(made):
        reports.append(made)
        if len(reports) == count:
            end()
        return Decision.CONTINUE

    return report


def test_without_ray_the_way_to_install_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(JobError, match=r"pip install 'convtune\[ray\]'"):
        connect("", 1)


def test_a_port_of_a_cluster_that_is_not_its_heads_is_one_line(nodes, capfd):
    port = living_nodes()[0]["NodeManagerPort"]
    with pytest.raises(JobError, match=rf"^--ray-address: 127.0.0.1:{port}: expected the head of a Ray cluster"):
        check_cluster(f"127.0.0.1:{port}")
    assert capfd.readouterr() == ("", "")


def test_a_cluster_whose_token_is_another_is_one_line(nodes):
    ran = check_elsewhere(nodes.address, [], RAY_AUTH_TOKEN="another")
    assert ran.stderr == ""
    assert ran.stdout.startswith(f"--ray-address: {nodes.address}: expected the token of this Ray cluster, got another")


def test_a_cluster_that_asks_for_a_token_says_how_to_give_it(nodes):
    ran = check_elsewhere(nodes.address, [], RAY_AUTH_MODE="disabled")
    assert ran.stderr == ""
    assert ran.stdout == (
        f"--ray-address: {nodes.address}: expected the token of this Ray cluster, got none;"
        " set RAY_AUTH_MODE=token, and have the head's ~/.ray/auth_token here too\n"
    )


def test_the_cluster_is_not_told_the_command_which_may_hold_a_password(nodes):
    from ray._raylet import GcsClient

    jobs = GcsClient(address=nodes.address).get_all_job_info(timeout=5).values()
    assert "convtune" in {job.entrypoint for job in jobs}
    assert not [job.entrypoint for job in jobs if "pytest" in job.entrypoint]


@pytest.mark.skipif(not (CAN_HIDE or RIGHTS_REQUIRED), reason="hiding processes from some others needs root")
def test_a_machine_that_is_no_node_of_the_cluster_is_told_how_to_become_one(nodes):
    ran = check_elsewhere(nodes.address, HIDING_PROCESSES)
    assert ran.stderr == ""
    assert ran.stdout == (
        f"--ray-address: {nodes.address}: expected a cluster that this machine belongs to, found no node here;"
        f" run `ray start --address={nodes.address} --num-cpus=0 --num-gpus=0`\n"
    )


def check_elsewhere(address, prefix, **environment):
    """What a process prints that asks for the cluster as if it were on another machine."""
    script = f"""
from pipeline.executors import ray_address
ray_address.CONNECT = 1.0
try:
    ray_address.check_cluster({address!r})
except Exception as error:
    print(error)
"""
    command = [*prefix, sys.executable, "-c", script]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def no_connection(monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)


def test_an_address_of_ipv6_is_in_brackets(no_connection, monkeypatch):
    monkeypatch.setattr("pipeline.executors.ray_address.CONNECT", 0.3)
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as silent:
        address = f"[::1]:{silent.getsockname()[1]}"
        with pytest.raises(JobError, match=r"^--ray-address: \[::1\]:\d+: no Ray cluster answers there \(timed out\)"):
            connect(address, 1)


@pytest.mark.parametrize("address", ["a..b:1", f"{'a' * 300}:1", "h\n:1"])
def test_what_is_no_machines_name_is_one_line(no_connection, address):
    with pytest.raises(JobError, match=r"^--ray-address: .*: no Ray cluster answers there") as raised:
        connect(address, 1)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:", "ray://127.0.0.1:10001", "127.0.0.1:0", ":6379"])
def test_an_address_that_is_none_is_refused(no_connection, address):
    with pytest.raises(JobError, match="--ray-address: expected auto or HOST:PORT"):
        connect(address, 1)


def test_an_address_where_nobody_listens_is_one_line(no_connection, listener):
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(JobError, match=f"--ray-address: 127.0.0.1:{port}: no Ray cluster answers there"):
        connect(f"127.0.0.1:{port}", 1)


def test_a_server_that_is_not_rays_is_one_line(no_connection, listener, monkeypatch):
    monkeypatch.setattr("pipeline.executors.ray_address.CONNECT", 0.3)
    with pytest.raises(JobError, match="no Ray cluster answers there"):
        connect(f"127.0.0.1:{listener.getsockname()[1]}", 1)
