"""What is learned from marks on an open text: its states, kept in memory, and the fits on them.

A partial pass of the model runs once for each text; every refit after it is arithmetic on the states kept.
Rows of the text that are among our annotated rows take no part in a fit as such: of them counts only what
people marked, so that no row is scored by a fit on its own gold.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from app.shown import ShownScores
from app.text_states import MOST_BYTES, TextStates
from app.words import NOT_LIVE
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.learned.marks import RowMarks, corrected, marks_from, marks_of_rows, token_labels
from tokenunlearn.learned.words import Words, words_of
from tokenunlearn.runs.marks_store import MarksStore

if TYPE_CHECKING:
    from app.service import Service
    from tokenunlearn.learned.scorer import Scorer

AT_ONCE: Final = 10  # rows of a pass; between two of them others may ask the model


@dataclass(frozen=True, eq=False)
class MarkedText:
    """An open text and what is known of it: `truth` by row id, of which `marked` are a person's rows.

    `left_out` are the tokens that are in no word, names and punctuation, bool [tokens]. `words` have labels
    in the marked rows alone, NaN elsewhere: what a fit may see.
    """

    shown: ShownScores
    kept: TextStates
    rows: tuple[Row, ...]
    truth: Mapping[str, RowMarks]
    marked: frozenset[str]
    left_out: np.ndarray
    words: Words


def truth_of(service: "Service", shown: ShownScores) -> tuple[dict[str, RowMarks], frozenset[str]]:
    """Return what is true of the rows, by id, and the ids of those that a person marked.

    A mark stands above the gold of the file. A row with gold was reviewed by whoever gave it.
    """
    record, _ = MarksStore(service.queue.store.root).marks(shown.text_id)
    rows = rows_of(service, shown)
    marks = marks_from((record or {}).get("rows") or {}, rows)
    truth = {row.id: corrected(row.gold, marks[row.id]) for row in rows if row.id in marks}
    return {**marks_of_rows(rows), **truth}, frozenset(truth)


def rows_of(service: "Service", shown: ShownScores) -> tuple[Row, ...]:
    """Return the rows of the text, in the payload's order, with the subjects that they are scored under."""
    own = {row.id: row for row in service.sessions.of(shown).forget}
    return tuple(replace(own[each["id"]], subject=each["subject"]) for each in shown.payload["rows"])


def marked_text(service: "Service", shown: ShownScores) -> MarkedText:
    """Return the text with its states and what is true of it. Raises MaskError before all rows are scored."""
    kept = text_states(service, shown)
    rows = rows_of(service, shown)
    truth, marked = truth_of(service, shown)
    columns = shown.columns
    left_out = columns["subject"].astype(bool) | columns["punctuation"].astype(bool)
    in_no_word = left_out | np.isnan(kept.states[:, 0])
    labels = labels_of(shown, {name: truth[name] for name in marked})
    # Of states without any number: only the labels are new.
    none = np.zeros((len(labels), 0), dtype=np.float32)
    labelled = words_of(none, columns["row"], columns["word"], in_no_word, labels)
    words = kept.words(columns, in_no_word).labelled(labelled.labels)
    return MarkedText(shown, kept, rows, truth, marked, left_out, words)


def labels_of(shown: ShownScores, marks: Mapping[str, RowMarks]) -> np.ndarray:
    """Return what marks say of each token of a text: 1 the fact, 0 not the fact, NaN nothing; [tokens]."""
    labels = np.full(len(shown.columns["row"]), np.nan)
    starts, ends = (shown.offsets[name] for name in ("start", "end"))
    for row in shown.payload["rows"]:
        if row["id"] in marks:
            at = slice(row["first"], row["first"] + row["count"])
            offsets = list(zip(starts[at].tolist(), ends[at].tolist(), strict=True))
            labels[at] = token_labels(str(row["answer"]), offsets, marks[row["id"]])
    return labels


