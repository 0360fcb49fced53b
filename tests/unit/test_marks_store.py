"""Marks with versions and named sets of them, as files below the folder of runs."""

from pathlib import Path

import pytest

from tokenunlearn.errors import MaskError
from tokenunlearn.runs.marks_store import MarksStore
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.store import TEXTS

ROWS = {"r0": {"fact": [[4, 9]], "other": [], "seen": True}}


@pytest.fixture
def store(tmp_path: Path) -> MarksStore:
    return MarksStore(tmp_path)


def test_marks_come_back_with_their_version_and_are_none_of_the_drafts(store: MarksStore) -> None:
    assert store.marks("t1") == (None, "")
    saved = store.save("t1", {"rows": ROWS}, 0)
    again, damage = MarksStore(store.runs).marks("t1")
    assert saved.taken and again == saved.record and damage == "" and again["rows"] == ROWS
    assert MaskStore(store.runs).draft("t1") is None and MaskStore(store.runs).masks("t1") == []


def test_a_save_on_an_old_version_changes_nothing_and_gets_the_newer_one(store: MarksStore) -> None:
    mine = store.save("t1", {"rows": ROWS}, 0).record
    late = store.save("t1", {"rows": {}}, 0)
    assert (late.taken, late.record, store.marks("t1")[0]) == (False, mine, mine)
    assert store.save("t1", {"rows": {}}, mine["version"]).taken


def test_damaged_marks_are_none_with_a_reason_and_are_put_aside(store: MarksStore) -> None:
    store.save("t1", {"rows": ROWS}, 0)
    folder = store.runs / TEXTS / "t1"
    (folder / "marks.json").write_text('{"half')
    marks, reason = store.marks("t1")
    assert marks is None and "marks.json cannot be read" in reason
    assert store.save("t1", {"rows": ROWS}, 0).taken and store.marks("t1")[1] == ""
    assert [path.read_text() for path in folder.glob("marks-damaged-*.json")] == ['{"half']
    assert store.sets("t1") == []  # what was put aside is no named set


def test_a_named_set_is_written_once_and_its_number_never_comes_again(store: MarksStore) -> None:
    assert store.add_set("t1", "Ada", ROWS) == "marks-1"
    with pytest.raises(MaskError, match="There are marks “ADA” already"):
        store.add_set("t1", "ADA", {})
    assert [(each["id"], each["name"], each["rows"]) for each in store.sets("t1")] == [
        ("marks-1", "Ada", ROWS)
    ]
    store.remove_set("t1", "marks-1")
    assert store.sets("t1") == [] and store.add_set("t1", "Ada", {}) == "marks-2"
    for wanted in ("marks-1", "../draft", "marks-9"):
        with pytest.raises(MaskError, match="There is no saved set of marks"):
            store.read_set("t1", wanted)
