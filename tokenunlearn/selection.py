"""Fused scores and a rule become one weight per token. Twin: app/web/score/selection.js.

1. Fuse the two signals (`fusion.py`).
2. Mark the excluded tokens: subject names, stop words, punctuation, as the rule says.
3. The mode gives each token its weight: hard (0 or 1), soft (mean 1) or a control (uniform, random, gold).
4. Overrides last: a token forced in has weight 1, a token forced out has weight 0.

Words are runs of tokens with the same row and word number; only the candidates in a word are taken with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tokenunlearn.errors import MaskError, SettingError, TableError, did_you_mean
from tokenunlearn.fusion import NORMALISERS, Column, Indices, fuse, groups, sequential_sum
from tokenunlearn.settings import check, setting
from tokenunlearn.signals import DEFAULT_ENTROPY, DEFAULT_KNOWLEDGE

MODES: Final = ("top_fraction", "top_k", "threshold", "soft", "uniform", "random", "gold")
SCOPES: Final = ("set", "row")
STRUCTURE: Final = ("row", "word", "subject", "stop", "punctuation", "gold", "random_key")
MOST_DIGITS: Final = 12  # no text has more tokens than that
OFFSETS: Final = ("start", "end")  # they may stand among the columns and are no signals either

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Rule:
    """How scores become a choice of tokens; the browser holds the same defaults in `DEFAULT_RULE`."""

    knowledge: str = setting(DEFAULT_KNOWLEDGE, help="Signal that stands for knowledge (K)")
    entropy: str = setting(DEFAULT_ENTROPY, help="Signal that stands for uncertainty (H)")
    alpha: float = setting(0.8, low=0, high=1, step=0.01, help="Share of knowledge in φ = α·K + (1−α)·H")
    normaliser: str = setting("p99", choices=tuple(NORMALISERS), help="How a signal is brought to 0…1")
    normalise_over: str = setting("set", choices=SCOPES, help="Scale shared by the set, or each row alone")
    mode: str = setting("top_fraction", choices=MODES, help="How tokens are chosen or weighted")
    scope: str = setting("set", choices=SCOPES, help="Choose over the whole set, or in each row")
    fraction: float = setting(0.25, low=0, high=1, step=0.01, help="Share of the scored tokens to choose")
    k: int = setting(3, low=0, high=10_000, step=1, unit="tokens", help="How many tokens top_k chooses")
    threshold: float = setting(0.5, low=0, high=1, step=0.01, help="Lowest fused score that is chosen")
    gamma: float = setting(1.0, low=0, high=10, step=0.1, help="Sharpness of soft weights, φ to the power γ")
    whole_words: bool = setting(True, help="Choose words whole, ranked by their highest token")
    exclude_subjects: bool = setting(True, help="Never choose tokens of the subject's name")
    exclude_stop_words: bool = setting(True, help="Never choose stop words")
    exclude_punctuation: bool = setting(True, help="Never choose punctuation")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, eq=False)
class Selection:
    """One value per token: fused and weights (float64), selected (weight above 0) and excluded (bool)."""

    fused: Column
    weights: Column
    selected: Flags
    excluded: Flags


@dataclass(frozen=True)
class Counts:
    """What a selection amounts to, in tokens and in words; `empty_rows` are the rows with nothing chosen."""

    tokens: int
    of_tokens: int
    words: int
    of_words: int
    gold: int
    of_gold: int
    empty_rows: tuple[int, ...]


def select(columns: Mapping[str, Any], rule: Rule, overrides: Mapping[int, str] | None = None) -> Selection:
    """Return the rule applied to the columns, then the overrides (token index → "in" or "out").

    `columns` holds arrays [tokens]: `row`, `word` (int), `subject`, `stop`, `punctuation` (bool), `gold`
    (1, 0 or NaN), `random_key`, and the signals of the rule. No tokens give an empty selection.
    Raises SettingError for a signal that the columns lack, TableError for columns missing or of unequal
    length, MaskError for an override outside the text or of an unknown state.
    """
    data = _checked(columns)
    fused = _fused(data, rule)
    excluded = np.zeros(fused.size, dtype=bool)
    for name, wanted in (
        ("subject", rule.exclude_subjects),
        ("stop", rule.exclude_stop_words),
        ("punctuation", rule.exclude_punctuation),
    ):
        excluded |= data[name].astype(bool) & wanted
    weights = _weights(data, rule, fused, excluded)
    for index, state in _checked_overrides(overrides or {}, fused.size).items():
        weights[index] = 1.0 if state == "in" else 0.0
    return Selection(fused, weights, weights > 0, excluded)


def random_like(columns: Mapping[str, Any], weights: Any, fused: Any) -> Column:
    """Return the control of a mask: its weights (float64 [tokens]) on random tokens of the same rows.

    Each row keeps its weights above 0, as many and the same ones, so that a control differs from its mask by
    the tokens alone. They are drawn by ascending `random_key` (ties to the earlier token) among the scored
    tokens (`fused` is no NaN) that are not subject. Where a row has fewer of these than weights, as when a
    person forces subjects in, its other tokens follow, again by key. The nth token drawn gets the row's nth
    weight. Call it with the final weights, overrides included.
    """
    weights, keys = np.asarray(weights, np.float64), np.asarray(columns["random_key"], np.float64)
    last = np.isnan(np.asarray(fused, np.float64)) | np.asarray(columns["subject"], dtype=bool)
    drawn = np.zeros(weights.size)
    for group in groups(np.asarray(columns["row"]), weights.size):
        kept = weights[group][weights[group] > 0]
        order = np.lexsort((keys[group], last[group]))
        drawn[group[order[: kept.size]]] = kept
    return drawn


def count_selected(columns: Mapping[str, Any], selected: Any) -> Counts:
    """Return how many tokens, words and gold tokens are selected, and which rows have none."""
    chosen, rows = np.asarray(selected, dtype=bool), np.asarray(columns["row"])
    words, gold = _word_numbers(columns), np.asarray(columns["gold"], dtype=np.float64) == 1
    empty = np.setdiff1d(rows, rows[chosen])
    return Counts(
        tokens=int(chosen.sum()),
        of_tokens=int(chosen.size),
        words=int(np.unique(words[chosen]).size),
        of_words=int(np.unique(words).size),
        gold=int((gold & chosen).sum()),
        of_gold=int(gold.sum()),
        empty_rows=tuple(int(row) for row in empty),
    )


def _checked(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    missing = [name for name in STRUCTURE if name not in columns]
    if missing:
        raise TableError(f"The columns {', '.join(missing)} are missing", where="selection")
    data = {name: np.asarray(values) for name, values in columns.items()}
    lengths = {name: values.size for name, values in data.items() if values.size != data["row"].size}
    if lengths:
        raise TableError(
            f"The columns are of unequal length: row has {data['row'].size} tokens",
            ", ".join(f"{name} has {size}" for name, size in lengths.items()),
            where="selection",
        )
    return data


def _checked_overrides(overrides: Mapping[int, str], tokens: int) -> dict[int, str]:
    for index, state in overrides.items():
        if state not in ("in", "out"):
            raise MaskError(f"The override of token {index} is {state!r}", 'It must be "in" or "out"')
        digits = str(index)  # keys out of JSON are text, of any length
        if not digits.isdecimal() or len(digits) > MOST_DIGITS or int(digits) >= tokens:
            there = f"There are {tokens} tokens"
            raise MaskError(f"The override of token {digits[:MOST_DIGITS]} is outside the text", there)
    return {int(index): state for index, state in overrides.items()}


def _fused(data: Mapping[str, np.ndarray], rule: Rule) -> Column:
    signals = [name for name in data if name not in STRUCTURE + OFFSETS]
    for name, share in ((rule.knowledge, rule.alpha), (rule.entropy, 1 - rule.alpha)):
        if share > 0 and name not in signals:
            raise SettingError(f"There is no signal {name!r} here", fix=did_you_mean(name, signals))
    rows = data["row"] if rule.normalise_over == "row" else None
    knowledge, entropy = data.get(rule.knowledge), data.get(rule.entropy)
    return fuse(knowledge, entropy, rule.alpha, rule.normaliser, rows)


def _weights(data: Mapping[str, np.ndarray], rule: Rule, fused: Column, excluded: Flags) -> Column:
    if rule.mode == "uniform":
        return np.ones(fused.size)
    if rule.mode == "gold":
        return (data["gold"].astype(np.float64) == 1).astype(np.float64)
    if rule.mode == "soft":
        return _soft(data, rule, fused, excluded)
    if rule.mode == "random":  # as many as `top_fraction` chooses in each row
        return random_like(data, _hard(data, rule, fused, excluded), fused)
    return _hard(data, rule, fused, excluded)


def _scopes(data: Mapping[str, np.ndarray], rule: Rule) -> list[Indices]:
    return groups(data["row"] if rule.scope == "row" else None, data["row"].size)


def _hard(data: Mapping[str, np.ndarray], rule: Rule, fused: Column, excluded: Flags) -> Column:
    """Return 0 or 1 for each token: the best units, best first, until the budget of the scope is reached."""
    words = _word_numbers(data) if rule.whole_words else np.arange(fused.size)
    scored = ~np.isnan(fused)
    weights = np.zeros(fused.size)
    for group in _scopes(data, rule):
        candidates = group[scored[group] & ~excluded[group]]
        if not candidates.size:
            continue
        starts = np.flatnonzero(np.diff(words[candidates], prepend=-1))
        best = np.maximum.reduceat(fused[candidates], starts)
        sizes = np.diff(starts, append=candidates.size)
        if rule.mode == "threshold":
            taken = best >= rule.threshold
        else:
            share = np.floor(rule.fraction * scored[group].sum() + 0.5)
            order = np.argsort(-best, kind="stable")  # stable: ties go to the earlier word
            before = np.cumsum(sizes[order]) - sizes[order]
            taken = np.zeros(best.size, dtype=bool)
            taken[order[before < (rule.k if rule.mode == "top_k" else share)]] = True
        weights[candidates[np.repeat(taken, sizes)]] = 1.0
    return weights


def _soft(data: Mapping[str, np.ndarray], rule: Rule, fused: Column, excluded: Flags) -> Column:
    """Return φ^γ / mean(φ^γ) over the candidates of the scope; all 1 where every φ^γ is 0 (0/0 otherwise)."""
    weights = np.zeros(fused.size)
    for group in _scopes(data, rule):
        candidates = group[~np.isnan(fused[group]) & ~excluded[group]]
        if candidates.size:
            powers = fused[candidates] ** rule.gamma
            mean = sequential_sum(powers) / candidates.size
            weights[candidates] = powers / mean if mean > 0 else 1.0
    return weights


def _word_numbers(columns: Mapping[str, Any]) -> np.ndarray:
    """Return one number per token, the same within a run of equal row and word."""
    rows, words = np.asarray(columns["row"]), np.asarray(columns["word"])
    if not rows.size:
        return np.zeros(0, dtype=np.intp)
    return np.concatenate([[0], np.cumsum((np.diff(rows) != 0) | (np.diff(words) != 0))])
