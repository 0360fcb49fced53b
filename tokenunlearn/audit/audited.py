"""From a model, rows and marks to how far the learned scorer is to be trusted on them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tokenunlearn.audit.trust import LEARNED, Trust, groups_of, trust
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.learned.fit import DEFAULTS, FitSettings
from tokenunlearn.learned.fitted import MOST_TOKENS, annotated, layer_of, row_states
from tokenunlearn.learned.marks import Marks, token_labels
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.scoring import FREE_SIGNALS, ScoreConfig, ScoredRow, iter_scores

ALONE: Final = "learned_alone"
OTHER: Final = "other_annotation"
# What these columns of a report are called, beside the signals.
LABELS: Final = {
    LEARNED: "Learned, with the other subjects' rows",
    ALONE: "Learned from our annotated rows alone",
    OTHER: "The other annotation",
}


def audited(
    model: LoadedModel,
    rows: Sequence[Row],
    marks: Marks,
    signals: Sequence[str] = (),
    settings: FitSettings = DEFAULTS,
) -> Trust:
    """Score the marked rows and compare; `signals` are computed beside what is read off the text.

    Raises InputError where no row is marked.
    """
    marked = [row for row in rows if row.id in marks]
    if not marked:
        raise InputError("No row is marked", fix="Mark words as the fact or as not the fact")
    config = ScoreConfig(signals=tuple(dict.fromkeys((*signals, *FREE_SIGNALS))), max_tokens=MOST_TOKENS)
    return audit_of(model, list(iter_scores(model, marked, config)), marks, signals, settings)


def audit_of(
    model: LoadedModel,
    rows: Sequence[ScoredRow],
    marks: Marks,
    signals: Sequence[str],
    settings: FitSettings = DEFAULTS,
    other: Marks | None = None,
) -> Trust:
    """Compare scored rows with marks on them. The signal `learned` of the rows is reported as `ALONE`.

    `other`: another annotation of the rows, reported as a signal that is 1 where it marks the fact.
    """
    table = pd.concat([row.table for row in rows], ignore_index=True)
    names = [ALONE if name == LEARNED else name for name in signals]
    if ALONE in names:
        table[ALONE] = table[LEARNED]
    if other is not None:
        table[OTHER] = labels_of(rows, other)
        names.append(OTHER)
    texts = [row.info.row for row in rows]
    layer = layer_of(model, settings)
    return trust(
        table,
        row_states(model, texts, layer),
        labels_of(rows, marks),
        annotated(model, layer).basis(beside=texts),
        groups_of([row.info.subject for row in rows], [row.answer for row in texts]),
        names,
        settings,
    )


def labels_of(rows: Sequence[ScoredRow], marks: Marks) -> NDArray[np.float64]:
    """Return what the marks say of the answer tokens of all rows: 1, 0, NaN; [tokens]."""
    return np.concatenate([_labels(row, marks) for row in rows])


def _labels(row: ScoredRow, marks: Marks) -> NDArray[np.float64]:
    places = zip(row.table["char_start"].tolist(), row.table["char_end"].tolist(), strict=True)
    return token_labels(row.info.row.answer, list(places), marks.get(row.info.row.id))
