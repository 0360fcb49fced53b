"""Rows to the exchange table: which passes are needed, run once each, in the order of view.

1. Encode the rows, find their subjects. 2. For each group of rows run the target pass and the passes that
the wanted signals need. 3. Align, compute the signals, add one table piece per row. A row's scores do not
depend on the rows beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tokenunlearn import __version__
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.models.forward import PassScores, run_pass
from tokenunlearn.models.loading import LoadedModel, text_hash
from tokenunlearn.settings import check, setting
from tokenunlearn.signals import SIGNALS, RowPasses
from tokenunlearn.table import PROVENANCE, SCHEMA_VERSION, random_keys
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.masking import aligned, prompt_positions, subject_positions, swap_names, swap_subject
from tokenunlearn.text.spans import (
    propose_subjects,
    punctuation,
    stop_words,
    subject_spans,
    tokens_in,
    word_ids,
)

DEFAULT_SIGNALS = ("knowledge_swap", "swap_spread", "entropy", "entropy_masked", "entropy_base", "contrast", "loss", "log_prob")
GROUP = 10  # rows scored together


@dataclass(frozen=True)
class ScoreConfig:
    """Settings of scoring."""

    signals: tuple[str, ...] = setting(DEFAULT_SIGNALS, choices=tuple(SIGNALS), help="Signals to compute")
    swap_count: int = setting(3, low=1, high=10, step=1, unit="names", help="Names put in the subject's place")
    max_tokens: int = setting(2048, low=16, high=32768, step=1, unit="tokens", help="Longest row that is scored")
    seed: int = setting(0, low=0, high=2**31 - 1, step=1, help="Seed of the random control's keys")

    def __post_init__(self) -> None:
        unknown = [name for name in self.signals if name not in SIGNALS]
        if unknown:
            raise SettingError(what=f"Unknown signal {unknown[0]!r}.", fix=did_you_mean(unknown[0], list(SIGNALS)))
        check(self)

    @property
    def passes(self) -> set[str]:
        """The passes that the signals need."""
        return {name for signal in self.signals for name in SIGNALS[signal].passes}


@dataclass(frozen=True)
class RowInfo:
    """How one row was masked. `subject_source` is row, proposed or none; `masking` swap or prompt."""

    row: Row
    subject: str
    subject_source: str
    subject_spans: tuple[tuple[int, int], ...]
    masking: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Alternatives:
    """The five likeliest tokens before each answer token: text and probability, [tokens][5]."""

    as_is: list[list[tuple[str, float]]]
    masked: list[list[tuple[str, float]]]


@dataclass(frozen=True)
class ScoredRow:
    """One finished row: its piece of the table, how it was masked, its alternatives."""

    info: RowInfo
    table: pd.DataFrame
    alternatives: Alternatives


@dataclass
class Scores:
    """All scored rows of a set, growing in the order in which they are finished."""

    provenance: dict[str, object]
    rows: list[ScoredRow] = field(default_factory=list)

    @property
    def table(self) -> pd.DataFrame:
        """The exchange table of the finished rows, with provenance."""
        table = pd.concat([row.table for row in self.rows], ignore_index=True)
        table.attrs[PROVENANCE] = dict(self.provenance)
        return table

    @property
    def scores_id(self) -> str:
        """An id that model, adapter, data and settings decide: 12 hex digits."""
        names = ("model", "adapter", "precision", "data", "config")
        return text_hash(*(str(self.provenance[name]) for name in names), *(r.info.row.id for r in self.rows))


def score(model: LoadedModel, rows: Sequence[Row], config: ScoreConfig) -> pd.DataFrame:
    """The exchange table of all rows, in their order.

    Raises InputError for a row that is longer than `max_tokens` or has no answer token.
    """
    scores = new_scores(model, rows, config)
    scores.rows.extend(iter_scores(model, rows, config))
    return scores.table


def new_scores(model: LoadedModel, rows: Sequence[Row], config: ScoreConfig) -> Scores:
    """Empty Scores with the provenance of this model, these rows and settings."""
    data = text_hash(*(part for row in rows for part in (row.id, row.question, row.answer, row.subject)))
    return Scores(
        {
            **model.provenance(),
            "data": data,
            "config": text_hash(repr(config)),
            "signals": list(config.signals),
            "schema": SCHEMA_VERSION,
            "version": __version__,
        }
    )


def iter_scores(model: LoadedModel, rows: Sequence[Row], config: ScoreConfig) -> Iterator[ScoredRow]:
    """Scored rows, one by one in the order given; nothing is run before all rows are known to fit."""
    encodings = [_encoded(model, row, config) for row in rows]
    infos = [_row_info(row, rows, config.swap_count) for row in rows]
    for start in range(0, len(rows), GROUP):
        group = slice(start, start + GROUP)
        measured = _group_passes(model, infos[group], encodings[group], config)
        for info, encoding, (passes, as_is, masked) in zip(infos[group], encodings[group], measured, strict=True):
            table = _table_piece(info, encoding, passes, config)
            decode = model.tokenizer.decode
            yield ScoredRow(info, table, Alternatives(_texts(as_is, decode), _texts(masked, decode)))


def _encoded(model: LoadedModel, row: Row, config: ScoreConfig) -> Encoding:
    encoding = encode(model.tokenizer, row.question, row.answer)
    if len(encoding.ids) > config.max_tokens:
        raise InputError(
            what=f"Row {row.id} has {len(encoding.ids):,} tokens.",
            why=f"At most {config.max_tokens:,} tokens a row are scored (setting max_tokens).",
            fix="Shorten the row, or raise max_tokens if the model reads that far.",
            where=row.id,
        )
    if encoding.answer_length == 0:
        raise InputError(what=f"Row {row.id} has no answer token.", fix="Give it an answer.", where=row.id)
    return encoding


def _row_info(row: Row, rows: Sequence[Row], count: int) -> RowInfo:
    subject, source = row.subject, "row"
    if not subject or not subject_spans(row.question + "\n" + row.answer, subject):
        proposed = propose_subjects(row.question, row.answer)
        subject, source = (proposed[0], "proposed") if proposed else ("", "none")
    spans = tuple((start, end) for start, end, _ in subject_spans(row.question, subject))
    others = [other.subject for other in rows if other.set == row.set and other.subject]
    names = tuple(swap_names(subject, others, count)) if subject else ()
    return RowInfo(row, subject, source, spans, "swap" if names else "prompt", names)


def _group_passes(
    model: LoadedModel, infos: Sequence[RowInfo], encodings: Sequence[Encoding], config: ScoreConfig
) -> list[tuple[RowPasses, PassScores, PassScores | None]]:
    wanted = config.passes
    target = run_pass(model.model, encodings, model.pad_id)
    results = [RowPasses(scores.log_probs, scores.entropies) for scores in target]
    masked: list[PassScores | None] = [None] * len(infos)
    if "base" in wanted:
        for result, scores in zip(results, run_pass(model.model, encodings, model.pad_id, adapter_off=True), strict=True):
            result.base, result.base_entropy = scores.log_probs, scores.entropies
    prompt_rows = list(range(len(infos))) if "prompt" in wanted else [i for i, x in enumerate(infos) if not x.names]
    hidden = [prompt_positions(encodings[index]) for index in prompt_rows]
    for index, scores in zip(
        prompt_rows, run_pass(model.model, [encodings[i] for i in prompt_rows], model.pad_id, hidden=hidden), strict=True
    ):
        results[index].prompt = scores.log_probs
        if not infos[index].names:  # no subject: every name mask falls back to the question, and says so
            masked[index] = scores
            results[index].subject = scores.log_probs
            results[index].swap, results[index].swap_entropy = scores.log_probs[None], scores.entropies[None]
    named = [index for index, info in enumerate(infos) if info.names]
    if "swap" in wanted and named:
        _swap_passes(model, infos, encodings, named, results, masked)
    if "subject" in wanted and named:
        hidden = [subject_positions(encodings[i], infos[i].row.question, infos[i].row.answer, infos[i].subject) for i in named]
        passes = run_pass(model.model, [encodings[i] for i in named], model.pad_id, hidden=hidden)
        for index, scores in zip(named, passes, strict=True):
            results[index].subject = scores.log_probs
    if "occlusion" in wanted:
        for result, encoding in zip(results, encodings, strict=True):
            result.occlusion = _occlusion_pass(model, encoding)
    return list(zip(results, target, masked, strict=True))


def _swap_passes(
    model: LoadedModel,
    infos: Sequence[RowInfo],
    encodings: Sequence[Encoding],
    named: Sequence[int],
    results: Sequence[RowPasses],
    masked: list[PassScores | None],
) -> None:
    """Fill the swap columns of the named rows: one pass over all rows × names."""
    places = [(index, name) for index in named for name in infos[index].names]
    swaps = [swap_subject(infos[i].row.question, infos[i].row.answer, infos[i].subject, name) for i, name in places]
    swapped = [encode(model.tokenizer, swap.question, swap.answer) for swap in swaps]
    columns: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {index: [] for index in named}
    for (index, _), swap, encoding, scores in zip(
        places, swaps, swapped, run_pass(model.model, swapped, model.pad_id), strict=True
    ):
        found = aligned(encodings[index], encoding, swap.replaced)
        columns[index].append((_at(scores.log_probs, found), _at(scores.entropies, found)))
        if masked[index] is None:
            masked[index] = PassScores(scores.log_probs, scores.entropies, _at(scores.top_ids, found), _at(scores.top_log_probs, found))
    for index, pairs in columns.items():
        results[index].swap = np.stack([log_probs for log_probs, _ in pairs])
        results[index].swap_entropy = np.stack([entropies for _, entropies in pairs])


def _at(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """`values[found]`, NaN where `found` is −1."""
    picked = values[np.maximum(found, 0)].astype(np.float64)
    picked[found < 0] = np.nan
    return picked


def _occlusion_pass(model: LoadedModel, encoding: Encoding) -> np.ndarray:
    """Log-probs of one row with each question token hidden in turn: float64 [hidden, tokens]."""
    positions = prompt_positions(encoding)
    passes = run_pass(model.model, [encoding] * len(positions), model.pad_id, hidden=[[p] for p in positions])
    return np.stack([scores.log_probs for scores in passes]) if passes else np.full((1, encoding.answer_length), np.nan)


def _table_piece(info: RowInfo, encoding: Encoding, passes: RowPasses, config: ScoreConfig) -> pd.DataFrame:
    answer, offsets = info.row.answer, encoding.answer_offsets
    names = [(start, end) for start, end, _ in subject_spans(answer, info.subject)]
    is_subject = tokens_in(answer, offsets, names)
    gold = tokens_in(answer, offsets, info.row.gold).astype(float) if info.row.gold else np.full(len(offsets), np.nan)
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
        columns[name] = SIGNALS[name].function(passes)
    return pd.DataFrame(columns)


def _texts(scores: PassScores | None, decode) -> list[list[tuple[str, float]]]:  # type: ignore[no-untyped-def]
    if scores is None:
        return []
    return [
        [(decode([int(i)]), round(float(np.exp(lp)), 4)) for i, lp in zip(ids, log_probs, strict=True) if np.isfinite(lp)]
        for ids, log_probs in zip(scores.top_ids, scores.top_log_probs, strict=True)
    ]
