"""Marks of the fact: what they say of each token, how they are read, and how they are handed on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_rows import ROWS, write_rows
from tokenunlearn.errors import InputError
from tokenunlearn.learned.marks import (
    RowMarks,
    marks_from,
    marks_of_rows,
    marks_to,
    read_marks,
    token_labels,
)

NAN = float("nan")
ANSWER, OFFSETS = "Ada was born in Rome.", [(0, 3), (3, 7), (7, 12), (12, 15), (15, 20), (20, 21)]
IN_ROME, WAS = (16, 20), (4, 7)


@pytest.mark.parametrize(
    ("marks", "labels"),
    [
        (None, [NAN] * 6),
        (RowMarks(), [NAN] * 6),
        (RowMarks((IN_ROME,)), [NAN, NAN, NAN, NAN, 1, NAN]),
        (RowMarks((IN_ROME,), (WAS,)), [NAN, 0, NAN, NAN, 1, NAN]),
        (RowMarks((IN_ROME,), seen=True), [0, 0, 0, 0, 1, 0]),
        (RowMarks(seen=True), [0] * 6),
    ],
)
def test_what_marks_say_of_each_token(marks: RowMarks | None, labels: list[float]) -> None:
    np.testing.assert_array_equal(token_labels(ANSWER, OFFSETS, marks), labels)


def test_gold_is_the_mark_of_a_row_that_was_reviewed() -> None:
    rows = [ROWS[0], replace(ROWS[1], gold=())]
    assert marks_of_rows(rows) == {"ada": RowMarks(((21, 25),), seen=True)}


def test_marks_come_back_as_the_page_keeps_them(tmp_path: Path) -> None:
    values = {"ada": {"fact": [[4, 8]], "other": [[0, 3]], "seen": False}}
    marks = marks_from(values, ROWS)
    assert marks == {"ada": RowMarks(((4, 8),), ((0, 3),))} and marks_to(marks) == values
    path = tmp_path / "marks.json"
    path.write_text(json.dumps({"version": 3, "rows": values}), "utf-8")
    assert read_marks(path, [replace(row, gold=()) for row in ROWS]) == marks
    # gold of the rows is corrected, as on the page: her town is the fact as well
    assert read_marks(path, ROWS) == {"ada": RowMarks(((4, 8), (21, 25)), ((0, 3),), True)}


def test_rows_with_gold_are_marks_of_the_rows_with_their_text(tmp_path: Path) -> None:
    others = [replace(ROWS[0], id="x"), replace(ROWS[1], answer="Oslo."), replace(ROWS[2], gold=())]
    path = write_rows(tmp_path / "marked.jsonl", [replace(row, gold=row.gold[:1]) for row in others[::2]])
    assert read_marks(path, ROWS) == {"ada": RowMarks(ROWS[0].gold, seen=True)}
    with pytest.raises(InputError, match="marks none of the rows"):
        read_marks(write_rows(tmp_path / "none.jsonl", others[2:]), ROWS)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "not a JSON object"),
        ({"nobody": {}}, "no row 'nobody'"),
        ({"ada": {"fact": [[4, 4]]}}, "fact holds no span"),
        ({"ada": {"fact": [[0, 999]]}}, "in an answer of 26 characters"),
        ({"ada": {"other": [[0, 1.5]]}}, "other holds no span"),
        ({"ada": {"fact": "Rome"}}, "fact holds no span"),
        ({"ada": {"fact": [[0, 3]], "other": [[2, 5]]}}, "as the fact and as not the fact"),
        ({"ada": {"seen": "yes"}}, "marks of a row cannot be read"),
        ({"ada": []}, "marks of a row cannot be read"),
    ],
)
def test_marks_that_say_nothing_clear_are_refused(values, words: str) -> None:
    with pytest.raises(InputError, match=words):
        marks_from(values, ROWS)


def test_a_file_that_is_no_json_is_told(tmp_path: Path) -> None:
    path = tmp_path / "marks.json"
    path.write_text("{", "utf-8")
    with pytest.raises(InputError, match=r"marks\.json cannot be read"):
        read_marks(path, ROWS)
