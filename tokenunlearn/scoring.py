"""Rows to the exchange table: which passes are needed, run once each, in the order of view.

1. Encode the rows, find their subjects. 2. For each group of rows run the target pass and the passes that
the wanted signals need. 3. Align, compute the signals, add one table piece per row. A row's scores do not
depend on the rows beside it or their order; the set only lends the names that are swapped in.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from tokenunlearn import __version__
from tokenunlearn.alternatives import Alternatives, alternatives
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.fitting import fitting_encoding
from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.passes import (
    ALONE,
    Beside,
    RowInfo,
    SubjectEdit,
    fits_of,
    group_passes,
    most_moving,
    row_infos,
)
from tokenunlearn.settings import check, from_dict, setting
from tokenunlearn.signals import DEFAULT_ENTROPY, DEFAULT_KNOWLEDGE, SIGNALS, Arrays, RowView
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

DEFAULT_SIGNALS = tuple(name for name, entry in SIGNALS.items() if entry.default)
# What a report compares: every mask that costs one pass, so that the default stands beside its rivals.
REPORT_SIGNALS = tuple(name for name, entry in SIGNALS.items() if entry.report)
# What costs no pass: it is read off the text.
FREE_SIGNALS = tuple(name for name, entry in SIGNALS.items() if entry.report and entry.free)
GROUP = 10  # rows scored together


@dataclass(frozen=True)
class ScoreConfig:
    """Settings of scoring. `signal_settings` are, by signal, the settings of the signal's own dataclass."""

    signals: tuple[str, ...] = setting(DEFAULT_SIGNALS, choices=tuple(SIGNALS), help="Signals to compute")
    swap_count: int = setting(
        3, low=1, high=10, step=1, unit="names", help="Names put in the subject's place"
    )
    max_tokens: int = setting(
        2048, low=16, high=32768, step=1, unit="tokens", help="Longest row that is scored"
    )
    seed: int = setting(0, low=0, high=2**31 - 1, step=1, help="Seed of the random control's keys")
    signal_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self)
        if not isinstance(self.signal_settings, Mapping):
            raise SettingError("signal_settings must be a mapping of signals to their settings")
        for name in self.signal_settings:
            if name not in SIGNALS:
                raise SettingError(f"There is no signal {name!r}", fix=did_you_mean(name, SIGNALS))
            self.settings_of(name)

    def settings_of(self, signal: str) -> Any:
        """Return the checked settings object of a signal. Raises SettingError for a setting that it lacks."""
        given, settings = self.signal_settings.get(signal, {}), SIGNALS[signal].settings
        if not isinstance(given, Mapping):
            raise SettingError(f"The settings of {signal} must be a mapping of names to values")
        if given and not fields(settings):
            raise SettingError(f"The signal {signal} has no settings", fix="Leave them out")
        return from_dict(settings, given)

    def passes_of(self, signal: str) -> tuple[str, ...]:
        """Return the passes that a signal needs under its settings."""
        return SIGNALS[signal].passes_of(self.settings_of(signal))

    @property
    def passes(self) -> set[str]:
        """The passes that the signals need; with any of them the target's own, which is looked at first."""
        needed = {name for signal in self.signals for name in self.passes_of(signal)}
        return needed | {"target"} if needed else needed

    def in_parts(self) -> tuple["ScoreConfig", ...]:
        """Return the same signals in up to two parts: those of the default rule's passes, then the others."""
        needed = {name for signal in (DEFAULT_KNOWLEDGE, DEFAULT_ENTROPY) for name in self.passes_of(signal)}
        first = tuple(name for name in self.signals if needed.issuperset(self.passes_of(name)))
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
        return any(bool(self.table[name].notna().any()) for name in self.signals)


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
        names = ("model", "adapter", "precision", "data", "config", "fits")
        decided = [str(self.provenance[name]) for name in names if name in self.provenance]
        return text_hash(*decided, *(r.info.row.id for r in self.rows))


def score(
    model: LoadedModel, rows: Sequence[Row], config: ScoreConfig, beside: Beside = ALONE
) -> pd.DataFrame:
    """Return the exchange table of all rows, in their order; `beside` is what some signals need beside them.

    Raises InputError for no rows at all, a row longer than `max_tokens`, and a row without answer token.
    """
    scores = new_scores(model, rows, config, beside=beside)
    scores.rows.extend(iter_scores(model, rows, config, beside))
    return scores.table


