"""A disk that is full, read-only or gone, at each write point: reading goes on, a run pauses and goes on.

The write points are those of write_points.py: from one of them on every change is refused as the system does,
or the folder of runs is gone for a moment. Where a disk may be mounted (as root), a small one is filled too.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from app import parts
from app.actions import compare, masks, probe, unlearn
from app.actions.taught_models import taught_models
from app.doors import answering
from app.service import Service
from tests.faults.killing import CONFIG, Killer
from tests.faults.small_disk import fill, small_disk_at
from tests.faults.test_write_points import (  # noqa: F401 fixtures
    EACH,
    _dead_at_once,
    contents,
    killer,
    losses,
    results,
    straight,
)
from tests.faults.whole_runs import whole_run
from tests.page_service import draft, live_service
from tokenunlearn.errors import RunError
from tokenunlearn.runs.states import buttons, status_text
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.worker import RESERVE

pytestmark = pytest.mark.slow
FULL: Final = "The disk is full: No space left on device"
LONG: Final[dict[str, Any]] = {"fake": {"steps": 1500, "save_every": 50}, "steps": 1500}
LAST: Final = 10  # write points at the end of a run: how it ended is being written
ROOM: Final = 150_000  # bytes, of which a run takes 64,000 for its reserve
EVENTS: Final = {
    "ENOSPC": FULL,
    "EDQUOT": "Your share of the disk is used up: Disk quota exceeded",
    "EROFS": "The disk is read-only: Read-only file system",
    "gone": "The folder of runs is gone",
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_run_whose_disk_takes_nothing_pauses_and_goes_on_to_the_same(
    killer: Killer,  # noqa: F811
    tmp_path: Path,
    event: str,
) -> None:
    whole, curve_of_whole, points = straight(killer, tmp_path / "straight")
    said = []
    for at in range(1 + list(EVENTS).index(event), len(points) + 1, 2 * EACH if EACH > 1 else 1):
        store = RunStore(tmp_path / f"at-{at}")
        run_id = store.create(CONFIG)
        folder, place = store.path(run_id), (event, at, points[at - 1])
        killer.ask("work", folder, at, event)
        state = store.state(run_id)
        for path, content in contents(folder).items():
            if path.endswith(".json"):
                json.loads(content)
        assert state["state"] in ("queued", "running", "interrupted", "paused", "finished"), (place, state)
        if state["state"] == "paused":
            assert EVENTS[event] in status_text(state), (place, state)
            assert "Resume" in buttons(state), place
        said.append(state["state"])
        if state["state"] in ("interrupted", "paused"):
            store.change(run_id, state="queued", resume=True)
        if state["state"] != "finished":
            assert killer.ask("work", folder)["status"] == 0, place
        assert store.state(run_id)["state"] == "finished", (place, store.state(run_id))
        assert results(folder) == whole and losses(store, run_id) == curve_of_whole, place
        left = [*folder.rglob(".*.part"), *folder.glob(RESERVE)]
        # What could not be removed while the disk took nothing is swept when the run goes on, or stays.
        assert not left or (event in ("EROFS", "gone") and at > len(points) - LAST), (place, left)
        shutil.rmtree(store.root)
    assert said.count("paused") >= len(said) / 2, said


def shown(service: Service, run_id: str) -> dict[str, Any]:
    """The values of all views of a page on this service."""
    now = parts.look(service, run_id, run_id)
    return {
        "chips": now.chips,
        "unlearn": unlearn.follow(service, run_id),
        "compare": compare.runs(service),
        "probe": answering(lambda: probe.show(service, run_id), "show")(),
        "taught": taught_models(service),
    }


def runs_of(value: dict[str, Any]) -> list[str]:
    return [line["run_id"] for line in value["unlearn"]["runs"]]


def test_a_folder_of_runs_that_is_gone_is_shown_from_memory_and_read_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    service = live_service(tmp_path)
    run_ids = [whole_run(service.queue, "training"), whole_run(service.queue, "training", "paused")]
    before = shown(service, run_ids[0])
    assert before["chips"]["trouble"] == ""
    service.queue.store.root.rename(tmp_path / "elsewhere")
    gone = shown(service, run_ids[0])
    assert gone["chips"]["trouble"].startswith("The folder of runs is gone: No such file")
    assert runs_of(gone) == runs_of(before)
    for act in (service.queue.resume, service.queue.store.set_aside):
        with pytest.raises(RunError, match="The folder of runs is gone"):
            act(run_ids[1])
    assert "The folder of runs is gone" in start_one(service)
    assert draft_kept(service) and not service.queue.store.root.exists(), "nothing is written elsewhere"
    (tmp_path / "elsewhere").rename(service.queue.store.root)
    back = shown(service, run_ids[0])
    assert back["chips"]["trouble"] == "" and back["compare"] == before["compare"]


def start_one(service: Service) -> str:
    """What the page says of a run that cannot be started now."""
    answer = answering(lambda: service.queue.start_run({"forget": []}), "start")()
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""


def draft_kept(service: Service) -> str:
    """What the page says of a draft that cannot be saved now; "" where it can."""
    answer = ask_kept(masks.save_draft, service)
    return str(answer.get("error", ""))


def ask_kept(action: Any, service: Service) -> Any:
    whole = {"text_id": "t1", "base": 0, **draft()}
    return answering(partial(action, service), "save_draft")(whole)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk_at(tmp_path / "disk", "512k") as place:
        yield place


def test_on_a_real_full_disk_the_page_reads_and_says_why_and_a_run_goes_on(
    small_disk: Path,
    killer: Killer,  # noqa: F811
) -> None:
    service = live_service(small_disk)
    service.sessions.current.enter("recorded")  # nothing moves by itself
    store = service.queue.store
    done, run_id = whole_run(service.queue, "training"), store.create(LONG)
    store.change(run_id, state="running", pid=os.getpid())  # not started by who looks
    before = shown(service, done)
    rest = fill(small_disk, leave=ROOM)
    store.change(run_id, state="queued")
    killer.ask("work", store.path(run_id))  # it fills the disk by itself
    state = store.state(run_id)
    assert state["state"] == "paused" and 0 < state["saved_step"] < LONG["steps"], state
    assert status_text(state).startswith("paused: The disk is full: No space left on device. Make room on it")
    fill(small_disk)
    full = shown(service, done)
    assert full["chips"]["trouble"].startswith("The disk is full") and full["chips"]["busy"]
    assert full["probe"] == before["probe"] and runs_of(full) == runs_of(before)
    for refused in (start_one(service), draft_kept(service)):
        assert f"{FULL}. Make room on it." in refused
    for each in (rest, small_disk / "rest-0"):
        each.unlink()
    free = shown(service, done)["chips"]
    assert free["trouble"] == "" and not free["busy"] and draft_kept(service) == ""
    store.change(run_id, state="queued", resume=True)
    killer.ask("work", store.path(run_id))
    assert store.state(run_id)["state"] == "finished"
    assert losses(store, run_id) == [(step, 1 / step) for step in range(1, LONG["steps"] + 1)]


def test_on_a_real_disk_that_is_read_only_the_page_reads_and_settles_in_memory(small_disk: Path) -> None:
    service = live_service(small_disk)
    store = service.queue.store
    done, died = whole_run(service.queue, "training"), store.create(CONFIG)
    store.change(died, state="running", pid=None, step=2, heartbeat=1.0)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    value = shown(service, died)
    assert value["chips"]["trouble"].startswith("The disk is read-only: Read-only file system")
    (line,) = [each for each in value["unlearn"]["runs"] if each["run_id"] == died]
    assert line["state"] == "interrupted"
    assert "the worker died at step 2. The disk is read-only" in line["text"]
    assert "The disk is read-only" in start_one(service) and "The disk is read-only" in draft_kept(service)
    written = store.path(died) / "state.json"
    assert json.loads(written.read_text())["state"] == "running"
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    value = shown(service, died)
    assert value["chips"]["trouble"] == "" and draft_kept(service) == ""
    assert json.loads(written.read_text())["state"] == "interrupted"
    assert done in runs_of(value)
