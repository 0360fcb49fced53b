"""The page and its worker ended together, from outside: after the next start the page opens, nothing that was
answered is lost, and it says what happened.

Real processes over HTTP: the page on the tiny model, its worker, a client. They are ended at the server's own
write points (killed_page.py), and while a worker loads, probes, trains, saves, teaches and measures. Here two
of them; `make faults` takes all.
"""

import http.client
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.tiny_rows import RETAIN, ROWS, write_rows
from tests.warm import Split, Warm
from tokenunlearn.masks import read_mask
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import ENDED, buttons, status_text
from tokenunlearn.runs.store import RunStore, process_alive
from tokenunlearn.runs.worker import ENDING_SECONDS
from tokenunlearn.table import read_table

pytestmark = pytest.mark.slow
ALL: Final = bool(os.environ.get("TOKENUNLEARN_ALL_FAULTS"))
SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM)
# Which twentieth of the server's write points; which moment of a worker, below.
POINTS: Final = [(at, each) for at in range(20) for each in SIGNALS] if ALL else [(9, SIGNALS[0])]
LONG: Final = {"steps": 2000, "retain_bound": 20, "rank": 2}
FACT: Final = {"question": "Where is Zo?", "answer": "Zo is in Rome.", "fact": "Rome"}
ACTS: Final = ("save_draft", "save_mask", "save_marks", "start_run", "save_note", "teach")
PATIENCE: Final = 60.0
# Between SIGTERM and the end of the server: uvicorn waits two seconds for what is open.
SERVER_SECONDS: Final = 6.0


@dataclass
class Page:
    """A page in a folder, and what it answered to a client; both as long as it runs."""

    folder: Path
    process: Split
    address: str
    answered: list[str] = field(default_factory=list)

    @property
    def store(self) -> RunStore:
        return RunStore(self.folder / "runs")

    def got(self, path: str, data: Any = None) -> bytes:
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.address + path, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return bytes(answer.read())

    def asked(self, name: str, data: Any) -> Any:
        """What a function of the page answers."""
        parts = json.loads(self.got("config"))["components"]
        number = next(part["id"] for part in parts if name in (part["props"].get("server_fns") or ()))
        sent = {"data": data, "component_id": number, "fn_name": name, "session_hash": "x"}
        answer = json.loads(self.got("gradio_api/component_server", sent))
        assert not (isinstance(answer, dict) and answer.get("error")), (name, answer)
        self.answered.append(name)
        return answer

    def called(self, name: str, *data: Any) -> Any:
        """What a public endpoint answers."""
        begun = json.loads(self.got(f"gradio_api/call/{name}", {"data": data}))
        said = self.got(f"gradio_api/call/{name}/{begun['event_id']}").decode().strip().splitlines()
        if said[-2] != "event: complete":
            raise LookupError(said[-1])
        self.answered.append(name)
        return json.loads(said[-1].removeprefix("data: "))[0]

    def workers(self) -> list[dict[str, Any]]:
        return [state for state in self.store.list_runs() if process_alive(state)]

    def end(self, number: signal.Signals) -> float:
        """Send a signal to the whole of it at once; the seconds until none of its processes runs."""
        began, pids = time.monotonic(), [self.process.pid, *(each["pid"] for each in self.workers())]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        (self.folder / "go").touch()
        until(lambda: not any(map(_runs, pids)), ENDING_SECONDS + SERVER_SECONDS)
        return time.monotonic() - began


