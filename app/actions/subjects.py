"""Another subject for some rows: what could be one, and the scores with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np

from app.actions.tokens import RowOf, shown_payload, signal_of
from app.requests import Id, below, record, text
from app.service import Service
from app.shown import ShownScores, shown_scores
from app.words import NOT_LIVE
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.passes import SubjectEdit
from tokenunlearn.settings import is_number
from tokenunlearn.text.spans import propose_subjects

if TYPE_CHECKING:
    from tokenunlearn.scoring import Scores

MOST_SUBJECT: Final = 200


def changes_given(value: Any, name: str) -> dict[int, SubjectEdit | None]:
    """Return the edit of each row, by its number; None for the data's own subject. Raises InputError."""
    changes = {}
    for index, change in record(value, name).items():
        if not is_number(index):
            raise InputError(f"{str(index)[:20]!r} is not a row", "It must be a row's number")
        changes[int(index)] = None if change is None else _edit(record(change, f"the change of row {index}"))
    return changes


@dataclass(frozen=True, kw_only=True)
class Rescore:
    """Other subjects for some rows."""

    scores_id: Id
    changes: Annotated[Mapping[int, SubjectEdit | None], changes_given]


def subject_choices(service: Service, wanted: RowOf) -> dict[str, Any]:
    """Return what a row's subject could be: `{given, proposed}`, the data's own and the names that are found.

    Raises InputError, MaskError.
    """
    shown = service.shelf.find(wanted.scores_id)
    rows, own = shown.payload["rows"], service.sessions.of(shown).forget
    at = below(len(rows), wanted.row, "row")
    given = own[at].subject if at < len(own) else ""
    return {"given": given, "proposed": propose_subjects(rows[at]["question"], rows[at]["answer"])}


def rescore(service: Service, wanted: Rescore) -> dict[str, Any]:
    """Return the Tokens view's value after some rows were scored with another subject.

    Raises InputError for a subject that the row does not name, MaskError before all is scored.
    """
    with scores_to_change(service, wanted.scores_id) as shown:
        return _rescored(service, shown, wanted.changes)


@contextmanager
def scores_to_change(service: Service, scores_id: str) -> Iterator[ShownScores]:
    """Give the newest scores of the rows under `scores_id`; meanwhile nobody else changes them.

    Raises MaskError for a recorded example and before all rows are scored, ModelError for rows that are no
    longer open.
    """
    known = service.shelf.find(scores_id)
    if known.scores is None:
        raise MaskError(NOT_LIVE, fix="Wait until all rows are scored")
    service.sessions.wait_until_scored()
    with service.sessions.changing:  # Other pages ask until it is done.
        service.sessions.model_of(known)
        shown = (
            service.shelf.newest()
        )  # Newer than the page's: what another page changed meanwhile stays changed.
        assert shown is not None and shown.scores is not None
        yield shown


def _rescored(
    service: Service, shown: ShownScores, changes: Mapping[int, SubjectEdit | None]
) -> dict[str, Any]:
    assert shown.scores is not None
    edits, rows = dict(shown.scores.edits), service.sessions.of(shown).forget
    for index, change in changes.items():
        row = rows[below(len(rows), index, "row")]
        edits.pop(row.id, None)
        if change is not None:
            edits[row.id] = change
    with_subjects(service, shown, edits)
    return shown_payload(service)


def with_subjects(service: Service, shown: ShownScores, edits: Mapping[str, SubjectEdit]) -> ShownScores:
    """Return the shown scores with these subjects in place of theirs, every signal included.

    They are kept for the next start.
    """
    from tokenunlearn.rescoring import rescored
    from tokenunlearn.runs.kept_subjects import write_subjects
    from tokenunlearn.scoring import ScoreConfig

    assert shown.scores is not None
    before, session, model = shown.scores, service.sessions.of(shown), service.sessions.model_of(shown)
    with service.sessions.model_lock:
        scores = rescored(model, before, session.forget, ScoreConfig(), edits)
    fresh = shown_anew(service, shown, scores)
    # Before they are shown: what a person sees is there after a restart.
    write_subjects(service.queue.store.root, fresh.text_id, edits)
    service.sessions.show(fresh, session)
    return fresh


def shown_anew(service: Service, shown: ShownScores, scores: "Scores") -> ShownScores:
    """Return these scores as they are shown in the place of `shown`, every signal included."""
    fresh = shown_scores(scores, "live")
    # A signal that was fitted on marks is fitted again, on these names.
    later = [
        name for name in shown.payload["signals"] if name not in fresh.columns and not shown.fits.get(name)
    ]
    return fresh.with_signals({name: _spliced(service, shown, fresh, name) for name in later})


def _spliced(service: Service, shown: ShownScores, fresh: ShownScores, name: str) -> np.ndarray:
    """Return a signal that was asked for later: as it was, and computed again in the rows that changed."""
    assert shown.scores is not None and fresh.scores is not None
    values = shown.columns[name].copy()
    pairs = zip(shown.scores.rows, fresh.scores.rows, fresh.payload["rows"], strict=True)
    changed = [(now, row) for before, now, row in pairs if now is not before]
    places = [np.arange(row["first"], row["first"] + row["count"]) for _, row in changed]
    if changed:
        values[np.concatenate(places)] = signal_of(service, shown, [now for now, _ in changed], name)
    return values


def _edit(change: Mapping[str, Any]) -> SubjectEdit:
    names = change.get("names") or []
    if not isinstance(names, list) or not all(
        isinstance(name, str) and len(name) <= MOST_SUBJECT for name in names
    ):
        raise InputError("names must be a list of names", f"Each has at most {MOST_SUBJECT} characters")
    subject = text(MOST_SUBJECT)(change.get("subject"), "subject")
    return SubjectEdit(subject.strip(), tuple(name.strip() for name in names))
