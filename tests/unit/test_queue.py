"""The queue with real worker processes and a generator that trains nothing (tests/faults/fake_worker.py)."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tokenunlearn.errors import RunError
from tokenunlearn.runs.disk import locked
from tokenunlearn.runs.queue import RunQueue, running, worker_command
from tokenunlearn.runs.states import ACTIVE, status_text
from tokenunlearn.runs.store import RunStore, process_alive
from tokenunlearn.training.events import Finished, StepDone

pytestmark = pytest.mark.slow

FAKE = Path(__file__).resolve().parents[1] / "faults" / "fake_worker.py"
_spec = importlib.util.spec_from_file_location("fake_worker", FAKE)
fake_worker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fake_worker)


@pytest.fixture
def queue(tmp_path):
    queue = RunQueue(RunStore(tmp_path / "runs"), fake_worker.command)
    yield queue
    for state in queue.store.list_runs():
        if process_alive(state):
            os.kill(state["pid"], signal.SIGKILL)


def run(queue, **fake):
    return queue.start_run({"fake": {"steps": 6, **fake}, "steps": fake.get("steps", 6)})


def wait(queue, run_id, *names, seconds=20, step=0, saved=0):
    """Return the state once it is one of `names`, at `step` and saved at `saved` or later; only reads."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        state = queue.store.state(run_id)
        if state["state"] in names and state["step"] >= step and (state["saved_step"] or 0) >= saved:
            return state
        time.sleep(0.05)
    log = queue.store.path(run_id) / "log.txt"
    raise AssertionError(f"{state}\n{log.read_text() if log.exists() else 'no log'}")


def wait_until_it_hangs(queue, run_id, seconds=20):
    """Return the state once the step that hangs has begun.

    Its step may be written before the worker looks whether anything is asked of it: what is asked in between
    ends the run after that step.
    """
    deadline = time.monotonic() + seconds
    while not (queue.store.path(run_id) / fake_worker.HANGS).exists():
        assert time.monotonic() < deadline, queue.store.state(run_id)
        time.sleep(0.05)
    return queue.store.state(run_id)


def adapter(queue, run_id):
    return json.loads((queue.store.path(run_id) / "adapter" / "weights.json").read_text())["steps_taken"]


def test_a_run_goes_to_its_end_and_leaves_everything(queue):
    run_id = run(queue)
    state = wait(queue, run_id, "finished")
    assert (state["step"], state["steps"], state["saved_step"], state["message"]) == (6, 6, 6, "")
    events, _ = queue.store.events(run_id)
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2, 3, 4, 5, 6]
    assert events[-1].step == 6 and Finished(6, "all steps done") in events
    probes = queue.store.read_json(run_id, "probes.json")
    assert probes["before"]["summary"]["fact_joint"] == 1
    assert probes["after"]["summary"]["fact_joint"] == pytest.approx(1 / 7)
    assert len(probes["changes"]) == 1
    assert adapter(queue, run_id) == 6


def test_a_run_that_ends_before_its_last_step_says_why(queue):
    state = wait(queue, run(queue, enough_at=2), "finished")
    assert status_text(state) == "finished, step 2 of 6: the fact is low enough"


def test_runs_wait_in_order_and_workers_start_each_other(queue):
    first, second, third = run(queue, step_seconds=0.15), run(queue), run(queue)
    states = {state["run_id"]: state for state in queue.runs()}
    assert states[first]["state"] in ACTIVE
    assert (states[second]["place"], states[second]["after"]) == (1, first)
    assert (states[third]["place"], states[third]["after"]) == (2, second)
    # From here only states are read: nobody but the workers moves the queue on.
    ends = [wait(queue, run_id, "finished") for run_id in (first, second, third)]
    assert ends[0]["ended"] <= ends[1]["started"] and ends[1]["ended"] <= ends[2]["started"]


@pytest.mark.slow
def test_a_reader_moves_the_queue_on_when_the_worker_was_killed(queue):
    first, second = run(queue, hangs_at=2), run(queue)
    state = wait(queue, first, "running", step=1)
    os.kill(state["pid"], signal.SIGKILL)
    killed = time.time()
    while queue.runs()[1]["state"] != "interrupted":
        assert time.time() - killed < 5, "a page must be right within five seconds"
        time.sleep(0.1)
    wait(queue, second, "finished")


def test_stop_keeps_a_usable_run(queue):
    run_id = run(queue, steps=500, step_seconds=0.03, save_every=1000)
    wait(queue, run_id, "running", step=1)
    assert queue.request(run_id, "stop")["state"] == "stopping"
    state = wait(queue, run_id, "kept")
    assert 0 < state["step"] < 500
    assert state["saved_step"] == state["step"] == adapter(queue, run_id)
    after = queue.store.read_json(run_id, "probes.json")["after"]["summary"]["fact_joint"]
    assert after == pytest.approx(1 / (1 + state["step"]))


