"""The run store: a directory per run, whole files only, a state that is settled whenever it is read.

A directory holds `config.json, versions.json, mask.jsonl, tokens.parquet, metrics.jsonl (events), adapter/,
probes.json, log.txt, state.json`. Beside the contract, `state.json` has `process_started` (so that a reused
pid is not taken for the worker), `saved_step` (0 = no adapter yet), `requested` (when a pause or stop was
asked for) and `resume`. Times are seconds since the epoch.
"""

import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from tokenunlearn.contents import bytes_of
from tokenunlearn.errors import RunError
from tokenunlearn.runs.damage import damaged, read_record, read_state, stamp_of, unreadable
from tokenunlearn.runs.disk import (
    append_line,
    disk_fault,
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
FROZEN_SECONDS: Final = 10.0  # without a heartbeat, after which it is looked at whether a worker is stopped
# The start of a process, in seconds since that of the machine: the clock may be set while it runs.
SAME_PROCESS_SECONDS: Final = 0.02
_SAME_BY_CLOCK: Final = 5.0
_START_FIELD: Final = 19  # of /proc/PID/stat, counted from behind the name
_SINCE_EPOCH: Final = 1e9  # what an earlier version wrote, where the clock decides
MOST_LOG_LINES, MOST_LOG_BYTES = 60, 16_000
RUN_ID: Final = re.compile(r"run-[0-9]{1,9}")
# What lies beside the runs in their folder.
ASIDE: Final = ".discarded"  # runs that were discarded and can be brought back
TEXTS: Final = ".texts"  # drafts, named masks, marks and subjects, a folder for each text
MEASURED: Final = ".measured"  # reports and scores that need not be measured again

MOST_NAME: Final = 200  # letters of a run's name that are shown, whatever its files hold
CONFIG: Final = "config.json"
SUMMED: Final = ("state.json", CONFIG, "note.json")  # what a run's line in a list is made of
_MOST_DIGITS: Final = 12

FROZEN: Final = (
    "its process {pid} is stopped and does nothing. Continue it (kill -CONT {pid}), or discard the run"
)

WriteFile = Callable[[Path], None]


@dataclass(frozen=True)
class _Config:
    """What is wrong with a config.json, and with which runs its run was started."""

    fault: str
    group: str


@dataclass(frozen=True)
class _Seen:
    """A run as it was last read: the stamps of its files then, what its config said, its state."""

    stamps: tuple[Any, ...]
    config: _Config
    state: dict[str, Any]


class RunStore:
    """All runs under one folder; several processes may hold a store on the same folder at once."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).resolve()
        self._seen: dict[str, _Seen] = {}
        self._listed: tuple[str, ...] = ()
        self._trouble = ""
        with suppress(FileExistsError):  # a link to a disk that is not there now
            self.root.mkdir(parents=True, exist_ok=True)

    @property
    def trouble(self) -> str:
        """Why the folder of runs cannot be read or written now, and what mends it; "" where it can."""
        return self._trouble

    def create(self, config: Mapping[str, Any], files: Mapping[str, WriteFile] | None = None) -> str:
        """Return the id of a new queued run whose directory is complete from its first moment.

        `config` may name `name`, `arm`, `mask_hash` and `steps` for the state; `files` are further files
        by name, each written by a function of its path. Numbers are never given twice, even after
        a run was deleted. Raises RunError where the disk takes nothing.
        """
        try:
            return self._create(config, files or {})
        except OSError as error:
            fault = disk_fault(error, self.root)
            if not fault:
                raise
            raise RunError("The run cannot be started", fault, where=str(self.root)) from error

    def _create(self, config: Mapping[str, Any], files: Mapping[str, WriteFile]) -> str:
        part = Path(tempfile.mkdtemp(prefix=".new-", dir=self.root))
        try:
            part.chmod(0o755)
            write_json_atomically(part / "config.json", dict(config))
            write_json_atomically(part / "versions.json", versions())
            for name, write_file in files.items():
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
        if not RUN_ID.fullmatch(run_id) or not (self.root / run_id).is_dir():
            if not self.root.is_dir():
                gone = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root))
                raise RunError(disk_fault(gone, self.root), where=str(self.root)) from gone
            raise RunError(
                f"There is no run {run_id!r}.", fix="Pick one from the list of runs.", where=str(self.root)
            )
        return self.root / run_id

    def config(self, run_id: str) -> dict[str, Any]:
        """Return the config the run was started with, from its own folder.

        Raises RunError when it is damaged or gone.
        """
        found = self.read_json(run_id, CONFIG)
        if found is None:
            raise damaged(self.path(run_id) / CONFIG, "it is missing")
        return dict(found)

    def known_config(self, run_id: str) -> dict[str, Any]:
        """Return the config, {} where it is damaged: for who looks through all runs."""
        try:
            return self.config(run_id)
        except RunError:
            return {}

    def probes(self, run_id: str) -> dict[str, Any] | None:
        """Return the reports before and after, None when there are none yet. Raises RunError when damaged."""
        found: dict[str, Any] | None = self.read_json(run_id, "probes.json")
        return found

    def known_probes(self, run_id: str) -> dict[str, Any] | None:
        """Return the reports before and after, None where they are damaged: for who looks at many runs."""
        try:
            return self.probes(run_id)
        except RunError:
            return None

    def read_json(self, run_id: str, name: str) -> Any:
        """Return a JSON file of the run, None when it is not there yet. Raises RunError when damaged."""
        return read_record(self.path(run_id) / name)

    def write_json(self, run_id: str, name: str, record: Any) -> None:
        """Replace a JSON file of the run as a whole."""
        write_json_atomically(self.path(run_id) / name, record)

    def state(self, run_id: str) -> dict[str, Any]:
        """Return the state, settled: an active run whose process is dead and silent becomes `interrupted`.

        Where that cannot be written it is so in memory alone, with the reason. A run that cannot be read is
        `damaged`, with the reason as its `fault` and the `file`. `name` is the one that a person gave the
        run, else the one that it was started under.
        """
        state = self._summary(run_id)
        if state.get("fault"):
            return state
        if not is_dead(state):
            return {**state, "message": FROZEN.format(pid=state["pid"])} if is_frozen(state) else state
        settled = _interrupted(state)
        try:
            changed = self.change(run_id, when=ACTIVE, still=is_dead, **settled)
        except (OSError, RunError) as error:
            if isinstance(error, OSError):
                self._trouble = disk_fault(error, self.root) or str(error)
                settled["message"] += f". {self._trouble}"
            return {**state, **settled}
        if changed is None:
            return self.state(run_id)
        return {**changed, "name": state["name"], "group": state["group"]}

    def _summary(self, run_id: str) -> dict[str, Any]:
        """Return the state as its files say; each is read again only when it has changed."""
        seen, stamps = self._seen.get(run_id), tuple[Any, ...]()
        with suppress(OSError):  # what cannot be looked at is read anew each time
            # Not by Path: of a thousand runs that alone takes a tenth of a second.
            stamps = tuple(stamp_of(f"{self.root}/{run_id}/{name}") for name in SUMMED)
        if seen is not None and stamps and stamps[0] is not None and seen.stamps == stamps:
            return dict(seen.state)
        folder = self.path(run_id)
        same_config = seen is not None and stamps and seen.stamps and seen.stamps[1] == stamps[1]
        seen = _look(folder, stamps, seen.config if seen and same_config else None)
        self._seen[run_id] = seen
        return dict(seen.state)

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
                raise damaged(directory / "state.json", fault)
            if state["state"] not in when or (still is not None and not still(state)):
                return None
            state.update(values)
            write_json_atomically(directory / "state.json", state)
        return state

    def list_runs(self) -> list[dict[str, Any]]:
        """Return the settled states of all runs, newest first.

        Where their folder cannot be read, those that were seen last, and `trouble` says why.
        """
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry in entries if RUN_ID.fullmatch(entry.name)]
        except OSError as error:
            self._trouble = disk_fault(error, self.root) or str(error)
            return [dict(self._seen[run_id].state) for run_id in self._listed if run_id in self._seen]
        self._trouble = ""  # what is read now sets it again
        states = []
        for run_id in sorted(names, key=_number, reverse=True):
            try:
                states.append(self.state(run_id))
            except (RunError, FileNotFoundError):
                continue  # Deleted by another process since the folder was listed.
        self._listed = tuple(state["run_id"] for state in states)
        for gone in self._seen.keys() - {*self._listed}:
            self._seen.pop(gone, None)
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
        file = self.root / run_id / "log.txt"
        try:
            content = bytes_of(file)[-MOST_LOG_BYTES:]
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{file.name} cannot be read: {error.strerror}"
        text = content.decode("utf-8", "replace")
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
            except OSError:
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
        last = 0
        with suppress(OSError, ValueError):  # a damaged one counts as none
            last = int(bytes_of(counter)[:_MOST_DIGITS])
        folders = [self.root, self.root / ASIDE]  # a number that is given again could not be brought back
        found = (entry for folder in folders if folder.is_dir() for entry in folder.iterdir())
        taken = [_number(entry.name) for entry in found if RUN_ID.fullmatch(entry.name)]
        number = max([last, *taken]) + 1
        with suppress(IsADirectoryError):
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
    """Return True for an active run whose process is gone and whose heartbeat is not of now; both must hold.

    A heartbeat that is still to come is of before the clock was set back.
    """
    return (
        state["state"] in ACTIVE
        and seconds_silent(state, now) > OLD_HEARTBEAT_SECONDS
        and not process_alive(state)
    )


def seconds_silent(state: Mapping[str, Any], now: float | None = None) -> float:
    """Return how far the last heartbeat lies from now, before or after it."""
    return abs((time.time() if now is None else now) - float(state.get("heartbeat") or 0))


def process_alive(state: Mapping[str, Any]) -> bool:
    """Return True while the very process named in the state runs; a zombie or a reused pid does not count."""
    if not state.get("pid"):
        return False
    try:
        process, started = psutil.Process(int(state["pid"])), float(state.get("process_started") or 0)
        if started > _SINCE_EPOCH:
            same = abs(process.create_time() - started) < _SAME_BY_CLOCK
        else:
            same = abs(process_started(process.pid) - started) < SAME_PROCESS_SECONDS
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def process_started(pid: int) -> float:
    """Return when a process started, in seconds that no clock moves; 0 when it is gone already.

    Since the start of the machine on Linux, elsewhere since the epoch.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        pass
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def is_frozen(state: Mapping[str, Any]) -> bool:
    """Return whether the worker of a run is stopped by a signal, so that it does nothing and does not end."""
    if state["state"] not in ACTIVE or seconds_silent(state) < FROZEN_SECONDS:
        return False
    try:
        return process_alive(state) and psutil.Process(int(state["pid"])).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _look(folder: Path, stamps: tuple[Any, ...], config: _Config | None) -> _Seen:
    """Return a run as its files say now; `config`: what its config.json says, if that is known."""
    state, _ = read_state(folder)
    config = config or _config(folder)
    # A worker has read its config: what has become of it since does not end the run.
    if config.fault and not state.get("fault") and state["state"] not in ACTIVE:
        state = unreadable(folder, state, CONFIG, config.fault)
    name = read_note(folder)[0].name or state["name"]
    shown = name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}…"
    return _Seen(stamps, config, {**state, "name": shown, "group": config.group})


def _config(folder: Path) -> _Config:
    try:
        found = read_record(folder / CONFIG)
    except RunError as error:
        return _Config(error.what.partition(" cannot be read: ")[2], "")
    return _Config("it is missing", "") if found is None else _Config("", found.get("group") or "")


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
