"""One row of data to its lines of the exchange table: text, words, flags and signals of each token."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.passes import RowInfo
from tokenunlearn.signals import SIGNALS, RowPasses
from tokenunlearn.table import random_keys
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.spans import punctuation, stop_words, subject_spans, tokens_in, word_ids


def encoded(model: LoadedModel, row: Row, max_tokens: int) -> Encoding:
    """The encoding of a row. Raises InputError when it is longer than `max_tokens` or has no answer token."""
    encoding = encode(model.tokenizer, row.question, row.answer)
    if len(encoding.ids) > max_tokens:
        raise InputError(
            what=f"Row {row.id} has {len(encoding.ids):,} tokens.",
            why=f"At most {max_tokens:,} tokens a row are scored (setting max_tokens).",
            fix="Shorten the row, or raise max_tokens if the model reads that far.",
            where=row.id,
        )
    if encoding.answer_length == 0:
        raise InputError(what=f"Row {row.id} has no answer token.", fix="Give it an answer.", where=row.id)
    return encoding


def unfit_rows(model: LoadedModel, rows: Sequence[Row], max_tokens: int) -> dict[str, str]:
    """Why each row that cannot be scored cannot, by its id. Raises the first one's error when all are so."""
    refused: dict[str, InputError] = {}
    for row in rows:
        try:
            encoded(model, row, max_tokens)
        except InputError as error:
            refused[row.id] = error
    if rows and len(refused) == len(rows):
        raise refused[rows[0].id]
    return {name: str(error) for name, error in refused.items()}


def row_table(
    info: RowInfo, encoding: Encoding, passes: RowPasses | None, signals: Sequence[str], seed: int
) -> pd.DataFrame:
    """A row's piece of the table, one line per answer token; without passes every signal is NaN."""
    answer, offsets = info.row.answer, encoding.answer_offsets
    names = [(start, end) for start, end, _ in subject_spans(answer, info.subject)]
    is_subject = tokens_in(answer, offsets, names)
    gold = np.full(len(offsets), np.nan)
    if info.row.gold:
        gold = tokens_in(answer, offsets, info.row.gold).astype(float)
    columns: dict[str, object] = {
        "row_id": info.row.id,
        "position": np.arange(len(offsets)),
        "token_id": np.array(encoding.answer_ids),
        "token": [answer[start:end] for start, end in offsets],
        "char_start": np.array([start for start, _ in offsets]),
        "char_end": np.array([end for _, end in offsets]),
        "word_id": word_ids(answer, offsets),
        "is_subject": is_subject,
        "is_stop_word": stop_words(answer, offsets),
        "is_punctuation": punctuation(answer, offsets),
        "gold": gold,
        "random_key": random_keys([info.row.id], [len(offsets)], seed),
    }
    for name in signals:
        columns[name] = np.nan if passes is None else SIGNALS[name].function(passes)
    return pd.DataFrame(columns)