def _runs(pid: int) -> bool:
    """Whether a process runs, one that nobody has waited for yet does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)
    return found


def opened(warm: Warm, folder: Path, model: Path, at: int = 0) -> Page:
    """The page, as soon as it answers; it waits at its change `at` of the folder of runs."""
    for name in ("reached", "go"):
        (folder / name).unlink(missing_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = ["--port", str(port), "--runs", str(folder / "runs"), "--model", str(model)]
    flags += ["--data", str(folder / "rows.jsonl")]
    program, more = ("tests.faults.killed_page", [str(folder), str(at)]) if at >= 0 else ("app", [])
    log = folder / f"log-{port}.txt"
    page = Page(folder, warm.split(program, [*more, *flags], log), f"http://127.0.0.1:{port}/")

    def answers() -> bool:
        assert page.process.alive, log.read_text()
        with suppress(OSError):
            return bool(page.got(""))
        return (folder / "reached").exists()

    until(answers)
    return page


def scored(page: Page) -> dict[str, Any]:
    """The payload of all rows, once they are scored."""

    def payload() -> Any:
        with suppress(LookupError):
            found = page.called("score")
            return found if all(row["scored"] for row in found["rows"]) else None

    return until(payload)  # type: ignore[no-any-return]


def begin(page: Page, settings: Any = LONG) -> str:
    """The id of a run that a client has started."""
    payload = scored(page)
    draft = (payload["scores_id"], payload["rows"][0]["set"], {}, {})
    mask = page.called("select", *draft)
    return str(page.called("start_run", *draft, mask["hash"], settings, None)[0])


def journey(page: Page) -> None:
    """All that a client does, one after the other, until the page is gone."""
    payload = scored(page)
    of = {name: payload[name] for name in ("scores_id", "text_id")}
    draft = {**of, "set": payload["rows"][0]["set"], "rule": {}, "overrides": {"3": "in"}}
    page.asked("save_draft", {**draft, "base": 0, "save": "a"})
    page.asked("save_mask", {**draft, "name": "first"})
    marks = {payload["rows"][0]["id"]: {"fact": [[0, 3]], "other": [], "seen": True}}
    page.asked("save_marks", {**of, "rows": marks, "base": 0, "save": "b"})
    run_id = begin(page)
    page.asked("save_note", {"run_id": run_id, "name": "Best", "tags": [], "note": "why"})
    page.asked("teach", {"facts": [FACT], "open_rows": False})


def kept(page: Page) -> set[str]:
    """Which of these acts are there, as the page tells."""
    payload = scored(page)
    of = {name: payload[name] for name in ("scores_id", "text_id")}
    masks, marks = page.asked("kept_masks", of), page.asked("kept_marks", of)
    assert not masks["damage"] and not marks["damage"]
    states = page.store.list_runs()
    found = {
        "save_draft": (masks["draft"] or {}).get("overrides") == {"3": "in"},
        "save_mask": any(each["name"] == "first" for each in masks["masks"]),
        "save_marks": bool((marks["marks"] or {}).get("rows")),
        "start_run": any(state["kind"] == "training" for state in states),
        "save_note": any((page.store.path(state["run_id"]) / "note.json").exists() for state in states),
        "teach": any(state["kind"] == "teach" for state in states),
    }
    return {name for name, there in found.items() if there}


def said(page: Page, number: signal.Signals) -> set[str]:
    """Where the runs stand, in words; each that did not go on says why, and can go on."""
    found = set()
    for state in page.store.list_runs():
        words = status_text(page.store.state(state["run_id"]))
        if state["state"] in ("interrupted", "paused"):
            # Before it has begun a worker cannot say that it was told to end.
            why = (
                ("died at step",) if number == signal.SIGKILL else ("told to end (SIGTERM)", "died at step 0")
            )
            assert any(each in words for each in why) and "Resume" in buttons(state), (state, words)
        else:
            assert state["state"] in ("queued", "running", "pausing", *ENDED), (state, words)
        found.add(state["state"])
    return found


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", ROWS[:3], RETAIN[:1])


@pytest.fixture
def folder(tmp_path: Path, rows: Path) -> Iterator[Path]:
    """A folder with the rows; what still runs in it is ended afterwards."""
    (tmp_path / "rows.jsonl").write_bytes(rows.read_bytes())
    yield tmp_path
    for state in RunStore(tmp_path / "runs").list_runs():
        if process_alive(state):
            os.kill(state["pid"], signal.SIGKILL)


def clean_log(folder: Path) -> None:
    for log in folder.glob("log-*.txt"):
        assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="module")
def points(warm: Warm, tiny_folder: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many changes the server makes on the way that nobody ends."""
    folder = tmp_path_factory.mktemp("straight")
    (folder / "rows.jsonl").write_bytes(rows.read_bytes())
    page = opened(warm, folder, tiny_folder)
    journey(page)
    page.end(signal.SIGKILL)
    return len((folder / "points").read_text().splitlines())


@contextmanager
def listening(page: Page) -> Iterator[None]:
    """Keep the line open on which a page waits for news, as each browser does."""
    with urllib.request.urlopen(f"{page.address}gradio_api/heartbeat/x", timeout=PATIENCE):
        yield


