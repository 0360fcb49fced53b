"""The worker: one process, one run, files only.

`python -m tokenunlearn.runs.worker RUN_DIR` does this:
1. claim the run  2. load model, rows, mask  3. probe before  4. train, an event a line into `metrics.jsonl`
5. save the adapter  6. probe after  7. settle the state and start the next queued run.

`request.json` in the run directory asks for `pause` (save, go on later), `stop` (save, probe, keep) or
`force` (end now; what was saved stays). SIGTERM counts as `pause`, within ENDING_SECONDS, and no other run is
started then: the machine may be going down. Nothing is ever written to a pipe.

Where the disk takes nothing more the run pauses with the reason, on its last checkpoint. So that this can be
written a file lies in reserve while a run is under way.
"""

import logging
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from tokenunlearn.errors import RunError
from tokenunlearn.runs.damage import read_record
from tokenunlearn.runs.disk import LockHeld, disk_fault
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.parts import CHECKPOINT, Parts
from tokenunlearn.runs.queue import Command, RunQueue, worker_command
from tokenunlearn.runs.states import ACTIVE, ENDED
from tokenunlearn.runs.store import HEARTBEAT_SECONDS, RunStore
from tokenunlearn.training.events import WRITTEN, Diverged, Finished, MeasuredPart, Saved, StepDone, SweepAt

LOG: Final = logging.getLogger(__name__)
FORCED_EXIT: Final = 3
# Writing the adapter may take this share of the time; the loop writes its checkpoint every step anyway.
SAVING_SHARE: Final = 0.05
RESERVE: Final = ".reserve"
RESERVE_BYTES: Final = 64_000  # of a state there are some 700
# How long a worker tries to write how it ended: a disk may come back.
PATIENCE_SECONDS: Final = 600.0
# From SIGTERM to the end, where no step ends before: who sends it waits ten seconds (docker) or more.
ENDING_SECONDS: Final = 8.0
TOLD_TO_END: Final = "the worker was told to end (SIGTERM)"
_RETRY_SECONDS: Final = 1.0


class _Asked(Exception):
    """Somebody wants the run to end, before anything was trained."""


class Pulse:
    """A thread that writes heartbeat and step twice a second and obeys `force` even inside a long step."""

    def __init__(self, queue: RunQueue, run_id: str, ending: threading.Event) -> None:
        self.silenced = ""
        self.queue, self.store, self.run_id = queue, queue.store, run_id
        self.request_file = queue.store.path(run_id) / "request.json"
        state = queue.store.state(run_id)
        # A new worker stands where the last save stands, wherever the one before had got to.
        self.step = self.saved_step = int(state["saved_step"])
        self._ending, self._ends_by = ending, math.inf
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def asked(self) -> str:
        """Return `pause`, `stop`, `force` or an empty string."""
        try:
            record = read_record(self.request_file)
        except RunError:  # a damaged one asks for nothing; the next one replaces it
            record = None
        asked = str(record["request"]) if record else ""
        return asked or ("pause" if self._ending.is_set() else "")

    def note(self, **values: Any) -> None:
        """Write these state values now, with the heartbeat."""
        self.store.change(self.run_id, when=ACTIVE, **self._values(), **values)

    def go_on(self, message: str) -> None:
        """Write what is done now, where nobody has asked for an end. Raises _Asked."""
        if self.asked():
            raise _Asked
        self.note(message=message)

    def end(self, state: str, message: str = "") -> None:
        """Settle the run; a state that is no longer active is left alone.

        On a disk that takes nothing the reserve is given up for it, and then it is tried until the disk does.
        """
        if state == "paused" and not message and self._ending.is_set():
            message = TOLD_TO_END
        values: dict[str, Any] = {"state": state, "message": message, "requested": None}
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                values |= {**self._values(), "ended": time.time()}
                self.store.change(self.run_id, when=ACTIVE, **values)
                return
            except (OSError, RunError) as error:
                LOG.warning("how the run ended cannot be written: %s", error)
                if time.monotonic() > until or (
                    isinstance(error, OSError) and not disk_fault(error, self.store.root)
                ):
                    raise
            if not self._give_up_reserve():
                time.sleep(_RETRY_SECONDS)

    def _give_up_reserve(self) -> bool:
        """Return whether room was made for a state; False where there was no reserve any more."""
        try:
            (self.store.path(self.run_id) / RESERVE).unlink()
        except (OSError, RunError):
            return False
        return True

    def _values(self) -> dict[str, Any]:
        return {"heartbeat": time.time(), "step": self.step, "saved_step": self.saved_step}

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            try:
                self.note()
                if self.asked() == "force":
                    self._leave_now(f"stopped by force at step {self.step}")
                if self._is_late():
                    self._leave_now(f"{TOLD_TO_END} at step {self.step}")
            except Exception as error:  # Nothing may silence the thread that obeys `force`.
                if str(error) != self.silenced:  # said once, not twice a second
                    LOG.exception("heartbeat failed")
                self.silenced = str(error)
                # Deleted: not with the whole folder of runs, whose disk may come back.
                if self.store.root.is_dir() and not self.request_file.parent.exists():
                    os._exit(FORCED_EXIT)

    def _is_late(self) -> bool:
        """Return whether SIGTERM has come so long ago that the end cannot wait for that of a step."""
        if self._ending.is_set():
            self._ends_by = min(self._ends_by, time.monotonic() + ENDING_SECONDS)
        return time.monotonic() > self._ends_by

    def _leave_now(self, why: str) -> None:
        stopping = self.store.state(self.run_id)["state"] == "stopping"
        kept = stopping and self.saved_step and self.saved_step == self.step
        self.end("kept" if kept else "interrupted", why)
        if not self._ending.is_set():
            self.queue.advance()
        os._exit(FORCED_EXIT)


