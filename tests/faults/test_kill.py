"""kill -9 at random moments, also between write points (test_write_points.py): whole files, a true state,
earlier runs untouched, a result that is not changed.

The worker is a real process with a generator that trains nothing (fake_worker.py).
"""

import importlib.util
import json
import os
import random
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore, curve, process_alive
from tokenunlearn.training.events import StepDone

_spec = importlib.util.spec_from_file_location("fake_worker", Path(__file__).with_name("fake_worker.py"))
fake_worker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake_worker)

# Some twenty seconds in all, most of it waiting for processes to be killed in.
pytestmark = pytest.mark.slow
STEPS = 25


@contextmanager
def queue_in(folder):
    queue = RunQueue(RunStore(folder / "runs"), fake_worker.command)
    yield queue
    for state in queue.store.list_runs():
        if process_alive(state):
            os.kill(state["pid"], signal.SIGKILL)


@pytest.fixture
def queue(tmp_path):
    with queue_in(tmp_path) as queue:
        yield queue


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A queue in which one run has ended well: the queue, the run's folder and what it holds."""
    with queue_in(tmp_path_factory.mktemp("kill")) as queue:
        run_id = start(queue)
        until(lambda: queue.store.state(run_id)["state"] == "finished")
        until(lambda: not process_alive(queue.store.state(run_id)))
        folder = queue.store.path(run_id)
        yield queue, folder, contents(folder)


def start(queue):
    fake = {"steps": STEPS, "step_seconds": 0.01, "load_seconds": 0.05, "save_every": 3}
    return queue.start_run({"fake": fake, "steps": STEPS})


def until(condition, seconds=20.0):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.05)


def contents(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def check_every_file_parses(directory):
    """Every visible file is whole; the event file may end in a torn line, but only there."""
    for path in directory.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text(encoding="utf-8"))
    metrics = directory / "metrics.jsonl"
    if metrics.exists():
        for line in metrics.read_bytes().split(b"\n")[:-1]:
            json.loads(line)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_worker_leaves_whole_files_and_a_true_state(finished, seed):
    queue, earlier, untouched = finished
    run_id = start(queue)
    pid = queue.store.state(run_id)["pid"]
    time.sleep(random.Random(seed).uniform(0, 1.2))
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        assert queue.store.state(run_id)["state"] == "finished", "gone without a word"
    killed = time.time()

    check_every_file_parses(queue.store.path(run_id))
    until(lambda: queue.runs()[0]["state"] in ("interrupted", "finished"), seconds=5)
    assert time.time() - killed < 5
    check_every_file_parses(queue.store.path(run_id))
    assert contents(earlier) == untouched
    state = queue.store.state(run_id)
    weights = queue.store.path(run_id) / "adapter" / "weights.json"
    if state["saved_step"]:
        assert json.loads(weights.read_text())["steps_taken"] >= state["saved_step"]


def test_a_run_killed_again_and_again_ends_like_a_straight_one(queue):
    straight, broken = start(queue), start(queue)
    until(lambda: queue.store.state(straight)["state"] == "finished")
    generator = random.Random(5)
    for _ in range(4):
        until(lambda: queue.store.state(broken)["state"] in ("running", "finished"))
        time.sleep(generator.uniform(0.2, 0.6))
        state = queue.store.state(broken)
        if state["state"] == "finished":
            break
        os.kill(state["pid"], signal.SIGKILL)
        until(lambda: queue.store.state(broken)["state"] in ("interrupted", "finished"), seconds=5)
        if queue.store.state(broken)["state"] == "finished":  # it was done between the look and the kill
            break
        queue.resume(broken)
    until(lambda: queue.store.state(broken)["state"] == "finished")
    assert contents(queue.store.path(broken) / "adapter") == contents(queue.store.path(straight) / "adapter")
    for run_id in (straight, broken):
        events = curve(queue.store.events(run_id)[0])
        losses = [(event.step, event.loss) for event in events if isinstance(event, StepDone)]
        assert losses == [(step, 1 / step) for step in range(1, STEPS + 1)]


def test_what_a_kill_left_half_written_is_gone_after_the_next_start(queue):
    run_id = start(queue)
    folder = queue.store.path(run_id)
    until(lambda: (folder / "adapter" / "weights.json").is_file())
    os.kill(queue.store.state(run_id)["pid"], signal.SIGKILL)
    until(lambda: queue.store.state(run_id)["state"] == "interrupted", seconds=5)
    (folder / "adapter" / ".weights.json.x.part").write_text("{")
    (folder / ".adapter-3").mkdir()
    (folder / ".adapter-3" / "weights.json").write_text("{}")
    queue.resume(run_id)
    until(lambda: queue.store.state(run_id)["state"] == "finished")
    assert not [path for path in folder.rglob(".*") if path.suffix == ".part" or path.is_dir()]


def test_a_server_killed_while_starting_runs_breaks_nothing(queue):
    for seed in range(3):
        pid = os.fork()
        if pid == 0:  # The child is a server that creates runs without end; it never returns to pytest.
            os.setsid()
            while True:
                queue.store.create({"fake": {"steps": 1}})
        time.sleep(random.Random(seed).uniform(0.05, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    states = queue.store.list_runs()
    assert states and all(state["state"] == "queued" for state in states)
    for state in states:
        check_every_file_parses(queue.store.path(state["run_id"]))
    last = int(states[0]["run_id"][4:])
    assert int(queue.store.create({})[4:]) > last