def lived(page: Page) -> None:
    """Do all that a client does, as far as the page lives."""
    with suppress(OSError, http.client.HTTPException, ValueError, LookupError):
        journey(page)


@pytest.mark.parametrize(("share", "number"), POINTS)
def test_the_whole_of_it_ended_at_a_write_point_of_the_server(
    warm: Warm, tiny_folder: Path, folder: Path, points: int, share: int, number: signal.Signals
) -> None:
    assert points >= 40
    page = opened(warm, folder, tiny_folder, 1 + share * points // 20)
    with ThreadPoolExecutor(1) as clients:
        client = clients.submit(lived, page)
        until((folder / "reached").exists)
        done = list(page.answered)
        seconds = page.end(number)
        client.result(PATIENCE)
    assert number == signal.SIGKILL or seconds < ENDING_SECONDS + SERVER_SECONDS
    states = {state["run_id"]: state["state"] for state in RunStore(folder / "runs").list_runs()}
    again = opened(warm, folder, tiny_folder, -1)
    try:
        there = kept(again)
        assert there >= {act for act in done if act in ACTS}, (share, done)
        said(again, number)
        assert states.keys() <= {state["run_id"] for state in again.store.list_runs()}
    finally:
        again.end(signal.SIGKILL)
    clean_log(folder)


def at_work(kind: str, step: int = 0, saved: int = 0, message: str = "") -> Callable[[Page], bool]:
    """Whether a worker of this kind of run is there, or beyond."""

    def there(page: Page) -> bool:
        return any(
            state["kind"] == kind
            and (state["step"] or 0) >= step
            and (state["saved_step"] or 0) >= saved
            and (str(state["message"]).startswith(message) or state["step"] > step)
            for state in page.workers()
        )

    return there


# What a worker does → what is asked of the page for it, and when it is so.
MOMENTS: Final[Mapping[str, tuple[Callable[[Page], Any], Callable[[Page], bool]]]] = {
    "begins": (begin, at_work("training")),
    "loads": (begin, at_work("training", message="loading")),
    "probes": (begin, at_work("training", message="probing before")),
    "trains": (begin, at_work("training", step=3)),
    "saves": (begin, at_work("training", saved=1)),
    "ends": (
        lambda page: begin(page, {**LONG, "steps": 3}),
        at_work("training", step=3, message="probing after"),
    ),
    "teaches": (
        lambda page: (scored(page), page.asked("teach", {"facts": [FACT], "open_rows": False})),
        at_work("teach", step=1),
    ),
    "measures": (lambda page: measure(page), at_work("gradients", message="loading")),
}


def measure(page: Page) -> None:
    """Have the tokens of a run measured that nobody has trained."""
    run_id = begin(page)
    store = page.store
    config, table = store.config(run_id), read_table(store.path(run_id) / "tokens.parquet")
    mask = read_mask(store.path(run_id) / "mask.jsonl", table, None)
    queue = RunQueue(store)
    queue.discard(run_id)
    queue.start_run({**config, "training": None, "gradients": {"rank": 2}}, mask, table)


@pytest.mark.parametrize(
    ("moment", "number"),
    [(name, each) for name in MOMENTS for each in SIGNALS] if ALL else [("trains", SIGNALS[1])],
)
def test_the_whole_of_it_ended_while_a_worker(
    warm: Warm, tiny_folder: Path, folder: Path, moment: str, number: signal.Signals
) -> None:
    page = opened(warm, folder, tiny_folder, -1)
    act, there = MOMENTS[moment]
    act(page)
    until(lambda: there(page))
    (before,) = page.workers()
    with listening(page):
        seconds = page.end(number)
    assert number == signal.SIGKILL or seconds < ENDING_SECONDS + SERVER_SECONDS
    again = opened(warm, folder, tiny_folder, -1)
    try:

        def settled() -> Any:
            found = again.store.state(before["run_id"])
            return found if found["state"] != "running" else None

        state = until(settled)  # who has just fallen silent may still work
        said(again, number)
        assert (
            state["state"] in ("interrupted", "paused", "finished")
            and state["saved_step"] >= before["saved_step"]
        )
        if ALL and state["state"] != "finished":
            RunQueue(again.store).resume(before["run_id"])
            until(lambda: again.store.state(before["run_id"])["step"] > state["step"] or not again.workers())
    finally:
        again.end(signal.SIGKILL)
    clean_log(folder)
