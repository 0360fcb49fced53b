"""A disk that is full, read-only or gone, at each write point: reading goes on, a run pauses and goes on.

The write points are those of write_points.py: from one of them on every change is refused as the system does,
or the folder of runs is gone for a moment. Where a disk may be mounted (as root), a small one is filled too.
"""

import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.faults.killing import CONFIG, Killer
from tests.faults.test_write_points import (  # noqa: F401 fixtures
    EACH,
    _dead_at_once,
    contents,
    killer,
    losses,
    results,
    straight,
)
from tokenunlearn.runs.states import buttons, status_text
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.worker import RESERVE

pytestmark = pytest.mark.slow
EVENTS: Final = {
    "ENOSPC": "The disk is full: No space left on device",
    "EDQUOT": "Your share of the disk is used up: Disk quota exceeded",
    "EROFS": "The disk is read-only: Read-only file system",
    "gone": "The folder of runs is gone",
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_run_whose_disk_takes_nothing_pauses_and_goes_on_to_the_same(
    killer: Killer, tmp_path: Path, event: str  # noqa: F811
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
        assert event == "EROFS" or not (folder / RESERVE).exists(), place
        assert not list(folder.rglob(".*.part")), place
        shutil.rmtree(store.root)
    assert said.count("paused") >= len(said) / 2, said
