"""Rows that wait for their scores, that failed, or have another subject: how each gets its scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tokenunlearn.alternatives import Alternatives
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.fitting import fitting_encoding
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.passes import RowInfo, SubjectEdit, row_infos
from tokenunlearn.scoring import GROUP, ScoreConfig, ScoredRow, Scores, new_scores, score_infos, table_piece

# What one row may fail of while others do not: too little memory for a long one, numbers out of range.
FAILURES: Final = (TokenUnlearnError, RuntimeError, MemoryError)


def score_each(model: LoadedModel, infos: Sequence[RowInfo], config: ScoreConfig) -> Iterator[ScoredRow]:
    """Yield what `score_infos` does, but a row that fails unscored, with the reason; the others go on."""
    for start in range(0, len(infos), GROUP):
        group = infos[start : start + GROUP]
        try:
            found = list(score_infos(model, group, config))
        except FAILURES:
            found = [attempt(model, info, config) for info in group]
        yield from found


def attempt(model: LoadedModel, info: RowInfo, config: ScoreConfig) -> ScoredRow:
    """Return one row, scored on its own; or unscored, with the reason why it fails."""
    try:
        return next(score_infos(model, [info], config))
    except FAILURES as error:
        return replace(_unscored(model, info, config), failure=_reason(error))


def _reason(error: Exception) -> str:
    """Return one line; PyTorch adds several on what else could be tried."""
    if isinstance(error, TokenUnlearnError):
        return str(error)
    first, *_ = str(error).strip().splitlines() or ["it gave no reason"]
    return f"{type(error).__name__}: {first}"


def retried(model: LoadedModel, scores: Scores, at: int, config: ScoreConfig) -> Scores:
    """Return `scores` after row number `at` was scored once more."""
    row = attempt(model, scores.rows[at].info, config)
    unedited = scores.unedited
    if unedited is not None and unedited.rows[at].info == row.info:
        unedited = _with_row(unedited, at, row)
    return replace(_with_row(scores, at, row), unedited=unedited)


def _with_row(scores: Scores, at: int, row: ScoredRow) -> Scores:
    return replace(scores, rows=[*scores.rows[:at], row, *scores.rows[at + 1 :]])


def unscored(model: LoadedModel, rows: Sequence[Row], config: ScoreConfig) -> list[ScoredRow]:
    """Return the rows as they are before any pass: text, words and flags are known, every signal is NaN."""
    return [_unscored(model, info, config) for info in row_infos(rows, config.swap_count)]


def _unscored(model: LoadedModel, info: RowInfo, config: ScoreConfig) -> ScoredRow:
    encoding = fitting_encoding(model, info.row, config.max_tokens)
    return ScoredRow(info, table_piece(info, encoding, None, config), Alternatives([], []))


def filled(row: ScoredRow, scored: ScoredRow) -> ScoredRow:
    """Return `row` with the signals that `scored` has for it; alternatives stay those of the first part.

    Where `scored` has failed, what was known of the row goes: half its signals would look like all.
    """
    if scored.failure:
        unknown = row.table.assign(**dict.fromkeys(row.signals, np.nan))
        return replace(row, table=unknown, alternatives=scored.alternatives, failure=scored.failure)
    table = row.table.assign(**{name: scored.table[name] for name in scored.signals})
    alternatives = row.alternatives if row.alternatives.as_is else scored.alternatives
    return replace(row, table=table, alternatives=alternatives)


def rescored(
    model: LoadedModel,
    scores: Scores,
    rows: Sequence[Row],
    config: ScoreConfig,
    edits: Mapping[str, SubjectEdit],
) -> Scores:
    """Return the finished `scores` of `rows` with these edits in place of theirs.

    Only rows that change are scored.

    Without an edit: the very scores from before the first one. Raises InputError for an edit that does not
    fit its row.
    """
    unedited = scores.unedited or scores
    if not edits:
        return unedited
    for row in rows:
        if row.id in edits:
            edits[row.id].check(row)
    fresh = new_scores(model, rows, config, edits)
    fresh.unedited = unedited
    infos = row_infos(rows, config.swap_count, edits)
    known = [
        next((row for row in (before, now) if row.info == info), None)
        for info, before, now in zip(infos, unedited.rows, scores.rows, strict=True)
    ]
    asked = [info for info, row in zip(infos, known, strict=True) if row is None]
    found = score_each(model, asked, config)
    fresh.rows = [row or next(found) for row in known]
    return fresh
