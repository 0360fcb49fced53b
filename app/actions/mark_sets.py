"""Named sets of marks: kept, imported from rows with gold, exported as such, two annotators compared.

A side of a comparison is a set's id, `now`, the marks that the page shows, or `file`, the gold of the rows.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.actions.checks import record, text
from app.actions.marks import marked_rows, marks_store, sets_of, shown_text
from app.actions.opening import read_file
from app.service import Service
from app.shown import ShownScores
from tokenunlearn.data.files import good_content
from tokenunlearn.data.rows import Row, Span, row_to_dict
from tokenunlearn.errors import InputError
from tokenunlearn.learned.marks import RowMarks, corrected, marks_from, marks_to
from tokenunlearn.metrics.agreement import agreement, cohens_kappa, markable_words, marked_words

MOST_NAME: Final = 80
NOW, FILE = "now", "file"
SHOWN_DIFFERENCES: Final = 2_000
NAMES: Final = {NOW: "Now", FILE: "The file"}
Spans = tuple[Span, ...]


def save_set(service: Service, marks: Any) -> dict[str, Any]:
    """Save marks under a name; return `{saved, sets}`. Raises MaskError for a taken name.

    `marks`: `{text_id, scores_id, name, rows}`.
    """
    values = record(marks, "the marks")
    shown = shown_text(service, values)
    return _added(service, shown, _name(values), marked_rows(values, shown))


def load_set(service: Service, question: Any) -> dict[str, Any]:
    """Return a named set `{id, name, saved, rows}`. `question`: `{text_id, scores_id, id}`."""
    values = record(question, "the question")
    shown = shown_text(service, values)
    found = marks_store(service).read_set(shown.text_id, text(values, "id"))
    return {**found, "rows": marked_rows(found, shown)}


def remove_set(service: Service, question: Any) -> dict[str, Any]:
    """Take a named set off the list; return `{sets}`. `question`: `{text_id, scores_id, id}`."""
    values = record(question, "the question")
    shown = shown_text(service, values)
    marks_store(service).remove_set(shown.text_id, text(values, "id"))
    return {"sets": sets_of(service, shown)}


def import_rows(service: Service, question: Any) -> dict[str, Any]:
    """Make a named set of a file of rows with gold; return `{saved, sets, others, unmarked, refused}`.

    `question`: `{text_id, scores_id, name, upload | path}`. Rows that are not in this text (`others`), rows
    without gold (`unmarked`) and refused lines are left out. Every other row counts as reviewed, and what the
    gold of the text has beyond it as not the fact. Raises InputError where none is left.
    """
    values = record(question, "the question")
    shown = shown_text(service, values)
    records, content = read_file(service, values)
    answers = {str(row["id"]): str(row["answer"]) for row in shown.payload["rows"]}
    here = [row for row in content.rows if answers.get(row.id) == row.answer]
    gold = {row.id: row.gold for row in _rows(service, shown)}
    facts = {row.id: corrected(row.gold, RowMarks()).fact for row in here if row.gold}
    beyond = {name: corrected(gold[name], RowMarks(other=fact)).fact for name, fact in facts.items()}
    rows = marks_to({name: RowMarks(fact, beyond[name], seen=True) for name, fact in facts.items()})
    if not content.rows:
        good_content(records)  # raises, with the reason of the first refused line
    if not rows:
        raise InputError(
            "No row of the file marks a fact of this text",
            f"{len(content.rows)} rows were read, {len(here)} of them have an id and answer of this text",
            "Export the rows here, mark gold in them, and import that file",
            Path(records.name).name,
        )
    added = _added(service, shown, _name(values), rows)
    return {
        **added,
        "others": len(content.rows) - len(here),
        "unmarked": len(here) - len(rows),
        "refused": len(content.refused),
    }


def export_rows(service: Service, question: Any) -> dict[str, str]:
    """Return the rows that were reviewed, with what is marked as `gold`: `{filename, text, mime}`.

    `question`: `{text_id, scores_id, rows}`, the marks. A row in which nothing is the fact has no gold, which
    in a file of rows means "not known". Raises InputError where no row was reviewed.
    """
    values = record(question, "the question")
    shown = shown_text(service, values)
    truth = settled(service, shown, NOW, values)
    rows = [replace(row, gold=truth[row.id]) for row in _rows(service, shown) if row.id in truth]
    if not rows:
        raise InputError("No row was reviewed", fix="Mark a row, then press Enter")
    lines = (json.dumps(row_to_dict(row), ensure_ascii=False) for row in rows)
    return {
        "filename": f"rows-with-gold-{shown.text_id[:8]}.jsonl",
        "text": "\n".join(lines) + "\n",
        "mime": "application/jsonl",
    }


def compare(service: Service, question: Any) -> dict[str, Any]:
    """Return how far two annotators agree on the words of the rows that both reviewed, and where not.

    `question`: `{text_id, scores_id, first, second, rows}`: two sides, and the marks of `now`. Returns
    `{agreement, kappa (None = not defined), words, rows, first, second, only_first, only_second, differences,
    differing: [{row_id, row, start, end, word, first, second}]}`; a side is `{name, marked}`.
    Raises InputError where both have no row in common.
    """
    values = record(question, "the question")
    shown = shown_text(service, values)
    sides = [text(values, "first"), text(values, "second")]
    names = [_side_name(service, shown, side) for side in sides]
    truths = [settled(service, shown, side, values) for side in sides]
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


def settled(service: Service, shown: ShownScores, side: str, values: Mapping[str, Any]) -> dict[str, Spans]:
    """Return the spans of the fact in each row that a side has reviewed, by row id.

    A mark stands above the gold of the file: what is marked as not the fact is taken out of it.
    """
    gold = {row.id: row.gold for row in _rows(service, shown)}
    if side == FILE:
        return {name: spans for name, spans in gold.items() if spans}
    kept = values if side == NOW else marks_store(service).read_set(shown.text_id, side)
    return {
        name: corrected(gold.get(name, ()), marks).fact
        for name, marks in marks_from(marked_rows(kept, shown), _rows(service, shown)).items()
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


def _added(service: Service, shown: ShownScores, name: str, rows: Mapping[str, Any]) -> dict[str, Any]:
    set_id = marks_store(service).add_set(shown.text_id, name, rows)
    listed = sets_of(service, shown)
    return {"saved": next(each for each in listed if each["id"] == set_id), "sets": listed}


def _side_name(service: Service, shown: ShownScores, side: str) -> str:
    return NAMES.get(side) or str(marks_store(service).read_set(shown.text_id, side)["name"])


def _name(values: Mapping[str, Any]) -> str:
    name = " ".join(text(values, "name", MOST_NAME).split())
    if not name.isprintable():
        raise InputError("The name holds characters that cannot be seen", fix="Type another name")
    return name


def _rows(service: Service, shown: ShownScores) -> list[Row]:
    ids = {str(row["id"]) for row in shown.payload["rows"]}
    return [row for row in service.sessions.of(shown).forget if row.id in ids]
