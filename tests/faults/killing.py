"""`python -m tests.faults.killing`: does what is asked in a process of its own, ended at a write point.

Asked by lines of JSON: `{act, folder, at, event}`; answers `{status, points}`, where `status` is that of the
process and `points` names the write points that it has passed. Without `at` it is left to its end.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from tests.faults import fake_worker
from tests.faults.write_points import WritePoints
from tokenunlearn.masks import FORMAT, VERSION
from tokenunlearn.runs import queue, worker
from tokenunlearn.runs.marks_store import MarksStore
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.measured import kept
from tokenunlearn.runs.notes import RunNote, write_note
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore

ROOT: Final = Path(__file__).resolve().parents[2]
CONFIG: Final = {"fake": {"steps": 4, "save_every": 2}, "steps": 4}
REPORT: Final = {"summary": {"world": 1.0}}
ROWS: Final = {"r0": {"fact": [[0, 3]], "other": [], "seen": True}}
RULE: Final = {"knowledge": "knowledge_swap", "entropy": "entropy"}
HEADER: Final = json.dumps(
    {
        "format": FORMAT, "version": VERSION, "hash": "h", "overrides": {}, "rule": RULE,
        "scores_id": "s", "provenance": {"name": "first", "set": "a", "saved": 1, "chosen": 1, "of": 2},
    }
)  # fmt: skip

SECOND: Final = HEADER.replace("first", "second")


Act = Callable[[int, str], None]
FULL: Final = ("ENOSPC", "EDQUOT", "EROFS", "EIO")
MOMENT: Final = 0.2


def _queue(runs: Path) -> RunQueue:
    return RunQueue(RunStore(runs), lambda _: ["true"])


# What a server does to the folder of runs. There run-1 has finished, run-2 is paused, run-3 runs and run-4
# was discarded.
SERVER: Final[Mapping[str, Callable[[Path], Any]]] = MappingProxyType(
    {
        "start a run": lambda runs: _queue(runs).start_run(CONFIG),
        "pause": lambda runs: _queue(runs).request("run-3", "pause"),
        "stop": lambda runs: _queue(runs).request("run-3", "stop"),
        "resume": lambda runs: _queue(runs).resume("run-2"),
        "keep": lambda runs: _queue(runs).keep("run-2"),
        "discard": lambda runs: _queue(runs).discard("run-2"),
        "bring back": lambda runs: _queue(runs).store.bring_back("run-4"),
        "delete for good": lambda runs: _queue(runs).store.delete_aside("run-4"),
        "note": lambda runs: write_note(runs / "run-1", RunNote("Best", ("paper",), "why")),
        "save a draft": lambda runs: MaskStore(runs).save_draft("t", {"set": "b"}, 1),
        "save a mask": lambda runs: MaskStore(runs).add_mask("t", "second", SECOND),
        "remove a mask": lambda runs: MaskStore(runs).remove("t", "mask-1"),
        "save marks": lambda runs: MarksStore(runs).save("t", {"rows": ROWS}, 1),
        "save a set of marks": lambda runs: MarksStore(runs).add_set("t", "second", ROWS),
        "measure": lambda runs: kept(runs / ".measured" / "report-1.json", lambda: REPORT),
        "settle a dead run": lambda runs: RunStore(runs).state("run-3"),
    }
)  # fmt: skip


def _work(folder: Path) -> None:
    worker.main([str(folder)], fake_worker.parts, lambda _: ["true"])


def _act(name: str, folder: Path) -> None:
    _work(folder) if name == "work" else SERVER[name](folder)


def _apart(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked in a process that is split off, and say how it ended."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        folder = Path(asked["folder"])
        points = WritePoints(lambda *_: None)
        if asked.get("at"):
            happens = _full if asked["event"] in FULL else _gone if asked["event"] == "gone" else _signal
            points.act = happens(asked["event"], asked["at"], folder, points)
        status = 1
        try:
            with points:
                _act(asked["act"], folder)
            status = 0
        finally:
            os.write(writing, json.dumps(points.names).encode())
            for each in threading.enumerate():
                if isinstance(each, threading.Timer):  # what brings the folder back
                    each.join()
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(pid, 0)
    return {"status": status, "points": json.loads(said or b"[]")}


def _signal(name: str, at: int, _folder: Path, _points: WritePoints) -> Act:
    """End the process by a signal at a point."""

    def act(number: int, _what: str) -> None:
        if number == at:
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(0.001)  # a signal with a handler comes between two steps of Python

    return act


def _full(name: str, at: int, folder: Path, points: WritePoints) -> Act:
    """Refuse every change from a point on, as a disk does, for all threads.

    Where it is full things can be removed, and who gives up a reserve can write again; so can everybody after
    a moment, when somebody has made room.
    """
    refused, removes = getattr(errno, name), name in ("ENOSPC", "EDQUOT")
    since: list[float] = []

    def act(number: int, what: str) -> None:
        if number < at or (removes and what.startswith(("unlink", "rmdir"))):
            return
        points.all_threads = True
        since.append(time.monotonic())
        made_room = removes and len(since) > 1 and not (folder / worker.RESERVE).exists()
        if not made_room and time.monotonic() < since[0] + MOMENT:
            raise OSError(refused, os.strerror(refused))

    return act


def _gone(_name: str, at: int, folder: Path, _points: WritePoints) -> Act:
    """Take the folder of runs away at a point, as a disk that is taken off, and back after a moment."""
    runs, elsewhere = folder.parent, folder.parent.with_suffix(".away")

    def act(number: int, _what: str) -> None:
        if number == at:
            os.rename(runs, elsewhere)
            threading.Timer(MOMENT, lambda: os.rename(elsewhere, runs)).start()

    return act


class Killer:
    """The process that this module is, asked by a test."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.killing"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)

    def ask(self, act: str, folder: Path, at: int | None = None, event: str = "SIGKILL") -> dict[str, Any]:
        """Have an act done; at its write point `at` an event comes: a signal, a full disk, or `gone`."""
        assert self._process.stdin and self._process.stdout
        asked = {"act": act, "folder": str(folder), "at": at, "event": event}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


if __name__ == "__main__":
    worker._RETRY_SECONDS = 0.02  # type: ignore[misc]
    queue.RunQueue._spawn = lambda *_: os.getpid()  # type: ignore[method-assign]  # nobody is started
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_apart(json.loads(line))) + "\n")
        sys.stdout.flush()