def test_a_paused_run_resumes_to_the_straight_result(queue):
    run_id = run(queue, steps=40, step_seconds=0.03, save_every=1000)
    wait(queue, run_id, "running", step=2)
    queue.request(run_id, "pause")
    paused = wait(queue, run_id, "paused")
    assert 0 < paused["step"] < 40
    assert paused["saved_step"] == paused["step"]
    before = queue.store.read_json(run_id, "probes.json")["before"]
    queue.resume(run_id)
    assert wait(queue, run_id, "finished")["step"] == 40
    events, _ = queue.store.events(run_id)
    assert [event.step for event in events if isinstance(event, StepDone)] == list(range(1, 41))
    assert queue.store.read_json(run_id, "probes.json")["before"] == before


@pytest.mark.parametrize("what", ["pause", "stop"])
def test_a_worker_that_waits_for_the_measurement_of_another_process_can_be_ended(queue, tmp_path, what):
    file = tmp_path / "report-1.json"
    with locked(file.with_suffix(".lock")):  # this process measures
        run_id = run(queue, measured=str(file))
        deadline = time.monotonic() + 20
        while f"waiting for process {os.getpid()}" not in queue.store.state(run_id)["message"]:
            assert time.monotonic() < deadline, queue.store.state(run_id)
            time.sleep(0.05)
        queue.request(run_id, what)
        assert wait(queue, run_id, "paused")["step"] == 0
    assert not file.exists()
    queue.resume(run_id)
    assert wait(queue, run_id, "finished")["step"] == 6 and file.exists()


