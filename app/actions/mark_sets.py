"""Named sets of marks: kept, imported from rows with gold, exported as such, two annotators compared.

A side of a comparison is a set's id, `now`, the marks that the page shows, or `file`, the gold of the rows.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.actions.marks import (
    TextShown,
    WithMarks,
    fitting_marks,
    marks_given,
    marks_store,
    sets_of,
    shown_text,
)
from app.actions.opening import FileGiven, read_file
from app.requests import Id, Name
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.data.files import good_content
from tokenunlearn.data.rows import Row, Span, row_to_dict
from tokenunlearn.errors import InputError
from tokenunlearn.learned.marks import Marks, RowMarks, corrected, marks_to
from tokenunlearn.metrics.agreement import agreement, cohens_kappa, markable_words, marked_words

NOW, FILE = "now", "file"
SHOWN_DIFFERENCES: Final = 2_000
NAMES: Final = {NOW: "Now", FILE: "The file"}
Spans = tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class SaveSet(WithMarks):
    """Marks, and the name that they get."""

    name: Name


@dataclass(frozen=True, kw_only=True)
class SetOf(TextShown):
    """One named set of the text."""

    id: Id


@dataclass(frozen=True, kw_only=True)
class ImportRows(TextShown, FileGiven):
    """A file of rows with gold, and the name that it gets."""

    name: Name


@dataclass(frozen=True, kw_only=True)
class TwoSides(WithMarks):
    """Two sides, and the marks of the side `now`."""

    first: Id
    second: Id


def save_set(service: Service, wanted: SaveSet) -> dict[str, Any]:
    """Save marks under a name; return `{saved, sets}`. Raises MaskError for a taken name."""
    shown = shown_text(service, wanted)
    return _added(service, shown, wanted.name, fitting_marks(wanted.rows, shown))


def load_set(service: Service, wanted: SetOf) -> dict[str, Any]:
    """Return a named set `{id, name, saved, rows}`."""
    shown = shown_text(service, wanted)
    found = marks_store(service).read_set(shown.text_id, wanted.id)
    return {**found, "rows": marks_to(fitting_marks(marks_given(found.get("rows", {}), "rows"), shown))}


def remove_set(service: Service, wanted: SetOf) -> dict[str, Any]:
    """Take a named set off the list; return `{sets}`."""
    shown = shown_text(service, wanted)
    marks_store(service).remove_set(shown.text_id, wanted.id)
    return {"sets": sets_of(service, shown)}


def import_rows(service: Service, wanted: ImportRows) -> dict[str, Any]:
    """Make a named set of a file of rows with gold; return `{saved, sets, others, unmarked, refused}`.

    Rows that are not in this text (`others`), rows
    without gold (`unmarked`) and refused lines are left out. Every other row counts as reviewed, and what the
    gold of the text has beyond it as not the fact. Raises InputError where none is left.
    """
    shown = shown_text(service, wanted)
    records, content = read_file(service, wanted)
    answers = {str(row["id"]): str(row["answer"]) for row in shown.payload["rows"]}
    here = [row for row in content.rows if answers.get(row.id) == row.answer]
    gold = {row.id: row.gold for row in _rows(service, shown)}
    facts = {row.id: corrected(row.gold, RowMarks()).fact for row in here if row.gold}
    beyond = {name: corrected(gold[name], RowMarks(other=fact)).fact for name, fact in facts.items()}
    rows = {name: RowMarks(fact, beyond[name], seen=True) for name, fact in facts.items()}
    if not content.rows:
        good_content(records)  # raises, with the reason of the first refused line
    if not rows:
        raise InputError(
            "No row of the file marks a fact of this text",
            f"{len(content.rows)} rows were read, {len(here)} of them have an id and answer of this text",
            "Export the rows here, mark gold in them, and import that file",
            Path(records.name).name,
        )
    added = _added(service, shown, wanted.name, rows)
    return {
        **added,
        "others": len(content.rows) - len(here),
        "unmarked": len(here) - len(rows),
        "refused": len(content.refused),
    }


def export_rows(service: Service, marks: WithMarks) -> dict[str, str]:
    """Return the rows that were reviewed, with what is marked as `gold`: `{filename, text, mime}`.

    A row in which nothing is the fact has no gold, which in a file of rows means "not known". Raises
    InputError where no row was reviewed.
    """
    shown = shown_text(service, marks)
    truth = settled(service, shown, NOW, marks.rows)
    rows = [replace(row, gold=truth[row.id]) for row in _rows(service, shown) if row.id in truth]
    if not rows:
        raise InputError("No row was reviewed", fix="Mark a row, then press Enter")
    lines = (json.dumps(row_to_dict(row), ensure_ascii=False) for row in rows)
    return {
        "filename": f"rows-with-gold-{shown.text_id[:8]}.jsonl",
        "text": "\n".join(lines) + "\n",
        "mime": "application/jsonl",
    }


def compare(service: Service, wanted: TwoSides) -> dict[str, Any]:
    """Return how far two annotators agree on the words of the rows that both reviewed, and where not.

    Returns `{agreement, kappa (None = not defined), words, rows, first, second, only_first, only_second,
    differences, differing: [{row_id, row, start, end, word, first, second}]}`; a side is `{name, marked}`.
    Raises InputError where both have no row in common.
    """
    shown = shown_text(service, wanted)
    sides = [wanted.first, wanted.second]
    names = [_side_name(service, shown, side) for side in sides]
    truths = [settled(service, shown, side, wanted.rows) for side in sides]
    rows = [row for row in shown.payload["rows"] if all(row["id"] in truth for truth in truths)]
    if not rows:
        raise InputError("No row was reviewed by both", f"{names[0]} and {names[1]} have no row in common")
    first, second = (
        np.concatenate([marked_words(row["answer"], truth[row["id"]]) for row in rows]) for truth in truths
    )
    kappa = cohens_kappa(first, second)
    words = [(row, span) for row in rows for span in markable_words(row["answer"])]
    places = {row["id"]: at for at, row in enumerate(shown.payload["rows"])}
    differing = np.flatnonzero(first != second)
    return {
        "agreement": agreement(first, second),
        "kappa": None if math.isnan(kappa) else kappa,
        "words": len(words),
        "rows": len(rows),
        "first": {"name": names[0], "marked": int(first.sum())},
        "second": {"name": names[1], "marked": int(second.sum())},
        "only_first": int((first & ~second).sum()),
        "only_second": int((second & ~first).sum()),
        "differences": len(differing),
        "differing": [
            _word(words[at], places) | {"first": bool(first[at]), "second": bool(second[at])}
            for at in differing[:SHOWN_DIFFERENCES]
        ],
    }


def settled(service: Service, shown: ShownScores, side: str, now: Marks) -> dict[str, Spans]:
    """Return the spans of the fact in each row that a side has reviewed, by row id.

    `now` are the marks of the side `now`. A mark stands above the gold of the file: what is marked as not the
    fact is taken out of it.
    """
    gold = {row.id: row.gold for row in _rows(service, shown)}
    if side == FILE:
        return {name: spans for name, spans in gold.items() if spans}
    if side != NOW:
        now = marks_given(marks_store(service).read_set(shown.text_id, side).get("rows", {}), "rows")
    return {
        name: corrected(gold.get(name, ()), marks).fact
        for name, marks in fitting_marks(now, shown).items()
        if marks.seen
    }


def _word(word: tuple[Mapping[str, Any], tuple[int, int]], places: Mapping[str, int]) -> dict[str, Any]:
    row, (start, end) = word
    return {
        "row_id": row["id"],
        "row": places[row["id"]],
        "start": start,
        "end": end,
        "word": row["answer"][start:end],
    }


def _added(service: Service, shown: ShownScores, name: str, marks: Marks) -> dict[str, Any]:
    set_id = marks_store(service).add_set(shown.text_id, name, marks_to(marks))
    listed = sets_of(service, shown)
    return {"saved": next(each for each in listed if each["id"] == set_id), "sets": listed}


def _side_name(service: Service, shown: ShownScores, side: str) -> str:
    return NAMES.get(side) or str(marks_store(service).read_set(shown.text_id, side)["name"])


def _rows(service: Service, shown: ShownScores) -> list[Row]:
    ids = {str(row["id"]) for row in shown.payload["rows"]}
    return [row for row in service.sessions.of(shown).forget if row.id in ids]
