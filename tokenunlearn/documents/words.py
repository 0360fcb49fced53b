"""Rules in words, the same on the page, in exports and in reports."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.fusion import NORMALISERS
from tokenunlearn.modes import MODES
from tokenunlearn.selection import SCOPES, Rule
from tokenunlearn.settings import SettingInfo, describe
from tokenunlearn.text.numbers import percent

_RULE: Final[Mapping[str, SettingInfo]] = MappingProxyType({info.name: info for info in describe(Rule)})

OWN_FACTS: Final = "own facts"  # the set of the rows that a person wrote on the page


def rule_words(rule: Rule) -> str:
    """Return how a rule chooses in a few words: `highest-scoring share, 25 %`."""
    mode = MODES[rule.mode]
    words = [_small(mode.label)]
    if mode.amount:
        words.append(_amount_words(_RULE[mode.amount], getattr(rule, mode.amount)))
    return ", ".join(words)


def whole_rule_words(rule: Rule, signals: Mapping[str, Any]) -> str:
    """Return all of a rule in words; `signals` has the labels of those that can be named.

    `highest-scoring share, 25 %, of the whole set; 0.8 Knowledge, name swapped + 0.2 Entropy; each divided …`
    """

    def label(name: str) -> str:
        return str((signals.get(name) or {}).get("label") or name)

    budget = f", of {_the(rule.scope)}" if MODES[rule.mode].scoped else ""
    fused = f"{rule.alpha:g} {label(rule.knowledge)} + {1 - rule.alpha:g} {label(rule.entropy)}"
    scaled = f"each {scaled_words(rule)}"
    chosen = [
        _small(info.label) for info in _RULE.values() if info.type == "bool" and getattr(rule, info.name)
    ]
    return "; ".join([rule_words(rule) + budget, fused, scaled, *([", ".join(chosen)] if chosen else [])])


def scaled_words(rule: Rule) -> str:
    """Return how a rule brings each signal to 0…1: `divided by its 99th percentile, over the whole set`."""
    return f"{NORMALISERS[rule.normaliser].done}, over {_the(rule.normalise_over)}"


def _the(scope: str) -> str:
    return f"the {SCOPES[scope].label}" if scope == "set" else SCOPES[scope].label


def _small(label: str) -> str:
    return label[:1].lower() + label[1:]


def _amount_words(info: SettingInfo, value: float) -> str:
    """Return an amount as a person reads it: `25 %`, `3 tokens`, `cut at φ 0.5`."""
    if info.unit == "fraction":
        return percent(value)
    if info.unit:
        return f"{value:g} {info.unit.removesuffix('s') if value == 1 else info.unit}"
    return f"{_small(info.label)} {value:g}"


WORLD_KEPT: Final = (
    "No rows to keep were given, so the rows of the world were trained as rows to keep: “retain” and “real "
    "world” are one figure, of rows that were trained, “kept” counts it twice, and no other row says what "
    "else broke."
)


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: `other tokens, retain and real world`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def seeds_words(count: int) -> str:
    """Return a number of seeds: `1 seed`, `3 seeds`."""
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def rows_words(count: int) -> str:
    """Return a number of rows: `1 row`, `12 rows`."""
    return f"{count} {'row' if count == 1 else 'rows'}"
