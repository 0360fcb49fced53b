"""Marks: what a person says is true of an answer, as spans of its characters. Not what is trained: see masks.

A row's marks are spans of the fact, spans that are not the fact, and whether it was reviewed: then each
word without a mark is not the fact either. A row with `gold` is one that was reviewed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tokenunlearn.contents import text_of
from tokenunlearn.data.files import read_rows
from tokenunlearn.data.rows import Row, Span
from tokenunlearn.errors import InputError
from tokenunlearn.text.spans import tokens_in

_FORM: Final = '{"rows": {"row id": {"fact": [[start, end]], "other": [], "seen": true}}}'


@dataclass(frozen=True)
class RowMarks:
    """The marks of one row; `seen`: it was reviewed. Spans (start, end) of the answer's characters."""

    fact: tuple[Span, ...] = ()
    other: tuple[Span, ...] = ()
    seen: bool = False


Marks = Mapping[str, RowMarks]


def marks_of_rows(rows: Sequence[Row]) -> dict[str, RowMarks]:
    """Return the gold of the rows as marks, by row id; rows without gold have none."""
    return {row.id: RowMarks(row.gold, seen=True) for row in rows if row.gold}


def token_labels(answer: str, offsets: Sequence[Span], marks: RowMarks | None) -> NDArray[np.float64]:
    """Return what the marks say of each token: 1 the fact, 0 not the fact, NaN nothing; [tokens]."""
    if marks is None:
        return np.full(len(offsets), np.nan)
    labels = np.full(len(offsets), 0.0 if marks.seen else np.nan)
    labels[tokens_in(answer, offsets, marks.other)] = 0.0
    labels[tokens_in(answer, offsets, marks.fact)] = 1.0
    return labels


def corrected(gold: Sequence[Span], marks: RowMarks) -> RowMarks:
    """Return the marks of a row together with the gold of its file, without what is marked as not the fact.

    >>> corrected([(4, 9)], RowMarks(fact=((9, 12),), other=((6, 7),)))
    RowMarks(fact=((4, 6), (7, 12)), other=((6, 7),), seen=True)
    """
    other = {at for start, end in marks.other for at in range(start, end)}
    fact = {at for start, end in (*gold, *marks.fact) for at in range(start, end)} - other
    starts = [at for at in sorted(fact) if at - 1 not in fact]
    ends = [at + 1 for at in sorted(fact) if at + 1 not in fact]
    return RowMarks(tuple(zip(starts, ends, strict=True)), marks.other, marks.seen or bool(gold))


def marks_from(values: Any, rows: Sequence[Row], where: str = "") -> dict[str, RowMarks]:
    """Return marks from JSON values as the page keeps them, `{row id: {fact, other, seen}}`.

    Raises InputError for a row that is not among `rows`, a span outside its answer, and a character that is
    marked both ways.
    """
    if not isinstance(values, Mapping):
        raise InputError("The marks are not a JSON object", fix=f"Write {_FORM}", where=where)
    answers = {row.id: row.answer for row in rows}
    return {str(name): _row_marks(given, str(name), answers, where) for name, given in values.items()}


def marks_to(marks: Marks) -> dict[str, Any]:
    """Return the marks as JSON values; the inverse of `marks_from`."""
    return {
        name: {
            "fact": [list(s) for s in each.fact],
            "other": [list(s) for s in each.other],
            "seen": each.seen,
        }
        for name, each in sorted(marks.items())
    }


def read_marks(path: str | Path, rows: Sequence[Row]) -> dict[str, RowMarks]:
    """Return marks of a file on `rows`: the page's own (.json), or rows with `gold` in any format of rows.

    Marks of the page correct the gold of a row, as they do on the page. Rows with gold are found by their
    question and answer, stand for that gold, and count as reviewed. Raises InputError for a file that cannot
    be read or has a line that is not a row, and for one without a mark on any of the rows.
    """
    place = Path(path)
    values = _page_marks(place)
    if values is not None:
        given = marks_from(values, rows, str(path))
        marks = {row.id: corrected(row.gold, given[row.id]) for row in rows if row.id in given}
    else:
        gold = {(row.question, row.answer): row.gold for row in _gold_rows(place) if row.gold}
        texts = {row.id: (row.question, row.answer) for row in rows}
        marks = {name: RowMarks(gold[text], seen=True) for name, text in texts.items() if text in gold}
    if not marks:
        why = "No row of it with gold has the question and answer of one of the rows"
        raise InputError(
            f"{place.name} marks none of the rows", why, "Give the marks of these rows", str(path)
        )
    return marks


def _gold_rows(place: Path) -> tuple[Row, ...]:
    """Return the rows of a file.

    Raises InputError for a refused line: what it marks would be missing, untold.
    """
    found = read_rows(place)
    if found.refused:
        raise found.refused[0].error
    return found.rows


def _page_marks(place: Path) -> Any:
    """Return the `rows` of a file of the page; None for any other file, which is read as rows."""
    if place.suffix != ".json":
        return None
    try:
        values = json.loads(text_of(place, "utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # RecursionError: brackets without end
        raise InputError(f"{place.name} cannot be read", str(error)[:200], where=str(place)) from error
    rows = values.get("rows") if isinstance(values, Mapping) else None
    return rows if isinstance(rows, Mapping) else None


def _row_marks(given: Any, name: str, answers: Mapping[str, str], where: str) -> RowMarks:
    place = f"{where}: {name}" if where else name
    if name not in answers:
        raise InputError(f"There is no row {name[:60]!r}", "The marks are of other rows", where=where)
    if not isinstance(given, Mapping) or not isinstance(given.get("seen", False), bool):
        raise InputError("The marks of a row cannot be read", fix=f"Write {_FORM}", where=place)
    fact, other = (_spans(given.get(kind, []), len(answers[name]), kind, place) for kind in ("fact", "other"))
    if any(start < end_of and start_of < end for start, end in fact for start_of, end_of in other):
        raise InputError("A character is marked as the fact and as not the fact", where=place)
    return RowMarks(fact, other, given.get("seen", False))


def _spans(given: Any, length: int, kind: str, where: str) -> tuple[Span, ...]:
    spans = []
    for span in given if isinstance(given, list) else [given]:
        whole = isinstance(span, list) and len(span) == 2 and all(type(each) is int for each in span)
        if not whole or not 0 <= span[0] < span[1] <= length:
            why = f"It is {str(span)[:40]} in an answer of {length} characters"
            raise InputError(f"{kind} holds no span", why, "Write [start, end], end exclusive", where)
        spans.append((span[0], span[1]))
    return tuple(sorted(spans))
