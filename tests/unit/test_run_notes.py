"""Names, tags and notes beside a run, and runs that are set aside and brought back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn.errors import RunError
from tokenunlearn.runs.notes import FILE, RunNote, read_note, write_note
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.store import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def finished(store: RunStore, name: str = "shared, chosen") -> str:
    run_id = store.create({"name": name})
    store.change(run_id, state="finished", started=1.0)
    return run_id


def test_a_note_is_kept_as_it_was_and_its_name_is_the_run_s(store: RunStore) -> None:
    run_id = finished(store)
    folder, before = store.path(run_id), (store.path(run_id) / "state.json").read_bytes()
    assert read_note(folder) == (RunNote(), "")
    note = RunNote("Best of three", ("paper", "β"), "with 'quotes'\nand lines")
    write_note(folder, note)
    assert read_note(folder) == (note, "")
    assert store.state(run_id)["name"] == store.list_runs()[0]["name"] == "Best of three"
    assert (folder / "state.json").read_bytes() == before  # which decides what the run does
    write_note(folder, RunNote())
    assert not (folder / FILE).exists() and store.state(run_id)["name"] == "shared, chosen"


@pytest.mark.parametrize(
    "content", ["{", "[]", "7", '{"name": 5, "tags": [], "text": ""}', '{"name": "x"}', "\x00"]
)
def test_a_damaged_note_counts_as_none_and_says_why(store: RunStore, content: str) -> None:
    run_id = finished(store)
    (store.path(run_id) / FILE).write_text(content)
    note, fault = read_note(store.path(run_id))
    assert note == RunNote() and f"The note of {run_id}" in fault
    assert store.state(run_id)["name"] == "shared, chosen"
    write_note(store.path(run_id), RunNote("again"))
    assert read_note(store.path(run_id)) == (RunNote("again"), "")


@pytest.mark.parametrize(
    "change",
    [{"name": "x" * 81}, {"tags": ["x" * 31]}, {"tags": ["x"] * 13}, {"text": "x" * 200_000}],
)
def test_a_note_that_no_page_would_have_kept_is_not_read_from_a_file(
    store: RunStore, change: dict[str, Any]
) -> None:
    folder = store.path(finished(store))
    (folder / FILE).write_text(json.dumps({"name": "Mine", "tags": [], "text": "", **change}))
    note, fault = read_note(folder)
    assert note == RunNote() and ("letters" in fault or "is too long" in fault)


def test_a_discarded_run_comes_back_whole_or_is_deleted_for_good(store: RunStore) -> None:
    queue = RunQueue(store, lambda _: ["true"])
    first, second = finished(store), finished(store, "another")
    write_note(store.path(first), RunNote("Mine"))
    for run_id in (first, second):
        queue.discard(run_id)
    assert queue.runs() == [] and [each["name"] for each in store.aside()] == ["another", "Mine"]
    assert store.create({}) == "run-3"  # no number is given twice
    store.bring_back(first)
    assert store.state(first)["name"] == "Mine" and [each["run_id"] for each in store.aside()] == [second]
    store.delete_aside(second)
    assert store.aside() == []
    for act in (store.bring_back, store.delete_aside):
        for name in (first, second, "../runs", "run-1/.."):
            with pytest.raises(RunError, match="There is no discarded run"):
                act(name)


def test_what_never_ran_is_removed_at_once(store: RunStore) -> None:
    queue = RunQueue(store, lambda _: ["true"])
    store.change(store.create({}), state="running", pid=1, heartbeat=9e9)  # so that the next one waits
    waiting = store.create({"name": "waiting"})
    queue.discard(waiting)
    assert store.aside() == []
