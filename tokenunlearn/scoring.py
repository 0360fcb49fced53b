"""Rows to the exchange table: which passes are needed, run once each, in the order of view.

1. Encode the rows, find their subjects. 2. For each group of rows run the target pass and the passes that
the wanted signals need. 3. Align, compute the signals, add one table piece per row. A row's scores do not
depend on the rows beside it or their order; the set only lends the names that are swapped in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from tokenunlearn import __version__
from tokenunlearn.alternatives import Alternatives, alternatives
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.fitting import fitting_encoding
from tokenunlearn.models.forward import PassScores
from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.passes import RowInfo, SubjectEdit, group_passes, most_moving, row_infos
from tokenunlearn.settings import check, setting
from tokenunlearn.signals import SIGNALS, RowPasses
from tokenunlearn.table import PROVENANCE, SCHEMA_VERSION, random_keys
from tokenunlearn.text.encoding import Encoding
from tokenunlearn.text.spans import punctuation, stop_words, subject_spans, tokens_in, word_ids

__all__ = [
    "REPORT_SIGNALS",
    "Alternatives",
    "RowInfo",
    "ScoreConfig",
    "ScoredRow",
    "Scores",
    "iter_scores",
    "new_scores",
    "score",
    "score_infos",
]

DEFAULT_SIGNALS = (
    "knowledge_swap",
    "swap_spread",
    "entropy",
    "entropy_masked",
    "entropy_base",
    "contrast",
    "loss",
    "log_prob",
)
# What a report compares: every mask that costs one pass, so that the default stands beside its rivals.
REPORT_SIGNALS = (
    "knowledge_swap",
    "knowledge_subject",
    "knowledge_prompt",
    "contrast",
    "entropy",
    "entropy_masked",
    "entropy_base",
    "loss",
)
GROUP = 10  # rows scored together


@dataclass(frozen=True)
class ScoreConfig:
    """Settings of scoring."""

    signals: tuple[str, ...] = setting(DEFAULT_SIGNALS, choices=tuple(SIGNALS), help="Signals to compute")
    swap_count: int = setting(
        3, low=1, high=10, step=1, unit="names", help="Names put in the subject's place"
    )
    max_tokens: int = setting(
        2048, low=16, high=32768, step=1, unit="tokens", help="Longest row that is scored"
    )
    seed: int = setting(0, low=0, high=2**31 - 1, step=1, help="Seed of the random control's keys")

    def __post_init__(self) -> None:
        check(self)

    @property
    def passes(self) -> set[str]:
        """The passes that the signals need."""
        return {name for signal in self.signals for name in SIGNALS[signal].passes}

    def in_parts(self) -> tuple["ScoreConfig", ...]:
        """The same signals in up to two parts: those of the default rule's own passes, then the others."""
        needed = {name for signal in ("knowledge_swap", "entropy") for name in SIGNALS[signal].passes}
        first = tuple(name for name in self.signals if needed.issuperset(SIGNALS[name].passes))
        rest = tuple(name for name in self.signals if name not in first)
        return tuple(replace(self, signals=part) for part in (first, rest) if part)


@dataclass(frozen=True)
class ScoredRow:
    """One row: its piece of the table, how it was masked, its alternatives.

    `failure` is why it could not be scored: its signals are then NaN. Empty for one that is, or that waits.
    """

    info: RowInfo
    table: pd.DataFrame
    alternatives: Alternatives
    failure: str = ""

    @property
    def signals(self) -> list[str]:
        """The names of its table's signals."""
        return [name for name in self.table.columns if name in SIGNALS]

    @property
    def scored(self) -> bool:
        """Whether any signal of it is known."""
        return bool(self.table[self.signals].notna().any(axis=None))


@dataclass
class Scores:
    """All scored rows of a set, growing in the order in which they are finished.

    `edits` by row id: subjects that a person gave; `unedited` are then the scores without any of them.
    """

    provenance: dict[str, object]
    rows: list[ScoredRow] = field(default_factory=list)
    edits: Mapping[str, SubjectEdit] = field(default_factory=dict)
    unedited: "Scores | None" = None

    @property
    def table(self) -> pd.DataFrame:
        """The exchange table of the finished rows, with provenance."""
        table = pd.concat([row.table for row in self.rows], ignore_index=True)
        ids = {"scores_id": self.scores_id, "text_id": self.text_id}
        table.attrs[PROVENANCE] = {**self.provenance, **ids}
        return table

    @property
    def text_id(self) -> str:
        """Return what a person's decisions on these tokens belong to: 12 hex digits.

        Model and adapter (by their weights), the rows' ids, questions and answers, and the token ids of the
        answers decide it, which is all that a tokenizer does to them. Subjects, signals, settings and
        precision change the numbers on the tokens, not the tokens.
        """
        rows = [
            (each.info.row.id, each.info.row.question, each.info.row.answer, each.table["token_id"].tolist())
            for each in self.rows
        ]
        return text_hash(str(self.provenance["weights"]), json.dumps(rows))

    @property
    def scores_id(self) -> str:
        """Return what the numbers belong to: an id that model, adapter, data and settings decide."""
        names = ("model", "adapter", "precision", "data", "config")
        return text_hash(*(str(self.provenance[name]) for name in names), *(r.info.row.id for r in self.rows))