def test_terminating_the_worker_pauses_the_run(queue):
    run_id = run(queue, steps=500, step_seconds=0.03)
    os.kill(wait(queue, run_id, "running", step=1)["pid"], signal.SIGTERM)
    state = wait(queue, run_id, "paused")
    assert state["saved_step"] == state["step"] == adapter(queue, run_id)
    assert status_text(state).startswith("paused: the worker was told to end (SIGTERM); weights saved, step ")


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_does_not_begin_another_run_nor_end_its_step(queue):
    run_id, later = run(queue, hangs_at=2, ending_seconds=0.5), run(queue)
    state = wait_until_it_hangs(queue, run_id)
    os.kill(state["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 30
    while process_alive(queue.store.state(run_id)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert queue.store.state(run_id)["message"] == "the worker was told to end (SIGTERM) at step 1"
    assert (
        queue.store.state(run_id)["state"] == "interrupted" and queue.store.state(later)["state"] == "queued"
    )


@pytest.mark.slow
def test_force_ends_a_step_that_hangs(queue):
    run_id = run(queue, hangs_at=3, save_every=1, step_seconds=0.5)
    wait_until_it_hangs(queue, run_id)
    queue.request(run_id, "pause")
    queue.request(run_id, "force")
    state = wait(queue, run_id, "interrupted", seconds=5)
    assert state["message"] == "stopped by force at step 2" and state["saved_step"] in (1, 2)
    assert queue.keep(run_id)["state"] == "kept"


@pytest.mark.slow
def test_force_ends_even_a_frozen_worker(queue):
    run_id = run(queue, hangs_at=2)
    state = wait(queue, run_id, "running", step=1)
    # Not while it writes its state: whoever wants that lock would wait for it without end.
    with locked(queue.store.path(run_id) / ".state.lock"):
        os.kill(state["pid"], signal.SIGSTOP)
        while psutil.Process(state["pid"]).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
    queue.request(run_id, "force")
    deadline = time.time() + 8
    while queue.runs()[0]["state"] != "interrupted":
        assert time.time() < deadline
        time.sleep(0.2)
    assert not process_alive(state)


def test_a_failure_names_its_cause_and_resumes(queue):
    run_id = run(queue, fails_at=4, save_every=3)
    state = wait(queue, run_id, "failed")
    assert (state["message"], state["saved_step"]) == ("no such tensor in step 4", 3)
    assert "Traceback" in (queue.store.path(run_id) / "log.txt").read_text()
    queue.resume(run_id)
    assert wait(queue, run_id, "finished")["step"] == 6


def test_a_diverged_run_says_why(queue):
    run_id = run(queue, diverges_at=4, save_every=1)
    state = wait(queue, run_id, "diverged")
    assert (state["message"], state["saved_step"]) == ("retain loss 3.1 > 2.0", 3)


def test_a_run_that_diverged_without_a_good_step_has_nothing_to_keep(queue):
    """Its first step was saved before the second one measured it."""
    run_id = run(queue, diverges_at=2, kept_step=0, save_every=1)
    state = wait(queue, run_id, "diverged")
    assert (state["step"], state["saved_step"]) == (0, 0)
    assert not (queue.store.path(run_id) / "adapter").exists()
    with pytest.raises(RunError, match="keep is not possible"):
        queue.keep(run_id)


def test_the_run_outlives_the_process_that_started_it(queue):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import fake_worker\n"
        "from tokenunlearn.runs.queue import RunQueue; from tokenunlearn.runs.store import RunStore\n"
        "queue = RunQueue(RunStore(sys.argv[3]), fake_worker.command)\n"
        "queue.start_run({'fake': {'steps': 10, 'step_seconds': 0.05}})\n"
    )
    arguments = [str(FAKE.parent), str(FAKE.parents[2]), str(queue.store.root)]
    server = subprocess.Popen([sys.executable, "-c", code, *arguments], start_new_session=True)
    server.wait()
    assert wait(queue, "run-1", "finished")["step"] == 10


def test_a_second_worker_leaves_the_first_alone(queue):
    run_id = run(queue, hangs_at=2)
    state = wait(queue, run_id, "running", step=1)
    other = subprocess.run(fake_worker.command(queue.store.path(run_id)), check=False, timeout=20)
    assert other.returncode == 0
    assert queue.store.state(run_id)["pid"] == state["pid"]
    queue.discard(run_id)
    assert not process_alive(state) and queue.runs() == []


def test_cancel_and_discard_remove_a_run(queue):
    first, second = run(queue, hangs_at=1), run(queue)
    queue.discard(second)
    assert [state["run_id"] for state in queue.runs()] == [first]


@pytest.mark.parametrize("what", ["pause", "stop", "force"])
def test_an_ended_run_takes_no_request(queue, what):
    run_id = run(queue, steps=1)
    wait(queue, run_id, "finished")
    with pytest.raises(RunError, match=f"run-1 is finished: {what} is not possible"):
        queue.request(run_id, what)
    assert not (queue.store.path(run_id) / "request.json").exists()
    with pytest.raises(RunError):
        queue.resume(run_id)


def test_a_resume_that_is_refused_takes_nothing_back(queue):
    run_id = queue.store.create({})
    worker = subprocess.Popen(["sleep", "60"])
    queue.store.change(run_id, **running(worker.pid))
    queue.request(run_id, "stop")
    with pytest.raises(RunError, match="resume is not possible"):
        queue.resume(run_id)
    assert queue.store.read_json(run_id, "request.json")["request"] == "stop"
    worker.kill()
    worker.wait()


def test_a_folder_that_was_copied_or_renamed_is_a_run_of_its_own(queue):
    first = run(queue)
    wait(queue, first, "finished")
    copied = shutil.ignore_patterns(".*")  # the worker still tidies up
    shutil.copytree(queue.store.path(first), queue.store.root / "run-7", ignore=copied)
    assert [state["run_id"] for state in queue.runs()] == ["run-7", first]
    queue.discard("run-7")
    assert [state["run_id"] for state in queue.runs()] == [first]
    waiting = queue.store.create({"fake": {"steps": 6}, "steps": 6})
    os.rename(queue.store.path(waiting), queue.store.root / "run-99")
    queue.runs()
    assert wait(queue, "run-99", "finished")["run_id"] == "run-99"


def test_a_file_where_the_page_was_started_is_no_module_of_a_worker(tmp_path):
    for name in ("random.py", "json.py"):
        (tmp_path / name).write_text("raise SystemExit('shadowed')")
    there = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(FAKE.parents[2])}}
    said = subprocess.run(worker_command(tmp_path / "run-1"), **there, capture_output=True, text=True).stderr
    assert "run-1" in said and "shadowed" not in said


def test_an_unknown_request_is_refused(queue):
    with pytest.raises(RunError, match="Ask for pause, stop or force"):
        queue.request(queue.store.create({}), "halt")


def test_a_worker_that_cannot_start_fails_its_run_only(queue):
    queue.command = lambda _: ["/nonexistent/python"]
    run_id = run(queue)
    state = queue.store.state(run_id)
    assert state["state"] == "failed" and "could not start" in state["message"]


def test_the_default_worker_is_the_module(tmp_path):
    assert worker_command(tmp_path)[1:] == ["-P", "-m", "tokenunlearn.runs.worker", str(tmp_path)]


def test_a_worker_that_ends_by_itself_while_it_is_ended_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = RunQueue(RunStore(tmp_path), lambda _: ["true"])
    run_id = queue.start_run({"steps": 1})
    gone = {**queue.store.state(run_id), "pid": 2**22 + 1}  # beyond the highest process id
    looks = iter([True])
    monkeypatch.setattr("tokenunlearn.runs.queue.process_alive", lambda _: next(looks, False))
    queue._kill(gone)
    assert next(looks, None) is None