def run_job(
    queue: RunQueue, run_id: str, make_parts: Callable[[], Parts], ending: threading.Event | None = None
) -> str:
    """Return the state in which the run ended, after running it from start or checkpoint to its end.

    Every error ends as state `failed` with its text in `message` and its traceback in `log.txt`. `ending` is
    set by SIGTERM.
    """
    store, told = queue.store, ending or threading.Event()
    with Pulse(queue, run_id, told) as pulse:
        signal.signal(signal.SIGTERM, lambda *_: told.set())
        try:
            state, message = _run(store, run_id, make_parts(), pulse)
        except Exception as error:
            LOG.exception("the run failed")
            full = disk_fault(error, store.root)
            state, message = ("paused", full) if full else ("failed", str(error) or type(error).__name__)
        pulse.end(state, message)
    if state in ENDED:  # only now: what was not yet said to be over could not go on without it
        shutil.rmtree(store.path(run_id) / CHECKPOINT, ignore_errors=True)
    return state


def _run(store: RunStore, run_id: str, parts: Parts, pulse: Pulse) -> tuple[str, str]:
    state = store.state(run_id)
    resume, kind = bool(state["resume"]), run_kind(state)
    pulse.note(message="loading the model")
    job = parts.load(store.config(run_id), store.path(run_id))
    # A resumed run keeps its first answers: the model it would probe now has already been changed.
    probes = store.probes(run_id) if resume else None
    if not probes and not pulse.asked():
        pulse.note(message=kind.before)
        found = None
        with suppress(_Asked):
            found = parts.before(job, lambda words: pulse.go_on(f"{kind.before}: {words}"))
        if found is not None:
            probes = {"before": found, "after": None, "changes": []}
            store.write_json(run_id, "probes.json", probes)
    pulse.note(message="")
    early = pulse.asked()
    if early:
        # Nothing was trained in this process, so there is nothing to save or to probe.
        return ("kept" if early == "stop" and pulse.saved_step else "paused"), ""
    asked, diverged = _train(store, run_id, parts, pulse, job, resume)
    if diverged and not pulse.step:  # the adapter that was saved meanwhile is what the guard has stopped
        shutil.rmtree(store.path(run_id) / "adapter", ignore_errors=True)
        pulse.saved_step = 0
    _save(parts, pulse, job)
    if diverged:
        return "diverged", diverged.reason
    if asked == "pause" or not pulse.step:
        return "paused", ""
    pulse.note(message=kind.after)
    before = (probes or {}).get("before")
    after = parts.probe(job, lambda words: pulse.note(message=f"{kind.after}: {words}"))
    changes = list[Any]()
    if before and after:
        after, changes = parts.compare(before, after)
    if after:
        store.write_json(run_id, "probes.json", {"before": before, "after": after, "changes": changes})
    return ("kept", "") if asked == "stop" else ("finished", _early_end(store, run_id))


