"""Marks of the fact: kept on the server beside drafts and masks, and data of their own.

A mark says what is true, an override what is trained. Marks belong to a text, whatever scores are shown of
it: row id → `{fact: spans, other: spans, seen: bool}` (`runs/marks_store.py`).
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from app.actions.checks import record, text, truth, version_of
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.runs.marks_store import MarksStore

MOST_SPANS: Final = 10_000  # of one row and one kind


def kept(service: Service, question: Any) -> dict[str, Any]:
    """Return the marks on a text: `{marks, damage, sets}`; `damage` is why what lies there cannot be read.

    `question`: `{text_id, scores_id}`. `sets` are the named sets `{id, name, saved, rows}`, where `rows` is
    the count. Raises MaskError for a text that is not open.
    """
    shown = shown_text(service, record(question, "the question"))
    marks, damage = marks_store(service).marks(shown.text_id)
    return {"marks": marks, "damage": damage, "sets": sets_of(service, shown)}


def save(service: Service, marks: Any) -> dict[str, Any]:
    """Save marks; return `{taken, marks}`, not taken where somebody saved others since.

    `marks`: `{text_id, scores_id, base, save, rows}`; `base` is the version that they were made from, `save`
    a name by which the page knows its own save again when the answer is lost. Raises InputError, MaskError.
    """
    values = record(marks, "the marks")
    shown = shown_text(service, values)
    content = {"rows": marked_rows(values, shown), "save": text(values, "save", 80)}
    saved = marks_store(service).save(shown.text_id, content, version_of(values, "base"))
    return {"taken": saved.taken, "marks": dict(saved.record)}


def marked_rows(values: Mapping[str, Any], shown: ShownScores) -> dict[str, dict[str, Any]]:
    """Return the `rows` of a request, checked: each row is there, each span is inside its answer.

    Raises InputError that names the row.
    """
    answers = {str(row["id"]): str(row["answer"]) for row in shown.payload["rows"]}
    rows = {}
    for name, given in record(values.get("rows") or {}, "rows").items():
        if name not in answers:
            raise InputError(f"There is no row {str(name)[:60]!r} here", fix="Reload the page")
        marks = record(given, f"the marks of row {name}")
        fact, other = (_spans(marks, kind, name, len(answers[name])) for kind in ("fact", "other"))
        every = sorted(fact + other)
        if any(before[1] > after[0] for before, after in pairwise(every)):
            raise InputError("A character is marked as the fact and as not the fact", where=name)
        rows[name] = {"fact": fact, "other": other, "seen": truth(marks, "seen")}
    return rows


def _spans(marks: Mapping[str, Any], kind: str, row: str, length: int) -> list[list[int]]:
    given = marks.get(kind)
    if not isinstance(given, list) or len(given) > MOST_SPANS:
        raise InputError(f"{kind} is not a list of at most {MOST_SPANS:,} spans", where=row)
    spans, last = [], 0
    for span in given:
        whole = isinstance(span, list) and len(span) == 2 and all(type(each) is int for each in span)
        if not whole or not last <= span[0] < span[1] <= length:
            raise InputError(
                f"The span {str(span)[:40]} of {kind} cannot be read",
                f"Spans are [start, end] characters of the answer, which has {length}, in order",
                where=row,
            )
        last = span[1]
        spans.append([span[0], span[1]])
    return spans


def sets_of(service: Service, shown: ShownScores) -> list[dict[str, Any]]:
    """Return the named sets of marks on a text `{id, name, saved, rows}`; `rows` counts what is in each."""
    return [{**each, "rows": len(each["rows"])} for each in marks_store(service).sets(shown.text_id)]


def shown_text(service: Service, values: Mapping[str, Any]) -> ShownScores:
    """Return the scores of the text that a request names. Raises MaskError for a recorded example."""
    shown = service.shelf.find_text(text(values, "text_id"), str(values.get("scores_id")))
    if not shown.live or shown.table is None:
        raise MaskError("Marks on a recorded example are not saved", fix="Wait for the live model")
    return shown


def marks_store(service: Service) -> MarksStore:
    """Return the marks in the folder of runs."""
    return MarksStore(service.queue.store.root)