def new_scores(
    model: LoadedModel,
    rows: Sequence[Row],
    config: ScoreConfig,
    edits: Mapping[str, SubjectEdit] = MappingProxyType({}),
    beside: Beside = ALONE,
) -> Scores:
    """Return empty Scores with the provenance of model, rows, settings, `edits` (by row id) and `beside`.

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
    fits = fits_of(config.passes, beside)
    return Scores(
        {
            **model.provenance(),
            **({"fits": fits} if fits else {}),
            "data": data,
            "config": text_hash(repr(config)),
            "signals": list(config.signals),
            "schema": SCHEMA_VERSION,
            "version": __version__,
        },
        edits=dict(edits),
    )


def iter_scores(
    model: LoadedModel, rows: Sequence[Row], config: ScoreConfig, beside: Beside = ALONE
) -> Iterator[ScoredRow]:
    """Yield scored rows, one by one in the order given; nothing is run before all rows are known to fit."""
    return score_infos(model, row_infos(rows, config.swap_count), config, beside)


def score_infos(
    model: LoadedModel, infos: Sequence[RowInfo], config: ScoreConfig, beside: Beside = ALONE
) -> Iterator[ScoredRow]:
    """Yield scored rows, one by one, masked as `infos` say.

    Nothing is run before all rows are known to fit.
    """
    encodings = [fitting_encoding(model, info.row, config.max_tokens) for info in infos]
    for start in range(0, len(infos), GROUP):
        group = slice(start, start + GROUP)
        measured = group_passes(model, infos[group], encodings[group], config.passes, beside)
        for info, encoding, found in zip(infos[group], encodings[group], measured, strict=True):
            _refuse_no_numbers(info.row, found)
            table = table_piece(info, encoding, found, config)
            yield ScoredRow(info, table, _alternatives(info, encoding, found, model.tokenizer.decode))


def _alternatives(
    info: RowInfo, encoding: Encoding, measured: Mapping[str, Arrays], decode: Callable[[list[int]], str]
) -> Alternatives:
    """Return what could stand at each token, as it is and under the name that moves the token most."""
    as_is = alternatives(measured.get("target"), encoding.answer_ids, decode)
    if "swap" not in measured:
        return Alternatives(as_is, [])
    swap = measured["swap"]
    picks = most_moving(measured["target"]["log_probs"], swap["log_probs"])
    places = np.arange(len(picks))
    masked = {name: values[picks, places] for name, values in swap.items()}
    names = [info.names[pick] for pick in picks] if info.names else []
    return Alternatives(as_is, alternatives(masked, encoding.answer_ids, decode), names)


def _refuse_no_numbers(row: Row, measured: Mapping[str, Arrays]) -> None:
    """Raise InputError where the model gives an answer token no finite probability."""
    if "target" in measured and not np.isfinite(measured["target"]["log_probs"]).all():
        raise InputError(
            what=f"Row {row.id} cannot be scored.",
            why="The model's log-probabilities there are not numbers.",
            fix="Open the model in fp32, or leave the row out.",
            where=row.id,
        )


def table_piece(
    info: RowInfo, encoding: Encoding, measured: Mapping[str, Arrays] | None, config: ScoreConfig
) -> pd.DataFrame:
    """Return a row's piece of the table; where nothing was `measured` (None) every signal is NaN."""
    view = row_view(info, encoding, measured or {}, config.seed)
    columns: dict[str, object] = {
        "row_id": info.row.id,
        "position": np.arange(len(view.offsets)),
        "token_id": np.array(encoding.answer_ids),
        "token": view.tokens,
        "char_start": np.array([start for start, _ in view.offsets]),
        "char_end": np.array([end for _, end in view.offsets]),
        "word_id": view.words,
        "is_subject": view.subject,
        "is_stop_word": view.stop,
        "is_punctuation": view.punctuation,
        "gold": view.gold,
        "random_key": view.random_key,
    }
    for name in config.signals:
        scored = measured is not None
        columns[name] = SIGNALS[name].of(view, config.settings_of(name)) if scored else np.nan
    return pd.DataFrame(columns)


def row_view(info: RowInfo, encoding: Encoding, measured: Mapping[str, Arrays], seed: int) -> RowView:
    """Return a row as its signals see it: what the text says of each answer token, and what was measured."""
    answer, offsets = info.row.answer, encoding.answer_offsets
    names = [(start, end) for start, end, _ in subject_spans(answer, info.subject)]
    gold = np.full(len(offsets), np.nan)
    if info.row.gold:
        gold = tokens_in(answer, offsets, info.row.gold).astype(float)
    return RowView(
        question=info.row.question,
        answer=answer,
        offsets=offsets,
        words=word_ids(answer, offsets),
        subject=tokens_in(answer, offsets, names),
        stop=stop_words(answer, offsets),
        punctuation=punctuation(answer, offsets),
        gold=gold,
        random_key=random_keys([info.row.id], [len(offsets)], seed),
        measured=measured,
    )