def text_states(service: "Service", shown: ShownScores) -> TextStates:
    """Return the states of a text, measured once and then kept. Raises MaskError without a live model."""
    if shown.scores is None or not shown.live:
        raise MaskError(NOT_LIVE, fix="Wait for the live model")
    key = json.dumps([shown.text_id, str(shown.scores.provenance.get("precision"))])
    with service.states.measuring:
        found = service.states.find(key)
        if found is None:
            found = _measured(service, shown)
            service.states.keep(key, found)
    return found


def _measured(service: "Service", shown: ShownScores) -> TextStates:
    from tokenunlearn.fitting import fitting_encoding
    from tokenunlearn.learned.fitted import MOST_TOKENS, annotated, layer_of, states_of

    assert shown.scores is not None
    model, rows = service.sessions.model_of(shown), rows_of(service, shown)
    layer = layer_of(model)
    pieces: list[np.ndarray | None] = [None] * len(rows)
    going = [place for place, row in enumerate(shown.payload["rows"]) if not row.get("failure")]
    for first in range(0, len(going), AT_ONCE):
        places = going[first : first + AT_ONCE]
        encodings = [fitting_encoding(model, rows[place], MOST_TOKENS) for place in places]
        with service.sessions.model_lock:
            for place, states in zip(places, states_of(model, encodings, layer), strict=True):
                pieces[place] = states
        if first == 0:
            _refuse_too_large(shown, pieces)
    with service.sessions.model_lock:
        basis = annotated(model, layer).basis(beside=rows)
    width = basis.states.shape[1]
    counts = [row["count"] for row in shown.payload["rows"]]
    filled = [
        piece if piece is not None else np.full((count, width), np.nan, np.float32)
        for piece, count in zip(pieces, counts, strict=True)
    ]
    return TextStates(layer, np.concatenate(filled), basis)


def _refuse_too_large(shown: ShownScores, pieces: Sequence[np.ndarray | None]) -> None:
    width = next(piece.shape[1] for piece in pieces if piece is not None)
    size = 4 * width * len(shown.columns["row"])
    if size > MOST_BYTES:
        raise InputError(
            f"The states of this text would take {size >> 20:,} MiB",
            f"At most {MOST_BYTES >> 20:,} are kept",
            "Open fewer rows, or fit from the command line: python -m tokenunlearn fit",
        )


def scorer_of(service: "Service", text: MarkedText) -> "Scorer | None":
    """Return the scorer of the marks; None without marks, where that of our annotated rows alone counts."""
    from tokenunlearn.learned.fit import fit
    from tokenunlearn.learned.fitted import made_of, marks_hash

    if np.isnan(text.words.labels).all():
        return None
    marked = [row for row in text.rows if row.id in text.marked]
    marks = {name: text.truth[name] for name in text.marked}
    about = {**made_of(service.sessions.model_of(text.shown)), "marks": marks_hash(marked, marks)}
    return fit(text.kept.basis, text.words, text.kept.layer, made_of=about)


def signal_on(service: "Service", text: MarkedText, scorer: "Scorer | None") -> np.ndarray:
    """Return the learned signal on every token of the text, float64 [tokens]; NaN in rows that failed.

    Without a scorer of its marks each row has the one that is fitted on our annotated rows alone.
    """
    from tokenunlearn.learned.fitted import scorers_for
    from tokenunlearn.signals.learned import learned

    rows = text.rows
    scorers = [scorer] * len(rows) if scorer else scorers_for(service.sessions.model_of(text.shown), rows)
    columns, values = text.shown.columns, np.full(len(text.left_out), np.nan)
    for row, own in zip(text.shown.payload["rows"], scorers, strict=True):
        at = slice(row["first"], row["first"] + row["count"])
        values[at] = learned(own.logits(text.kept.states[at]), columns["word"][at], text.left_out[at])
    return values


def fit_id(scorer: "Scorer | None") -> str:
    """Return what decides a fit: 12 hex digits; "" for that of our annotated rows alone.

    Not a hash of its numbers: their last bits may change with the batches of a pass.
    """
    from tokenunlearn.models.loading import text_hash

    return text_hash(json.dumps([scorer.layer, sorted(scorer.made_of.items())])) if scorer else ""
