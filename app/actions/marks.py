"""Marks of the fact: kept on the server beside drafts and masks, and data of their own.

A mark says what is true, an override what is trained. Marks belong to a text, whatever scores are shown of
it: row id → `{fact: spans, other: spans, seen: bool}` (`runs/marks_store.py`).
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Final

from app.requests import Id, Version, record, text, truth
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.data.rows import Span
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.learned.marks import Marks, RowMarks, marks_to
from tokenunlearn.runs.marks_store import MarksStore

MOST_SPANS: Final = 10_000  # of one row and one kind


def marks_given(value: Any, name: str) -> dict[str, RowMarks]:
    """Return marks by row id, whatever rows there are (see `fitting_marks`). Raises InputError."""
    marks = {}
    for row, each in record(value, name).items():
        given = record(each, f"the marks of row {row}")
        fact, other = (_spans(given.get(kind), kind, row) for kind in ("fact", "other"))
        marks[str(row)] = RowMarks(fact, other, truth(given.get("seen"), "seen"))
    return marks


@dataclass(frozen=True, kw_only=True)
class TextShown:
    """The text that the page shows, and the scores that it shows of it."""

    text_id: Id
    scores_id: Id


@dataclass(frozen=True, kw_only=True)
class WithMarks(TextShown):
    """The marks as the page has them."""

    rows: Annotated[Marks, marks_given] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SaveMarks(WithMarks):
    """Marks to keep.

    `base` is the version that they were made from, `save` a name by which the page knows its own save again
    when the answer is lost.
    """

    save: Annotated[str, text(80)]
    base: Version = 0


def kept(service: Service, page: TextShown) -> dict[str, Any]:
    """Return the marks on a text: `{marks, damage, sets}`; `damage` is why what lies there cannot be read.

    `sets` are the named sets `{id, name, saved, rows}`, where `rows` is
    the count. Raises MaskError for a text that is not open.
    """
    shown = shown_text(service, page)
    marks, _ = marks_store(service).marks(shown.text_id)
    damage = ". ".join(marks_store(service).faults(shown.text_id))
    return {"marks": marks, "damage": damage, "sets": sets_of(service, shown)}


def save(service: Service, marks: SaveMarks) -> dict[str, Any]:
    """Save marks; return `{taken, marks}`, not taken where somebody saved others since.

    Raises InputError, MaskError.
    """
    shown = shown_text(service, marks)
    content = {"rows": marks_to(fitting_marks(marks.rows, shown)), "save": marks.save}
    saved = marks_store(service).save(shown.text_id, content, marks.base)
    return {"taken": saved.taken, "marks": dict(saved.record)}


def fitting_marks(marks: Marks, shown: ShownScores) -> Marks:
    """Return the marks: each row is there, each span is inside its answer, none is marked both ways.

    Raises InputError that names the row.
    """
    answers = {str(row["id"]): str(row["answer"]) for row in shown.payload["rows"]}
    for name, each in marks.items():
        if name not in answers:
            raise InputError(f"There is no row {name[:60]!r} here", fix="Reload the page")
        for kind, spans in (("fact", each.fact), ("other", each.other)):
            if spans and spans[-1][1] > len(answers[name]):
                raise _span_error(list(spans[-1]), kind, name, f", which has {len(answers[name])}")
        every = sorted(each.fact + each.other)
        if any(before[1] > after[0] for before, after in pairwise(every)):
            raise InputError("A character is marked as the fact and as not the fact", where=name)
    return marks


def _spans(given: Any, kind: str, row: str) -> tuple[Span, ...]:
    if not isinstance(given, list) or len(given) > MOST_SPANS:
        raise InputError(f"{kind} is not a list of at most {MOST_SPANS:,} spans", where=row)
    spans, last = [], 0
    for span in given:
        whole = isinstance(span, list) and len(span) == 2 and all(type(each) is int for each in span)
        if not whole or not last <= span[0] < span[1]:
            raise _span_error(span, kind, row)
        last = span[1]
        spans.append((span[0], span[1]))
    return tuple(spans)


def _span_error(span: Any, kind: str, row: str, length: str = "") -> InputError:
    return InputError(
        f"The span {str(span)[:40]} of {kind} cannot be read",
        f"Spans are [start, end] characters of the answer{length}, in order",
        where=row,
    )


def sets_of(service: Service, shown: ShownScores) -> list[dict[str, Any]]:
    """Return the named sets of marks on a text `{id, name, saved, rows}`; `rows` counts what is in each."""
    return [{**each, "rows": len(each["rows"])} for each in marks_store(service).sets(shown.text_id)]


def shown_text(service: Service, page: TextShown) -> ShownScores:
    """Return the scores of the text that a request names. Raises MaskError for a recorded example."""
    shown = service.shelf.find_text(page.text_id, page.scores_id)
    if not shown.live or shown.table is None:
        raise MaskError("Marks on a recorded example are not saved", fix="Wait for the live model")
    return shown


def marks_store(service: Service) -> MarksStore:
    """Return the marks in the folder of runs."""
    return MarksStore(service.queue.store.root)
