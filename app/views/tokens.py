"""Scores become the payload of the Tokens view: columns, not rows (docs/ARCHITECTURE.md)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from tokenunlearn.fusion import NORMALISERS
from tokenunlearn.metrics.attribution import signal_report
from tokenunlearn.metrics.known import row_known
from tokenunlearn.modes import MODES
from tokenunlearn.passes import PASSES
from tokenunlearn.scoring import RowInfo, ScoredRow, Scores
from tokenunlearn.selection import SCOPES, Rule
from tokenunlearn.settings import describe
from tokenunlearn.signals import FAMILIES, SIGNALS, Signal

# Page and server work on the same rounded numbers, so that neither ties nor hashes can differ.
DECIMALS = 6
KEY_DECIMALS = 9
_STRUCTURE = {
    "start": "char_start",
    "end": "char_end",
    "word": "word_id",
    "subject": "is_subject",
    "stop": "is_stop_word",
    "punctuation": "is_punctuation",
}


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of the exchange table with the numbers as the page gets them."""
    signals = [name for name in table.columns if name in SIGNALS]
    result = table.assign(
        random_key=table["random_key"].round(KEY_DECIMALS),
        **{name: table[name].round(DECIMALS) for name in signals},
    )
    result.attrs = dict(table.attrs)
    return result


def payload(scores: Scores, table: pd.DataFrame, state: str) -> dict[str, Any]:
    """Return the payload of scored rows; `table` is their `rounded` table, `state` is recorded or live."""
    infos = [row.info for row in scores.rows]
    counts = [len(row.table) for row in scores.rows]
    firsts = np.cumsum([0, *counts[:-1]]).tolist()
    questions = Counter(map(_asked, infos))
    names = [name for name in table.columns if name in SIGNALS]
    scored = [row.scored for row in scores.rows]
    return {
        "scores_id": scores.scores_id,
        "text_id": scores.text_id,
        "state": state,
        "model": {name: str(scores.provenance.get(name, "")) for name in ("model", "adapter", "precision")},
        "rows": [
            _row(row, first, count, questions[_asked(row.info)] == 1)
            for row, first, count in zip(scores.rows, firsts, counts, strict=True)
        ],
        "columns": _columns(table, np.repeat(np.arange(len(infos)), counts), names),
        "signals": {name: signal_info(name) for name in names},
        "leaderboard": leaderboard_of_whole_sets(table, infos, scored),
    }


def leaderboard_of_whole_sets(
    table: pd.DataFrame, infos: list[RowInfo], scored: list[bool]
) -> list[dict[str, Any]]:
    """Return the leaderboard of the sets whose rows are all scored: a figure over a part is of other rows."""
    waiting = {info.row.set for info, done in zip(infos, scored, strict=True) if not done}
    whole = [info.row.id for info in infos if info.row.set not in waiting]
    names = [name for name in table.columns if name in SIGNALS and is_compared(SIGNALS[name])]
    return leaderboard(table[table["row_id"].isin(whole)], infos, names)


def rule_settings() -> dict[str, dict[str, Any]]:
    """Return the settings of `Rule` as it declares them, for the panel that holds the rule.

    By name: `{type, label, help, unit, low, high, step, choices}`. Each choice is `{value, label, help}`; a
    mode has the setting that is its `amount` ("" for none) and whether it is `scoped`, a normaliser what is
    `done`.
    """
    entries: dict[str, Mapping[str, Any]] = {
        "mode": MODES,
        "normaliser": NORMALISERS,
        "scope": SCOPES,
        "normalise_over": SCOPES,
    }
    return {
        info.name: {
            **{
                name: getattr(info, name) for name in ("type", "label", "help", "unit", "low", "high", "step")
            },
            "choices": [{"value": value, **_said(entries[info.name][value])} for value in info.choices or ()],
        }
        for info in describe(Rule)
    }


def _said(entry: Any) -> dict[str, Any]:
    """Return all that an entry of a registry says, without its function."""
    return {each.name: getattr(entry, each.name) for each in fields(entry) if each.name != "function"}


def is_compared(signal: Signal) -> bool:
    """Return whether a signal is in the leaderboard: in every report, or because a person asked for it."""
    return signal.report or not signal.default


def signal_info(name: str, with_marks: bool = False) -> dict[str, Any]:
    """Return all that the page says of a signal, from its entry.

    `with_marks`: it was fitted on marks as well.
    """
    signal = SIGNALS[name]
    return {
        "label": f"{signal.label} and marks" if with_marks else signal.label,
        "short": f"{signal.short} and marks" if with_marks else signal.short,
        "unit": signal.unit,
        "family": signal.family,
        "help": signal.help,
        "over_word": signal.over_word,
        "passes": [name.partition(":")[0] for name in signal.passes_of(signal.settings())],
        "nameless": signal.nameless,
        "spread": signal.spread,
        "masked": signal.masked,
        "says": asdict(signal.says),
        "without": asdict(signal.without),
    }


