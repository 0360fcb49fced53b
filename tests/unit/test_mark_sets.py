"""Named sets of marks, rows with gold in and out, two annotators compared: on three rows counted by hand."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from app.actions import mark_sets, marks, opening
from app.service import Service
from tests.asking import ask
from tests.page_service import live_service
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.learned.marks import RowMarks, corrected

SCORES = {"text_id": "t1", "scores_id": "s1"}
# r0 "Ada likes tea", r1 "Bo likes rain", r2 "Cy is tall"; in the file the last word is the fact of each.


def said(fact: list[list[int]], other: list[list[int]] | None = None, seen: bool = True) -> dict[str, Any]:
    return {"fact": fact, "other": other or [], "seen": seen}


ADA = {"r0": said([[4, 13]]), "r1": said([], [[9, 13]]), "r2": said([[0, 2]], seen=False)}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def sent(service: Service, name: str, content: bytes) -> str:
    """The id of a file that a browser has sent."""
    upload = ask(opening.begin_upload, service, {"name": name, "size": len(content)})["upload"]
    ask(opening.add_piece, service, {"upload": upload, "at": 0, "data": base64.b64encode(content).decode()})
    return upload


def test_a_named_set_is_listed_read_and_removed(service: Service, tmp_path: Path) -> None:
    answer = ask(mark_sets.save_set, service, {**SCORES, "name": " Ada,  first pass ", "rows": ADA})
    saved = answer["saved"]
    assert (saved["name"], saved["rows"]) == ("Ada, first pass", 3) and answer["sets"] == [saved]
    again = live_service(tmp_path)
    assert ask(marks.kept, again, SCORES)["sets"] == [saved]
    assert ask(mark_sets.load_set, again, {**SCORES, "id": saved["id"]})["rows"] == ADA
    with pytest.raises(MaskError, match="already"):
        ask(mark_sets.save_set, again, {**SCORES, "name": "ada, FIRST pass", "rows": {}})
    assert ask(mark_sets.remove_set, again, {**SCORES, "id": saved["id"]}) == {"sets": []}


def test_two_annotators_are_compared_on_the_rows_that_both_reviewed(service: Service) -> None:
    ada = ask(mark_sets.save_set, service, {**SCORES, "name": "Ada", "rows": ADA})["saved"]["id"]
    # Of r0 the page only says that it was reviewed; of r1 that "likes" is the fact, too.
    now = {"r0": said([]), "r1": said([[3, 8]])}
    found = ask(mark_sets.compare, service, {**SCORES, "first": ada, "second": "now", "rows": now})
    # Ada likes tea | Bo likes rain. Ada's set: 0 1 1 | 0 0 0; now, with the file's gold: 0 0 1 | 0 1 1.
    assert (found["rows"], found["words"], found["agreement"]) == (2, 6, pytest.approx(3 / 6))
    # By chance: .333 * .5 + .667 * .5 = .5, so κ = 0.
    assert found["kappa"] == pytest.approx(0.0, abs=1e-12)
    assert (found["first"], found["second"]) == ({"name": "Ada", "marked": 2}, {"name": "Now", "marked": 3})
    assert (found["only_first"], found["only_second"], found["differences"]) == (1, 2, 3)
    assert [(each["row_id"], each["word"], each["first"]) for each in found["differing"]] == [
        ("r0", "likes", True), ("r1", "likes", False), ("r1", "rain", False)
    ]  # fmt: skip
    assert (found["differing"][2]["row"], found["differing"][2]["start"], found["differing"][2]["end"]) == (
        1, 9, 13
    )  # fmt: skip
    # The file has gold in every row; of the set two rows were reviewed.
    assert (
        ask(mark_sets.compare, service, {**SCORES, "first": ada, "second": "file", "rows": {}})["rows"] == 2
    )
    with pytest.raises(InputError, match="No row was reviewed by both"):
        ask(mark_sets.compare, service, {**SCORES, "first": ada, "second": "now", "rows": {"r2": said([])}})


def test_what_was_reviewed_is_exported_as_rows_with_gold_and_comes_back(service: Service) -> None:
    file = ask(mark_sets.export_rows, service, {**SCORES, "rows": ADA})
    rows = [json.loads(line) for line in file["text"].splitlines()]
    assert [(each["id"], each["gold"], each["question"]) for each in rows] == [
        ("r0", [[4, 13]], "What of Ada?"), ("r1", [], "What of Bo?")
    ]  # fmt: skip
    upload = sent(service, "rows.jsonl", file["text"].encode())
    answer = ask(mark_sets.import_rows, service, {**SCORES, "name": "back", "upload": upload})
    assert (answer["others"], answer["unmarked"], answer["saved"]["rows"]) == (0, 1, 1)
    back = ask(mark_sets.load_set, service, {**SCORES, "id": answer["saved"]["id"]})
    assert back["rows"] == {"r0": said([[4, 13]])}
    with pytest.raises(InputError, match="No row was reviewed"):
        ask(mark_sets.export_rows, service, {**SCORES, "rows": {"r2": ADA["r2"]}})


def test_gold_in_any_order_is_imported_as_spans_in_order(service: Service) -> None:
    table = 'id,question,answer,gold\nr0,Q,Ada likes tea,"[[10, 13], [0, 3], [2, 5]]"\n'
    upload = sent(service, "rows.csv", table.encode())
    saved = ask(mark_sets.import_rows, service, {**SCORES, "name": "table", "upload": upload})["saved"]
    back = ask(mark_sets.load_set, service, {**SCORES, "id": saved["id"]})["rows"]
    # the gold of the text is " tea", with the space before it
    assert back == {"r0": said([[0, 5], [10, 13]], [[9, 10]])}
    assert ask(marks.save, service, {**SCORES, "base": 0, "save": "a", "rows": back})["taken"]


def test_what_an_imported_annotator_left_out_of_the_gold_is_not_the_fact(service: Service) -> None:
    table = 'id,question,answer,gold\nr0,Q,Ada likes tea,"[[4, 9]]"\n'
    upload = sent(service, "second.csv", table.encode())
    saved = ask(mark_sets.import_rows, service, {**SCORES, "name": "b", "upload": upload})["saved"]["id"]
    found = ask(mark_sets.compare, service, {**SCORES, "first": "file", "second": saved, "rows": {}})
    assert (found["only_first"], found["only_second"]) == (1, 1)
    # of 3 words each marks 1, both of them another: pₒ = 1/3, pₑ = 5/9
    assert found["kappa"] == pytest.approx(-0.5)


def test_rows_of_another_text_are_left_out_and_a_file_without_any_is_refused(service: Service) -> None:
    lines = ('r0,Q,Ada likes tea,"[[10, 13]]"', 'r9,Q,No,"[[0, 2]]"', 'r1,Q,Bo,"[[0, 2]]"')
    table = "\n".join(("id,question,answer,gold", *lines))
    upload = sent(service, "rows.csv", table.encode())
    answer = ask(mark_sets.import_rows, service, {**SCORES, "name": "table", "upload": upload})
    assert (answer["others"], answer["saved"]["rows"]) == (2, 1)
    other = sent(service, "rows.csv", b'id,question,answer,gold\nr9,Q,No,"[[0, 2]]"\n')
    with pytest.raises(InputError, match="No row of the file marks a fact of this text"):
        ask(mark_sets.import_rows, service, {**SCORES, "name": "none", "upload": other})
    damaged = sent(service, "rows.csv", b"id,question,answer,gold\nr0,Q,Ada likes tea,tea\n")
    with pytest.raises(InputError, match="No line of the file is a row. 1 line was refused because"):
        ask(mark_sets.import_rows, service, {**SCORES, "name": "none", "upload": damaged})


def test_a_mark_stands_above_the_gold_of_the_file() -> None:
    gold = ((4, 9), (12, 20))
    assert corrected(gold, RowMarks(((9, 10),), ((6, 7), (12, 30)))).fact == ((4, 6), (7, 10))
    assert corrected((), RowMarks()) == RowMarks()