def _early_end(store: RunStore, run_id: str) -> str:
    """Return why a run ended before its last step, "" where it did not."""
    events, _ = store.events(run_id)
    end = next((event for event in reversed(events) if isinstance(event, Finished)), None)
    return end.reason if end and end.step < int(store.state(run_id)["steps"]) else ""


def _train(
    store: RunStore, run_id: str, parts: Parts, pulse: Pulse, job: Any, resume: bool
) -> tuple[str, Diverged | None]:
    """Return what was asked for ("" = the loop ended by itself) and the divergence, if there was one."""
    events = parts.train(job, resume)
    diverged, save_next = None, 0.0
    try:
        for event in events:
            store.append_event(run_id, event)
            if isinstance(event, (StepDone, Finished, *WRITTEN)):
                pulse.step = event.step
            if isinstance(event, WRITTEN):
                pulse.saved_step = event.step
            if isinstance(event, SweepAt):
                place = f"step {event.of_step} of {event.of_steps}"
                pulse.note(message=f"{event.arm}, seed {event.seed}: {place}")
            if isinstance(event, MeasuredPart):
                pulse.note(message=f"{event.part} of {event.parts} parts")
            if isinstance(event, (StepDone, *WRITTEN)):
                if event.step == 1 or resume:
                    pulse.note(steps=event.steps)
                    resume = False
            elif isinstance(event, Saved) and time.monotonic() >= save_next:
                save_next = time.monotonic() + _save(parts, pulse, job) / SAVING_SHARE
            elif isinstance(event, Diverged):
                diverged, pulse.step = event, event.kept_step
            asked = pulse.asked()
            # Only after a whole step: in the middle of one the weights belong to no step.
            if asked and diverged is None and not isinstance(event, Finished):
                return asked, None
    finally:
        close = getattr(events, "close", None)
        if close:
            close()
    return "", diverged


def _save(parts: Parts, pulse: Pulse, job: Any) -> float:
    """Return the seconds that saving the adapter of the present step took; 0 when it is on disk already."""
    if not pulse.step or pulse.saved_step == pulse.step:
        return 0.0
    began = time.monotonic()
    parts.save(job, pulse.step)
    pulse.saved_step = pulse.step
    pulse.note()
    return time.monotonic() - began


def _sweep(directory: Path) -> None:
    """Remove what a kill left half written: single files, and an adapter that was not yet in its place."""
    for left in directory.rglob(".*.part"):
        left.unlink(missing_ok=True)
    for left in directory.glob(".adapter-*"):
        shutil.rmtree(left, ignore_errors=True)


def main(
    arguments: Sequence[str], make_parts: Callable[[], Parts] | None = None, command: Command = worker_command
) -> int:
    """Return the exit status: 0 when the run ended in a settled state or belongs to another worker."""
    directory = Path(arguments[0]).resolve()
    _write_to(directory / "log.txt")
    queue = RunQueue(RunStore(directory.parent), command)
    if not queue.claim(directory.name):
        LOG.info("another worker has this run, or another run is active")
        return 0
    _sweep(directory)
    ending = threading.Event()
    try:
        with suppress(OSError):
            (directory / RESERVE).write_bytes(os.urandom(RESERVE_BYTES))
        LOG.info("ended as %s", run_job(queue, directory.name, make_parts or _library_parts, ending))
    finally:
        with suppress(OSError):
            (directory / RESERVE).unlink(missing_ok=True)
        with suppress(OSError, LockHeld):  # who looks at the runs next starts the one that waits
            if not ending.is_set():
                queue.advance()
    return 0


def _library_parts() -> Parts:
    # Torch only after the claim: a second worker leaves at once.
    from tokenunlearn.runs.library import library_parts

    return library_parts()


def _write_to(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
