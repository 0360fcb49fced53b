"""Marks as the page keeps them; each answer checked on characters counted by hand."""

from pathlib import Path
from typing import Any

import pytest

from app.actions import marks
from app.service import Service
from app.shown import ShownScores, recorded_scores
from tests.asking import ask
from tests.page_service import live_service, payload, table
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.masks import columns_from_table
from tokenunlearn.runs.mask_store import MaskStore

SCORES = {"text_id": "t1", "scores_id": "s1"}
# "Ada likes tea": the fact is the last word, "likes" is not.
ROWS = {"r0": {"fact": [[10, 13]], "other": [[4, 9]], "seen": True}}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def given(**more: Any) -> dict[str, Any]:
    return {**SCORES, "base": 0, "save": "page-1", "rows": ROWS, **more}


def test_marks_come_back_after_a_restart_and_change_no_draft(service: Service, tmp_path: Path) -> None:
    assert ask(marks.kept, service, SCORES) == {"marks": None, "damage": "", "sets": []}
    saved = ask(marks.save, service, given())
    again = ask(marks.kept, live_service(tmp_path), SCORES)["marks"]
    assert saved["taken"] and again == saved["marks"] and (again["rows"], again["save"]) == (ROWS, "page-1")
    assert MaskStore(service.queue.store.root).draft("t1") is None


def test_a_second_person_is_told_what_stands_there(service: Service) -> None:
    first = ask(marks.save, service, given())["marks"]
    late = ask(marks.save, service, given(rows={}, save="page-2"))
    assert (late["taken"], late["marks"]) == (False, first)
    assert ask(marks.save, service, given(rows={}, base=first["version"]))["taken"]


def test_marks_outlive_other_scores_of_the_text(service: Service) -> None:
    first = ask(marks.save, service, given())["marks"]
    other = {**payload("live"), "scores_id": "s2"}
    service.sessions.show(ShownScores(other, columns_from_table(table()), table()))
    assert ask(marks.kept, service, {"text_id": "t1", "scores_id": "s2"})["marks"] == first


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"r9": ROWS["r0"]}, "There is no row 'r9' here"),
        ({"r0": {**ROWS["r0"], "fact": [[10, 14]]}}, "The span [10, 14] of fact cannot be read"),
        ({"r0": {**ROWS["r0"], "fact": [[3, 3]]}}, "The span [3, 3] of fact"),
        ({"r0": {**ROWS["r0"], "other": [[4, 6], [5, 9]]}}, "The span [5, 9] of other"),
        ({"r0": {**ROWS["r0"], "other": [[True, 9]]}}, "The span [True, 9] of other"),
        ({"r0": {**ROWS["r0"], "other": "4-9"}}, "other is not a list"),
        ({"r0": {**ROWS["r0"], "fact": [[8, 13]]}}, "marked as the fact and as not the fact"),
        ({"r0": {"fact": [], "other": []}}, "seen is None"),
        ({"r0": [1]}, "the marks of row r0 must be an object"),
    ],
)
def test_marks_that_no_page_makes_are_refused_and_nothing_is_kept(
    service: Service, rows: Any, says: str
) -> None:
    with pytest.raises(InputError) as refusal:
        ask(marks.save, service, given(rows=rows))
    assert says in str(refusal.value)
    assert ask(marks.kept, service, SCORES)["marks"] is None


def test_a_recorded_example_and_a_text_that_is_not_open_keep_no_marks(service: Service) -> None:
    service.sessions.show(recorded_scores({**payload("recorded"), "text_id": "t2"}))
    with pytest.raises(MaskError, match="Marks on a recorded example are not saved"):
        ask(marks.save, service, given(text_id="t2"))
    with pytest.raises(MaskError, match="no longer open"):
        ask(marks.kept, service, {"text_id": "t9", "scores_id": "s1"})