def menus(names: Iterable[str], lacking: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """Return what the menus of signals are made of: `{families, offered, lacking, masks}`.

    `names` have a column; `offered` are the others, computed when one is chosen. `lacking` says of those that
    cannot be measured here what they need. `masks` are the words above a list of what else could stand in a
    place, by the pass under which it was made.
    """
    known = set(names)
    return {
        "families": {
            name: {
                **asdict(family),
                "signals": [each for each, entry in SIGNALS.items() if entry.family == name],
            }
            for name, family in FAMILIES.items()
        },
        "offered": {name: signal_info(name) for name in SIGNALS if name not in known},
        "lacking": dict(lacking),
        "masks": {name: entry.head for name, entry in PASSES.items() if entry.head},
    }


def column(values: Iterable[float]) -> list[float | None]:
    """Return the numbers as JSON: NaN becomes None, whole numbers lose their fraction (to save length)."""
    return [None if math.isnan(value) else int(value) if value == int(value) else value for value in values]


def leaderboard(table: pd.DataFrame, infos: list[RowInfo], names: list[str]) -> list[dict[str, Any]]:
    """Return how well each signal finds the gold words, set by set; sets without gold have no entry."""
    of_row = {info.row.id: info.row.set for info in infos}
    sets = table["row_id"].map(of_row)
    entries: list[dict[str, Any]] = []
    for name in dict.fromkeys(sets):
        piece = table[sets == name]
        if not piece["gold"].notna().any() or piece[names].isna().all(axis=None):
            continue  # nothing to compare with, or not scored yet
        known = [signal for signal in names if piece[signal].notna().any()]
        report = signal_report(piece, known, granularities=("word",), populations=("all",))
        entries.extend({**_entry(line), "set": name} for line in report.to_dict("records"))
    return entries


def _entry(line: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "signal": line["signal"],
        "label": SIGNALS[str(line["signal"])].label,
        "auroc_word": _finite(line["auroc"]),
        "precision_word": _finite(line["precision_at_gold"]),
        "low": _finite(line["auroc_low"]),
        "high": _finite(line["auroc_high"]),
    }


def _finite(value: Any) -> float | None:
    return round(float(value), 4) if value is not None and math.isfinite(float(value)) else None


def _asked(info: RowInfo) -> tuple[str, str]:
    """Return what is asked without the subject: questions that differ in the subject alone are equal."""
    question, end = info.row.question, 0
    pieces = []
    for start, stop in info.subject_spans:
        pieces.append(question[end:start])
        end = stop
    return info.row.set, "…".join([*pieces, question[end:]])


def _row(row: ScoredRow, first: int, count: int, unique: bool) -> dict[str, Any]:
    info = row.info
    return {
        "id": info.row.id,
        "question": info.row.question,
        "answer": info.row.answer,
        "subject": info.subject,
        "given_subject": info.row.subject,
        "subject_source": info.subject_source,
        "subject_spans": [list(span) for span in info.subject_spans],
        "masking": info.masking,
        "names": list(info.names),
        "first": first,
        "count": count,
        "set": info.row.set,
        # Of a subject given by hand the question says nothing: it was not asked of others.
        "unique_question": unique and info.subject_source != "edited",
        "scored": row.scored,
        "known": known_of_table(row.table),
        **({"failure": row.failure} if row.failure else {}),
    }


def known_of_table(table: pd.DataFrame) -> dict[str, Any] | None:
    """Return whether the model knows the row of this piece of the table (`known_of`)."""
    if "log_prob" not in table:
        return None
    plain = table["is_subject"] | table["is_stop_word"] | table["is_punctuation"]
    return known_of(table["log_prob"], table["gold"], plain)


def known_of(log_probs: Any, gold: Any, plain: Any) -> dict[str, Any] | None:
    """Return whether the model knows a row: `{word, probability, of}`; None where that was not measured."""
    known = row_known(log_probs, gold, plain)
    if not known.word:
        return None
    return {"word": known.word, "probability": round(known.probability, DECIMALS), "of": known.of}


def _columns(table: pd.DataFrame, row: np.ndarray, names: list[str]) -> dict[str, list[Any]]:
    columns: Mapping[str, list[Any]] = {
        "row": row.tolist(),
        **{name: table[source].astype(int).tolist() for name, source in _STRUCTURE.items()},
        "gold": column(table["gold"]),
        "random_key": table["random_key"].tolist(),
        **{name: column(table[name]) for name in names},
    }
    return dict(columns)
