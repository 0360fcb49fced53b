"""The clock an hour back and forward, a second server, processes that are stopped while they hold a lock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.faults import fake_worker
from tokenunlearn.errors import RunError
from tokenunlearn.runs.queue import FORCE_GRACE_SECONDS, RunQueue
from tokenunlearn.runs.states import buttons, status_text
from tokenunlearn.runs.store import RunStore, is_dead, process_alive, process_started
from tokenunlearn.runs.versioned import save_versioned

HOUR: Final = 3600.0
HOLD: Final = """
import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
print(flush=True)
time.sleep(60)
"""
LONG: Final = {"fake": {"steps": 1, "step_seconds": 60}, "steps": 1}


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[RunQueue]:
    """A queue whose workers do nothing for a minute."""
    made = RunQueue(RunStore(tmp_path / "runs"), fake_worker.command)
    yield made
    for state in made.store.list_runs():
        if process_alive(state) and state["pid"] != os.getpid():
            os.kill(state["pid"], signal.SIGKILL)


def set_clock(patch: pytest.MonkeyPatch, by: float) -> None:
    """Set the clock of this process, which is that of the server and its page."""
    now = time.time
    patch.setattr(time, "time", lambda: now() + by)


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_a_live_worker_is_not_taken_for_dead_and_a_dead_one_blocks_no_queue(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    first, second = queue.start_run(LONG), queue.start_run(LONG)
    until(lambda: queue.store.state(first)["message"] == "")  # it trains
    set_clock(monkeypatch, by)
    assert [state["state"] for state in queue.runs()] == ["queued", "running"]
    pid = queue.store.state(first)["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not process_alive(queue.store.state(first)))
    states = {state["run_id"]: state["state"] for state in queue.runs()}
    assert states == {first: "interrupted", second: "running"}


def test_a_process_is_known_by_when_it_started_whatever_the_clock_says() -> None:
    started = process_started(os.getpid())
    assert 0 < started < 1e9 or sys.platform != "linux"
    state = {"state": "running", "pid": os.getpid(), "process_started": started, "heartbeat": 0.0}
    assert process_alive(state) and not is_dead(state)
    assert not process_alive({**state, "process_started": started - 1}), "another process had the number"
    of_earlier_version = {**state, "process_started": psutil.Process().create_time()}
    assert process_alive(of_earlier_version)


def test_a_pause_asked_for_before_the_clock_was_set_back_can_be_forced() -> None:
    state = {"state": "pausing", "kind": "training", "step": 3, "steps": 9, "requested": 1000.0}
    assert buttons(state, 1001.0) == [] and buttons(state, 1031.0) == ["Force stop"]
    assert buttons(state, 1000.0 - HOUR) == ["Force stop"]
    assert status_text(state, now=1000.0 - HOUR).endswith("asked before the clock was set back")


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_a_draft_saved_after_the_clock_was_set_is_the_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    first = save_versioned(tmp_path / "draft.json", {}, 0).record["version"]
    set_clock(monkeypatch, by)
    saved = save_versioned(tmp_path / "draft.json", {}, first)
    assert saved.taken and saved.record["version"] > first
    assert not save_versioned(tmp_path / "draft.json", {}, first).taken


@contextmanager
def frozen_holder(lock: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds a lock and is stopped, as by Ctrl-Z or a debugger."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_stopped_process_that_holds_the_queue_keeps_no_page_waiting(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = queue.store.create(LONG)
    with frozen_holder(queue.store.root / ".queue.lock") as holder:
        began = time.monotonic()
        (state,) = queue.runs()
        assert time.monotonic() - began < 2
        assert state["run_id"] == run_id and state["state"] == "queued"
        assert queue.trouble.startswith(
            f"runs cannot be changed now. Process {holder.pid} holds its lock and is stopped. "
            f"Continue it (kill -CONT {holder.pid}) or end it (kill -9 {holder.pid})"
        )
    monkeypatch.setattr(RunQueue, "_spawn", lambda *_: os.getpid())
    assert queue.runs()[0]["state"] == "running" and queue.trouble == ""


def test_a_worker_stopped_while_it_holds_its_state_is_named_and_ended_by_force(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tokenunlearn.runs.store.FROZEN_SECONDS", 0.0)
    monkeypatch.setattr("tokenunlearn.runs.disk._LOOK_SECONDS", 0.01)
    monkeypatch.setattr("tokenunlearn.runs.disk.locked.__wrapped__.__defaults__", (0.2,))
    run_id = queue.store.create(LONG)
    with frozen_holder(queue.store.path(run_id) / ".state.lock") as holder:
        me = {"pid": holder.pid, "process_started": process_started(holder.pid)}
        state = queue.store.state(run_id) | {"state": "running", "heartbeat": 1.0, "step": 3, **me}
        queue.store.write_json(run_id, "state.json", state)
        line = status_text(queue.store.state(run_id))
        assert f"its process {holder.pid} is stopped and does nothing. Continue it (kill -CONT" in line
        with pytest.raises(RunError, match=f"Process {holder.pid} holds its lock and is stopped."):
            queue.request(run_id, "pause")
        assert queue.request(run_id, "force")["state"] == "interrupted"
        assert queue.store.state(run_id)["message"] == "stopped by force at step 3"
        holder.wait(5)


def test_a_force_before_the_clock_was_set_back_is_carried_out(queue: RunQueue) -> None:
    run_id = queue.store.create(LONG)
    with frozen_holder(queue.store.root / "other.lock") as holder:
        me = {"pid": holder.pid, "process_started": process_started(holder.pid)}
        later = time.time() + HOUR
        assert FORCE_GRACE_SECONDS < HOUR
        queue.store.change(run_id, state="pausing", heartbeat=later, forced=later, requested=later, **me)
        assert queue.runs()[0]["state"] == "interrupted"
        holder.wait(5)


def test_two_servers_on_one_folder_start_one_worker(queue: RunQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[Path] = []
    monkeypatch.setattr(RunQueue, "_spawn", lambda _, folder: spawned.append(folder) or os.getpid())
    other = RunQueue(RunStore(queue.store.root), fake_worker.command)
    ids = [queue.store.create(LONG) for _ in range(2)]
    for each in (queue, other, queue, other):
        assert [state["state"] for state in each.runs()] == ["queued", "running"]
    assert [folder.name for folder in spawned] == ids[:1]
