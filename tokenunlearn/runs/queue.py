"""One run at a time, the others in a visible order; workers outlive the page and the server.

Nothing is kept in memory: the queue is the set of `state.json` files, so that a server that restarts, a
command line and a worker at its end all see and continue the same queue.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import tokenunlearn
from tokenunlearn.errors import RunError
from tokenunlearn.runs.disk import LOCK_SECONDS, LockHeld, disk_fault, locked, write_json_atomically
from tokenunlearn.runs.kinds import KINDS, kind_of
from tokenunlearn.runs.states import ACTIVE, KEEPABLE, RESUMABLE
from tokenunlearn.runs.store import RunStore, WriteFile, process_alive, process_started
from tokenunlearn.waiting import WORKER

if TYPE_CHECKING:
    from pandas import DataFrame

    from tokenunlearn.masks import Mask

REQUESTS: Final = {"pause": "pausing", "stop": "stopping"}
FORCE_GRACE_SECONDS: Final = 3.0
READING_SECONDS: Final = 0.5  # that who only wants to see the runs waits for the queue to move on

Command = Callable[[Path], list[str]]


def worker_command(directory: Path) -> list[str]:
    """Return the command line of the worker for a run directory."""
    # -P: a file in the folder that the page was started in, such as random.py, is no module of ours.
    return [sys.executable, "-P", "-m", "tokenunlearn.runs.worker", str(directory)]


class RunQueue:
    """Starts, stops and orders the runs of one store. `command` names the worker to spawn."""

    def __init__(self, store: RunStore, command: Command = worker_command) -> None:
        self.store = store
        self.command = command
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why runs cannot be read, written or started now, and what mends it; "" where they can."""
        return self._trouble or self.store.trouble

    def start_run(
        self, config: Mapping[str, Any], mask: "Mask | None" = None, table: "DataFrame | None" = None
    ) -> str:
        """Return the id of a new run; its worker is spawned at once if no other run is active.

        `config` is that of `runs/job.py`. `mask` and the exchange `table` it was made on are copied into the
        run; without them every token has weight 1. Raises RunError for a mask without a table.
        """
        steps = KINDS[kind_of(config)].step or (config.get("training") or {}).get("steps", 0)
        record = {"steps": steps, **config}
        files: dict[str, WriteFile] = {}
        if mask is not None:
            if table is None:
                raise RunError("A mask needs the table it was made on.", fix="Pass both.", where="start_run")
            record |= {"mask_hash": mask.hash, "scores_id": mask.scores_id}
            files["mask.jsonl"] = partial(_write_mask, mask, table)
        if table is not None:
            files["tokens.parquet"] = partial(_write_table, table)
        run_id = self.store.create(record, files)
        self.advance()
        return run_id

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, newest first, settled; the queue moves on if the run before has ended.

        A queued run has `place` (1 = next) and `after`, the id of the run it waits for. Where nothing can be
        written, or another process holds the queue, they are as they can be seen; `trouble` says why.
        """
        try:
            self.advance(READING_SECONDS)
            self._trouble = ""
        except (OSError, LockHeld, RunError) as error:
            self._trouble = disk_fault(error, self.store.root) or str(error)
        states = self.store.list_runs()
        active = [state["run_id"] for state in states if state["state"] in ACTIVE]
        line = active + [state["run_id"] for state in self.waiting(states)]
        for state in states:
            if state["state"] == "queued":
                place = line.index(state["run_id"])
                state["place"] = place - len(active) + 1
                state["after"] = line[place - 1] if place else ""
        return states

    def waiting(self, states: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Return the queued runs in the order in which they will start."""
        known = self.store.list_runs() if states is None else states
        queued = [state for state in known if state["state"] == "queued"]
        return sorted(queued, key=lambda state: (state["queued"], int(state["run_id"][4:])))

    def advance(self, seconds: float = LOCK_SECONDS) -> str | None:
        """Return the id of the run that was started now, None when one is active or none waits.

        Raises OSError where the disk takes nothing, and LockHeld where another process has held the queue for
        `seconds`.
        """
        with locked(self.store.root / ".queue.lock", seconds):
            states = self.store.list_runs()
            if any([self._finish_force(state) for state in states]):
                states = self.store.list_runs()
            waiting = self.waiting(states)
            if not waiting or any(state["state"] in ACTIVE for state in states):
                return None
            run_id = str(waiting[0]["run_id"])
            # First: where it cannot be written that a worker runs, each look would start one more.
            self.store.change(run_id, when=("queued",), message="starting")
            try:
                pid = self._spawn(self.store.path(run_id))
            except OSError as error:
                # Not raised: the next reader would fail in the same way, and never see the other runs.
                self.store.change(run_id, state="failed", message=f"the worker could not start: {error}")
                return None
            try:
                self.store.change(run_id, when=("queued",), **running(pid))
            except OSError:
                os.kill(pid, signal.SIGKILL)
                raise
            return run_id

    def claim(self, run_id: str) -> bool:
        """Return True when this process is the worker of the run, False when another one is.

        The worker calls it first. It waits for a spawner that has not yet written the pid; a run started
        by hand is claimed only when it is queued and no other run is active.
        """
        with locked(self.store.root / ".queue.lock", seconds=None):
            state = self.store.state(run_id)
            if state["state"] in ACTIVE:
                return bool(state["pid"] == os.getpid())
            if any(other["state"] in ACTIVE for other in self.store.list_runs()):
                return False
            return self.store.change(run_id, when=("queued",), **running(os.getpid())) is not None

    def request(self, run_id: str, what: str) -> dict[str, Any]:
        """Return the state after asking a running worker to `pause`, `stop` or be stopped by `force`.

        The answer is on disk before this returns; the worker obeys within one step. Raises RunError when
        the run is in a state where that cannot be asked.
        """
        allowed = ACTIVE if what == "force" else ("running",)
        if what not in (*REQUESTS, "force"):
            raise RunError(f"Unknown request {what!r}.", fix="Ask for pause, stop or force.", where=run_id)
        now = time.time()
        record = {"request": what, "at": now}

        def write_request(_: Mapping[str, Any]) -> bool:
            write_json_atomically(self.store.path(run_id) / "request.json", record)
            return True

        self.store.state(run_id)
        values = {"forced": now} if what == "force" else {"state": REQUESTS[what], "requested": now}
        # Written under the run's lock, so that a worker that ends just now leaves no stale request behind.
        try:
            state = self.store.change(run_id, when=allowed, still=write_request, **values)
        except LockHeld as held:
            known = self.store.state(run_id)
            if what != "force" or held.pid is None or held.pid != known["pid"]:
                raise
            # Frozen in the middle of writing its state: it can neither obey nor let go.
            self._kill(known)
            return self.store.state(run_id)
        if state is None:
            raise self._refusal(run_id, what)
        return state

    def resume(self, run_id: str) -> str:
        """Return the same run id, queued again; the worker goes on from the last checkpoint."""

        def take_back(_: Mapping[str, Any]) -> bool:
            # Under the run's lock, once it rests: what is asked of a run that still trains must reach it.
            (self.store.path(run_id) / "request.json").unlink(missing_ok=True)
            return True

        self.store.state(run_id)
        values = {"state": "queued", "queued": time.time(), "resume": True, "requested": None, "forced": None}
        values |= {"message": "", "ended": None}
        if self.store.change(run_id, when=RESUMABLE, still=take_back, **values) is None:
            raise self._refusal(run_id, "resume")
        self.advance()
        return run_id

    def keep(self, run_id: str) -> dict[str, Any]:
        """Return the state `kept` of a run whose saved adapter is taken as it is."""
        self.store.state(run_id)
        state = self.store.change(
            run_id, when=KEEPABLE, still=lambda current: bool(current["saved_step"]), state="kept"
        )
        if state is None:
            raise self._refusal(run_id, "keep")
        return state

    def discard(self, run_id: str) -> None:
        """Set a run aside, active or ended; an active worker is killed first. A new one is removed.

        Only what has never run has nothing that somebody could want back.
        """
        with locked(self.store.root / ".queue.lock"):
            state = self.store.state(run_id)
            if state["state"] in ACTIVE:
                self._kill(state)
            if state["state"] == "queued" and state["started"] is None:
                self.store.delete(run_id)
            else:
                self.store.set_aside(run_id)
        self.advance()

    def _finish_force(self, state: Mapping[str, Any]) -> bool:
        """Kill a worker that has not obeyed a force, which it does by itself; return whether that was needed.

        A force that is still to come was asked for before the clock was set back.
        """
        forced = state.get("forced")
        late = state["state"] in ACTIVE and forced and abs(time.time() - forced) > FORCE_GRACE_SECONDS
        if late:
            self._kill(state)
        return bool(late)

    def _kill(self, state: Mapping[str, Any]) -> None:
        deadline = time.monotonic() + 5
        while process_alive(state) and time.monotonic() < deadline:
            with suppress(ProcessLookupError):  # it has ended by itself since it was looked at
                os.kill(int(state["pid"]), signal.SIGKILL)
            time.sleep(0.05)
        message = f"stopped by force at step {state['step']}"
        values = {"state": "interrupted", "message": message, "ended": time.time(), "requested": None}
        self.store.change(state["run_id"], when=ACTIVE, **values)

    def _refusal(self, run_id: str, what: str) -> RunError:
        name = self.store.state(run_id)["state"]
        return RunError(f"{run_id} is {name}: {what} is not possible.", fix="Reload the run.", where=run_id)

    def _spawn(self, directory: Path) -> int:
        package = str(Path(tokenunlearn.__file__).resolve().parent.parent)
        path = os.pathsep.join(part for part in (package, os.environ.get("PYTHONPATH", "")) if part)
        # A file, never a pipe: a pipe that nobody drains stalls training when the page or server is gone.
        with (directory / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                self.command(directory),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**WORKER, **os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        # Reaped by a thread: an unreaped child would look alive to whoever asks for its pid.
        threading.Thread(target=child.wait, daemon=True).start()
        return child.pid


def _write_mask(mask: "Mask", table: "DataFrame", path: Path) -> None:
    # Pandas only here: a worker claims its run before it loads anything that takes a second.
    from tokenunlearn.masks import write_mask

    write_mask(path, mask, table)


def _write_table(table: "DataFrame", path: Path) -> None:
    from tokenunlearn.table import write_table

    write_table(table, path)


def running(pid: int) -> dict[str, Any]:
    """Return the state values of a run whose worker is the process `pid`."""
    now = time.time()
    values = {"state": "running", "pid": pid, "process_started": process_started(pid), "heartbeat": now}
    return {**values, "started": now, "message": "starting"}