def score(model: LoadedModel, rows: Sequence[Row], config: ScoreConfig) -> pd.DataFrame:
    """The exchange table of all rows, in their order.

    Raises InputError for no rows at all, a row longer than `max_tokens`, and a row without answer token.
    """
    scores = new_scores(model, rows, config)
    scores.rows.extend(iter_scores(model, rows, config))
    return scores.table


def new_scores(
    model: LoadedModel,
    rows: Sequence[Row],
    config: ScoreConfig,
    edits: Mapping[str, SubjectEdit] = MappingProxyType({}),
) -> Scores:
    """Empty Scores with the provenance of model, rows, settings and `edits` (by row id).

    Raises InputError for no rows.
    """
    if not rows:
        raise InputError(
            what="There is no row to score",
            why="Scores are one number per answer token, and without rows there is none",
            fix='Give at least one row that is to be forgotten (split "forget", or no split at all)',
        )
    parts = [part for row in rows for part in (row.id, row.question, row.answer, row.subject)]
    edited = [part for name in sorted(edits) for part in (name, edits[name].subject, *edits[name].names)]
    data = text_hash(*parts, *edited)
    return Scores(
        {
            **model.provenance(),
            "data": data,
            "config": text_hash(repr(config)),
            "signals": list(config.signals),
            "schema": SCHEMA_VERSION,
            "version": __version__,
        },
        edits=dict(edits),
    )


def iter_scores(model: LoadedModel, rows: Sequence[Row], config: ScoreConfig) -> Iterator[ScoredRow]:
    """Scored rows, one by one in the order given; nothing is run before all rows are known to fit."""
    return score_infos(model, row_infos(rows, config.swap_count), config)


def score_infos(model: LoadedModel, infos: Sequence[RowInfo], config: ScoreConfig) -> Iterator[ScoredRow]:
    """Scored rows, one by one, masked as `infos` say; nothing is run before all rows are known to fit."""
    encodings = [fitting_encoding(model, info.row, config.max_tokens) for info in infos]
    for start in range(0, len(infos), GROUP):
        group = slice(start, start + GROUP)
        measured = group_passes(model, infos[group], encodings[group], config.passes)
        for info, encoding, found in zip(infos[group], encodings[group], measured, strict=True):
            passes, as_is, masked = found
            _refuse_no_numbers(info.row, as_is)
            table = table_piece(info, encoding, passes, config)
            truths, decode = encoding.answer_ids, model.tokenizer.decode
            plain, hidden = (alternatives(each, truths, decode) for each in (as_is, masked))
            yield ScoredRow(info, table, Alternatives(plain, hidden, _shown_names(info, passes)))


def _shown_names(info: RowInfo, passes: RowPasses) -> list[str]:
    """At each token the name whose alternatives are shown: the one that moves it most."""
    if passes.swap is None or not info.names:
        return []
    return [info.names[pick] for pick in most_moving(passes.target, passes.swap)]


def _refuse_no_numbers(row: Row, as_is: PassScores) -> None:
    """Nothing; raises InputError where the model gives an answer token no finite probability."""
    if not np.isfinite(as_is.log_probs).all():
        raise InputError(
            what=f"Row {row.id} cannot be scored.",
            why="The model's log-probabilities there are no numbers.",
            fix="Open the model in fp32, or leave the row out.",
            where=row.id,
        )


def table_piece(
    info: RowInfo, encoding: Encoding, passes: RowPasses | None, config: ScoreConfig
) -> pd.DataFrame:
    """A row's piece of the table; without passes every signal is NaN."""
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
        "random_key": random_keys([info.row.id], [len(offsets)], config.seed),
    }
    for name in config.signals:
        columns[name] = np.nan if passes is None else SIGNALS[name].function(passes)
    return pd.DataFrame(columns)
