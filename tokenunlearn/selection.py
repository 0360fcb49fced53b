"""Fused scores and a rule become one weight per token. Twin: app/web/score/selection.js.

1. Fuse the two signals (`fusion.py`).
2. Mark the excluded tokens: subject names, stop words, punctuation, as the rule says.
3. The mode gives each token its weight (`modes.py`): hard (0 or 1), soft (mean 1) or a control.
4. Overrides last: a token forced in has weight 1, a token forced out has weight 0.

Words are runs of tokens with the same row and word number; only the candidates in a word are taken with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.errors import MaskError, SettingError, TableError, did_you_mean
from tokenunlearn.fusion import NORMALISERS, Column, fuse, groups
from tokenunlearn.modes import MODES, Choice, Flags, word_numbers
from tokenunlearn.settings import MOST_DIGITS, check, is_number, setting
from tokenunlearn.signals import DEFAULT_ENTROPY, DEFAULT_KNOWLEDGE

STRUCTURE: Final = ("row", "word", "subject", "stop", "punctuation", "gold", "random_key")
OFFSETS: Final = ("start", "end")  # they may stand among the columns and are no signals either


@dataclass(frozen=True)
class Over:
    """What is taken as one: label, its name in a menu; help, the sentence beside it."""

    label: str
    help: str


SCOPES: Final[Mapping[str, Over]] = MappingProxyType(
    {
        "set": Over("whole set", "The whole set is taken as one"),
        "row": Over("each row", "Each row is taken by itself"),
    }
)


@dataclass(frozen=True)
class Rule:
    """How scores become a choice of tokens; the browser holds the same defaults in `DEFAULT_RULE`."""

    knowledge: str = setting(
        DEFAULT_KNOWLEDGE, label="Knowledge from", help="Signal that stands for knowledge (K)"
    )
    entropy: str = setting(
        DEFAULT_ENTROPY, label="Entropy from", help="Signal that stands for uncertainty (H)"
    )
    alpha: float = setting(
        0.8,
        low=0,
        high=1,
        step=0.01,
        label="Knowledge weight α",
        help="Share of knowledge in φ = α·K + (1−α)·H",
    )
    normaliser: str = setting(
        "p99", choices=tuple(NORMALISERS), label="Scale", help="How a signal is brought to 0…1"
    )
    normalise_over: str = setting(
        "set", choices=tuple(SCOPES), label="Scaled over", help="Scale shared by the set, or each row alone"
    )
    mode: str = setting(
        "top_fraction", choices=tuple(MODES), label="Choose", help="How tokens are chosen or weighted"
    )
    scope: str = setting(
        "set", choices=tuple(SCOPES), label="Budget", help="Choose over the whole set, or in each row"
    )
    fraction: float = setting(
        0.25,
        low=0,
        high=1,
        step=0.01,
        unit="fraction",
        label="Share",
        help="Share of the scored tokens to choose",
    )
    k: int = setting(
        3, low=0, high=10_000, step=1, unit="tokens", label="k", help="How many tokens top_k chooses"
    )
    threshold: float = setting(
        0.5, low=0, high=1, step=0.01, label="Cut at φ", help="Lowest fused score that is chosen"
    )
    gamma: float = setting(
        1.0,
        low=0,
        high=10,
        step=0.1,
        label="Sharpness γ",
        help="Sharpness of soft weights, φ to the power γ",
    )
    whole_words: bool = setting(
        True, label="Whole words", help="Choose words whole, ranked by their highest token"
    )
    exclude_subjects: bool = setting(
        True, label="Skip names", help="Never choose tokens of the subject's name"
    )
    exclude_stop_words: bool = setting(True, label="Skip stop words", help="Never choose stop words")
    exclude_punctuation: bool = setting(True, label="Skip punctuation", help="Never choose punctuation")

    def __post_init__(self) -> None:
        check(self)

    @property
    def signals(self) -> tuple[str, str]:
        """The two signals that it fuses, by name."""
        return self.knowledge, self.entropy


_AMOUNTS: Final = frozenset(mode.amount for mode in MODES.values())
_OF_SCORES: Final = frozenset(
    ("knowledge", "entropy", "alpha", "normaliser", "normalise_over")
    + ("exclude_subjects", "exclude_stop_words", "exclude_punctuation")
)


def without_effect(mode: str, fraction: float) -> frozenset[str]:
    """Return the settings of a rule that decide nothing in its mode, by name; of an unknown mode none.

    A rule that draws no share of the tokens takes those that are forced in alone: it has no setting.
    """
    entry = MODES.get(mode)
    if entry is None:
        return frozenset()
    forced = mode == "random" and fraction == 0
    scored = entry.scored and not forced
    unused = _AMOUNTS - (set() if forced else {entry.amount})
    unused |= frozenset() if entry.scoped and not forced else {"scope"}
    unused |= frozenset() if entry.words and not forced else {"whole_words"}
    return unused | (frozenset() if scored else _OF_SCORES)


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
    mode = MODES[rule.mode]
    scopes = groups(data["row"] if rule.scope == "row" else None, fused.size)
    choice = Choice(data, fused, excluded, scopes, rule.whole_words)
    weights = mode.function(choice, float(getattr(rule, mode.amount)) if mode.amount else 0.0)
    for index, state in checked_overrides(overrides or {}, fused.size).items():
        weights[index] = 1.0 if state == "in" else 0.0
    return Selection(fused, weights, weights > 0, excluded)


def count_selected(columns: Mapping[str, Any], selected: Any) -> Counts:
    """Return how many tokens, words and gold tokens are selected, and which rows have none."""
    chosen, rows = np.asarray(selected, dtype=bool), np.asarray(columns["row"])
    words, gold = word_numbers(columns), np.asarray(columns["gold"], dtype=np.float64) == 1
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


def checked_overrides(overrides: Mapping[Any, str], tokens: int) -> dict[int, str]:
    """Return token index → "in" or "out", of as many tokens. Raises MaskError for anything else."""
    for index, state in overrides.items():
        if state not in ("in", "out"):
            raise MaskError(f"The override of token {index} is {state!r}", 'It must be "in" or "out"')
        digits = str(index)  # keys out of JSON are text, of any length
        if not is_number(digits) or int(digits) >= tokens:
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
