"""The run store: a directory per run, whole files only, a state that is settled whenever it is read.

A directory holds `config.json, versions.json, mask.jsonl, tokens.parquet, metrics.jsonl (events), adapter/,
probes.json, log.txt, state.json`. Beside the contract, `state.json` has `process_started` (so that a reused
pid is not taken for the worker), `saved_step` (0 = no adapter yet), `requested` (when a pause or stop was
asked for) and `resume`. Times are seconds since the epoch.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from tokenunlearn.data.json_text import from_json
from tokenunlearn.errors import RunError
from tokenunlearn.runs.damage import config_fault, probes_fault, read_state
from tokenunlearn.runs.disk import (
    append_line,
    locked,
    read_lines_since,
    write_bytes_atomically,
    write_json_atomically,
)
from tokenunlearn.runs.kinds import kind_of
from tokenunlearn.runs.notes import read_note
from tokenunlearn.runs.states import ACTIVE, STATES
from tokenunlearn.runs.versions import versions
from tokenunlearn.training.events import Event, StepDone, known_events, to_json

HEARTBEAT_SECONDS: Final = 0.5
OLD_HEARTBEAT_SECONDS: Final = 2.0
# The system clock may be set while a worker runs, which moves the start time that the system reports.
SAME_PROCESS_SECONDS: Final = 5.0
MOST_LOG_LINES, MOST_LOG_BYTES = 60, 16_000
RUN_ID: Final = re.compile(r"run-[0-9]{1,9}")
ASIDE: Final = ".discarded"  # the folder of runs that were discarded and can be brought back

WriteFile = Callable[[Path], None]


class RunStore:
    """All runs under one folder; several processes may hold a store on the same folder at once."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).resolve()
        self.root.mkdir(parents=True, exist_ok=True)

    def create(self, config: Mapping[str, Any], files: Mapping[str, WriteFile] | None = None) -> str:
        """Return the id of a new queued run whose directory is complete from its first moment.

        `config` may name `name`, `arm`, `mask_hash` and `steps` for the state; `files` are further files
        by name, each written by a function of its path. Numbers are never given twice, even after
        a run was deleted.
        """
        part = Path(tempfile.mkdtemp(prefix=".new-", dir=self.root))
        try:
            part.chmod(0o755)
            write_json_atomically(part / "config.json", dict(config))
            write_json_atomically(part / "versions.json", versions())
            for name, write_file in (files or {}).items():
                write_file(part / Path(name).name)
            with locked(self.root / ".create.lock"):
                run_id = f"run-{self._next_number()}"
                write_json_atomically(part / "state.json", _first_state(run_id, config))
                os.rename(part, self.root / run_id)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return run_id

    def path(self, run_id: str) -> Path:
        """Return the directory of a run. Raises RunError when the id is malformed or there is no such run."""
        if not RUN_ID.fullmatch(run_id) or not (self.root / run_id / "state.json").is_file():
            raise RunError(
                f"There is no run {run_id!r}.", fix="Pick one from the list of runs.", where=str(self.root)
            )
        return self.root / run_id

    def config(self, run_id: str) -> dict[str, Any]:
        """Return the config the run was started with, from its own folder. Raises RunError when damaged."""
        return self._checked(run_id, "config.json", config_fault) or {}

    def known_config(self, run_id: str) -> dict[str, Any]:
        """Return the config, {} where it is damaged: for who looks through all runs."""
        try:
            return self.config(run_id)
        except RunError:
            return {}

    def probes(self, run_id: str) -> dict[str, Any] | None:
        """Return the reports before and after, None when there are none yet. Raises RunError when damaged."""
        return self._checked(run_id, "probes.json", probes_fault)

    def known_probes(self, run_id: str) -> dict[str, Any] | None:
        """Return the reports before and after, None where they are damaged: for who looks at many runs."""
        try:
            return self.probes(run_id)
        except RunError:
            return None

    def read_json(self, run_id: str, name: str) -> Any:
        """Return a JSON file of the run, None when it is not there yet. Raises RunError when damaged."""
        file = self.path(run_id) / name
        try:
            return from_json(file.read_text(encoding="utf-8")) if file.is_file() else None
        except (OSError, ValueError) as error:
            raise _damaged(file, f"it is damaged: {error}") from error

    def _checked(self, run_id: str, name: str, fault_of: Callable[[Any], str]) -> Any:
        found = self.read_json(run_id, name)
        fault = "" if found is None else fault_of(found)
        if fault:
            raise _damaged(self.path(run_id) / name, fault)
        return found

    def write_json(self, run_id: str, name: str, record: Any) -> None:
        """Replace a JSON file of the run as a whole."""
        write_json_atomically(self.path(run_id) / name, record)

    def state(self, run_id: str) -> dict[str, Any]:
        """Return the state, settled: an active run whose process is dead and silent becomes `interrupted`.

        One that cannot be read is `failed`, with the reason as its `fault`. `name` is the one that a person
        gave the run, else the one that it was started under.
        """
        state, fault = read_state(self.path(run_id))
        if fault or not is_dead(state):
            given = read_note(self.root / run_id)[0].name
            return {**state, "name": given} if given else state
        return self.change(run_id, when=ACTIVE, still=is_dead, **_interrupted(state)) or self.state(run_id)

    def change(
        self, run_id: str, *, when: Collection[str] = STATES, still: Any = None, **values: Any
    ) -> dict[str, Any] | None:
        """Return the state after setting `values`, None (nothing written) when it is not one of `when`.

        Reading and writing happen under the run's lock, so that a page and a worker do not undo each
        other. `still` is a further condition on the state that was read.
        """
        directory = self.path(run_id)
        with locked(directory / ".state.lock"):
            state, fault = read_state(directory)
            if fault:  # what a newer version wrote is not written over
                raise _damaged(directory / "state.json", fault)
            if state["state"] not in when or (still is not None and not still(state)):
                return None
            state.update(values)
            write_json_atomically(directory / "state.json", state)
        return state

    def list_runs(self) -> list[dict[str, Any]]:
        """Return the settled states of all runs, newest first."""
        names = [entry.name for entry in self.root.iterdir() if RUN_ID.fullmatch(entry.name)]
        states = []
        for run_id in sorted(names, key=_number, reverse=True):
            try:
                states.append(self.state(run_id))
            except (RunError, FileNotFoundError):
                continue  # Deleted by another process since the folder was listed.
        return states

    def append_event(self, run_id: str, event: Event) -> None:
        """Append one event to `metrics.jsonl`."""
        append_line(self.path(run_id) / "metrics.jsonl", to_json(event))

    def events(self, run_id: str, cursor: int = 0) -> tuple[list[Event], int]:
        """Return the events after byte `cursor` and the next cursor; a torn last line is left for later."""
        records, cursor = read_lines_since(self.path(run_id) / "metrics.jsonl", cursor)
        return known_events(records), cursor

    def log_end(self, run_id: str) -> str:
        """Return the last lines that the run's workers wrote; "" where there is no log."""
        file = self.path(run_id) / "log.txt"
        text = file.read_bytes()[-MOST_LOG_BYTES:].decode("utf-8", "replace") if file.is_file() else ""
        return "\n".join(text.splitlines()[-MOST_LOG_LINES:])

    def delete(self, run_id: str) -> None:
        """Remove a run for good. Raises RunError while its worker is alive."""
        self._refuse_active(run_id)
        self._remove(self.path(run_id))

    def set_aside(self, run_id: str) -> None:
        """Take a run out of the list, and keep it whole. Raises RunError while its worker is alive."""
        self._refuse_active(run_id)
        (self.root / ASIDE).mkdir(exist_ok=True)
        os.rename(self.path(run_id), self.root / ASIDE / run_id)

    def aside(self) -> list[dict[str, Any]]:
        """Return the states of the runs that were set aside, newest first, as they were then."""
        found = []
        for folder in sorted((self.root / ASIDE).glob("run-*"), key=lambda each: _number(each.name)):
            try:
                state, _ = read_state(folder)
            except FileNotFoundError:
                continue
            found.append({**state, "name": read_note(folder)[0].name or state["name"]})
        return found[::-1]

    def bring_back(self, run_id: str) -> None:
        """Put a run that was set aside back into the list. Raises RunError where there is none."""
        os.rename(self._aside(run_id), self.root / run_id)

    def delete_aside(self, run_id: str) -> None:
        """Remove a run that was set aside for good. Raises RunError where there is none."""
        self._remove(self._aside(run_id))

    def _aside(self, run_id: str) -> Path:
        folder = self.root / ASIDE / run_id
        if not RUN_ID.fullmatch(run_id) or not folder.is_dir():
            what = f"There is no discarded run {run_id!r}."
            raise RunError(what, "It was brought back, or deleted", "Reload the page", str(self.root))
        return folder

    def _refuse_active(self, run_id: str) -> None:
        state = self.state(run_id)
        if state["state"] in ACTIVE:
            raise RunError(f"{run_id} is {state['state']}.", fix="Stop it before deleting it.", where=run_id)

    def _remove(self, folder: Path) -> None:
        # Renamed first: a kill in the middle leaves no half run in the list, only a folder nobody lists.
        trash = Path(tempfile.mkdtemp(prefix=".deleted-", dir=self.root))
        os.rename(folder, trash / folder.name)
        for left in self.root.glob(".deleted-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _next_number(self) -> int:
        counter = self.root / ".last_number"
        last = int(counter.read_text()) if counter.is_file() else 0
        taken = [_number(entry.name) for entry in self.root.iterdir() if RUN_ID.fullmatch(entry.name)]
        number = max([last, *taken]) + 1
        write_bytes_atomically(counter, str(number).encode())
        return number


def curve(events: Sequence[Event]) -> list[Event]:
    """Return the events without what a resumed run did again.

    A worker killed at step 14 with a checkpoint at 12 reports 13 and 14 twice; the later report stands,
    because it belongs to the weights that were kept.
    """
    kept: list[Event] = []
    last = 0
    for event in events:
        if isinstance(event, StepDone):
            if event.step <= last:
                kept = [earlier for earlier in kept if earlier.step < event.step]
            last = event.step
        kept.append(event)
    return kept


def is_dead(state: Mapping[str, Any], now: float | None = None) -> bool:
    """Return True for an active run whose process is gone and whose heartbeat is old; both must hold."""
    if state["state"] not in ACTIVE:
        return False
    silent = (time.time() if now is None else now) - float(state.get("heartbeat") or 0)
    return silent > OLD_HEARTBEAT_SECONDS and not process_alive(state)


def process_alive(state: Mapping[str, Any]) -> bool:
    """Return True while the very process named in the state runs; a zombie or a reused pid does not count."""
    if not state.get("pid"):
        return False
    try:
        process = psutil.Process(int(state["pid"]))
        same = abs(process.create_time() - float(state.get("process_started") or 0)) < SAME_PROCESS_SECONDS
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def process_started(pid: int) -> float:
    """Return when a process started, 0 when it is gone already."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def _damaged(file: Path, why: str) -> RunError:
    fix = "Discard the run, or put the file back from a copy"
    return RunError(f"{file.name} of {file.parent.name} cannot be read: {why}", fix=fix, where=str(file))


def _interrupted(state: Mapping[str, Any]) -> dict[str, Any]:
    message = f"the worker died at step {state['step']}"
    return {"state": "interrupted", "message": message, "ended": time.time(), "requested": None}


def _first_state(run_id: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_id": run_id, "name": config.get("name") or run_id, "state": "queued", "step": 0,
        "steps": int(config.get("steps") or 0), "message": "", "pid": None, "process_started": None,
        "heartbeat": None, "created": time.time(), "queued": time.time(), "started": None, "ended": None,
        "mask_hash": config.get("mask_hash") or "", "arm": config.get("arm") or "", "saved_step": 0,
        "requested": None, "resume": False, "kind": kind_of(config),
    }  # fmt: skip


def _number(run_id: str) -> int:
    return int(run_id.removeprefix("run-"))
