"""Ended at each write point, worker and server: nothing completed is lost, and what happened is said.

The points are counted as they come (write_points.py), so a new one is among them by itself. Here every third;
`make faults` takes all.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.killing import CONFIG, HEADER, ROWS, SERVER, Killer
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.runs import store as stores
from tokenunlearn.runs.marks_store import MarksStore
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.notes import read_note
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import buttons, status_text
from tokenunlearn.runs.store import RunStore, curve
from tokenunlearn.training.events import StepDone

pytestmark = pytest.mark.slow
EACH: Final = 1 if os.environ.get("TOKENUNLEARN_ALL_FAULTS") else 3
STEPS: Final = 4


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    with Killer() as made:
        yield made


@pytest.fixture(autouse=True)
def _dead_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has ended is taken for dead without the two seconds of silence."""
    monkeypatch.setattr(stores, "OLD_HEARTBEAT_SECONDS", -1.0)


def queue_in(folder: Path) -> RunQueue:
    return RunQueue(RunStore(folder), lambda _: ["true"])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that is no lock and no rest of a write."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def straight(killer: Killer, folder: Path) -> tuple[dict[str, bytes], list[Any], list[str]]:
    """What a run leaves that nobody ends: its results, its losses, and the write points that it passes."""
    store = RunStore(folder)
    run_id = store.create(CONFIG)
    points = killer.ask("work", store.path(run_id))["points"]
    return results(store.path(run_id)), losses(store, run_id), points


def results(folder: Path) -> dict[str, bytes]:
    kept = contents(folder)
    return {name: kept[name] for name in kept if name.startswith("adapter/") or name == "probes.json"}


def losses(store: RunStore, run_id: str) -> list[Any]:
    events = curve(store.events(run_id)[0])
    return [(event.step, event.loss) for event in events if isinstance(event, StepDone)]


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
def test_a_worker_that_is_ended_at_any_write_point_goes_on_to_the_same(
    killer: Killer, tmp_path: Path, signal: str
) -> None:
    whole, curve_of_whole, points = straight(killer, tmp_path / "straight")
    assert len(points) >= 100
    said = set()
    for at in range(1, len(points) + 1, EACH if signal == "SIGKILL" else 4 * EACH):
        store = RunStore(tmp_path / f"at-{at}")
        earlier, run_id = store.create(CONFIG), store.create(CONFIG)
        store.change(earlier, state="finished", step=4, steps=4)
        untouched, folder = contents(store.path(earlier)), store.path(run_id)
        status = killer.ask("work", folder, at, signal)["status"]
        place = (signal, at, points[at - 1])
        assert status in (0, 9, 15), place

        state = store.state(run_id)
        for path, content in contents(folder).items():
            if path.endswith(".json"):
                json.loads(content)
        assert contents(store.path(earlier)) == untouched, place
        assert state["state"] in ("queued", "interrupted", "paused", "finished"), place
        if state["state"] == "interrupted":
            assert f"the worker died at step {state['step']}" in status_text(state), place
            assert "Resume" in buttons(state), place
        if state["saved_step"]:
            weights = json.loads((folder / "adapter" / "weights.json").read_text())
            assert weights["steps_taken"] >= state["saved_step"], place
        said.add(state["state"])
        if state["state"] in ("interrupted", "paused"):
            store.change(run_id, state="queued", resume=True)
        if state["state"] != "finished":
            assert killer.ask("work", folder)["status"] == 0, place
        assert store.state(run_id)["state"] == "finished", place
        assert results(folder) == whole and losses(store, run_id) == curve_of_whole, place
        assert not list(folder.rglob(".*.part")), place
        shutil.rmtree(store.root)
    assert {"finished", "paused" if signal == "SIGTERM" else "interrupted"} <= said


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, killer: Killer) -> Path:
    """A folder of runs in which there is something of everything; see SERVER."""
    runs = tmp_path_factory.mktemp("prepared")
    store = RunStore(runs)
    ids = [store.create(CONFIG) for _ in range(4)]
    for run_id in (ids[0], ids[1], ids[3]):
        killer.ask("work", store.path(run_id))
    store.change(ids[1], state="paused", saved_step=2, step=2)
    store.set_aside(ids[3])
    # It runs, as far as anybody can see: it is this process.
    me = {"pid": os.getpid(), "process_started": stores.process_started(os.getpid())}
    store.change(ids[2], state="running", heartbeat=1.0, step=2, **me)
    MaskStore(runs).save_draft("t", {"set": "a"}, 0)
    (runs / ".texts" / "t" / "draft.json").write_text('{"set": "a", "version": 1, "saved": 1}')
    MaskStore(runs).add_mask("t", "first", HEADER)
    (runs / ".texts" / "t" / "marks.json").write_text('{"rows": {}, "version": 1, "saved": 1}')
    MarksStore(runs).add_set("t", "first", ROWS)
    return runs


def seen(runs: Path) -> dict[str, Any]:
    """All that a page reads from a folder of runs."""
    store, masks, marks = RunStore(runs), MaskStore(runs), MarksStore(runs)
    draft, marked = masks.draft("t") or {}, marks.marks("t")[0] or {}
    return {
        "runs": {state["run_id"]: state["state"] for state in store.list_runs()},
        "aside": sorted(state["run_id"] for state in store.aside()),
        "note": read_note(runs / "run-1"),
        "draft": {name: draft[name] for name in draft if name not in ("saved", "version")},
        "marks": {name: marked[name] for name in marked if name not in ("saved", "version")},
        "sets": [each["name"] for each in marks.sets("t")],
        "masks": sorted(path.name for path in (runs / ".texts" / "t").glob("mask-*")),
        "faults": [*masks.faults("t"), *marks.faults("t")],
    }


@pytest.mark.parametrize("act", SERVER)
def test_a_server_that_is_killed_at_any_write_point_has_done_it_or_not(
    killer: Killer, prepared: Path, tmp_path: Path, act: str
) -> None:
    if act == "settle a dead run":
        dead = json.loads((prepared / "run-3" / "state.json").read_text()) | {"pid": None}
    runs = tmp_path / "runs"

    def anew() -> None:
        shutil.rmtree(runs, ignore_errors=True)
        shutil.copytree(prepared, runs)
        if act == "settle a dead run":
            (runs / "run-3" / "state.json").write_text(json.dumps(dead))

    anew()
    before, untouched = seen(runs), contents(runs / "run-1" / "adapter")
    anew()
    done = killer.ask(act, runs)
    after, points = seen(runs), done["points"]
    assert done["status"] == 0 and points, points
    for at in range(1, len(points) + 1, EACH):
        anew()
        killer.ask(act, runs, at)
        now, place = seen(runs), (act, at, points[at - 1])
        assert now in (before, after), (place, now)
        assert contents(runs / "run-1" / "adapter") == untouched, place
        # The same again succeeds, or says that it was done.
        try:
            SERVER[act](runs)
        except TokenUnlearnError as error:
            assert now == after, (place, str(error))
        assert seen(runs)["faults"] == [], place
