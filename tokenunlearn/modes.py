"""Fused scores become weights: a mode is a function and an entry. Twin: app/web/score/modes.js.

A unit is what is taken whole: a word, or one token. A scope is what has a budget of its own: the set, or a
row. Rows need not lie together, and everything runs in token order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.fusion import Column, Indices, groups, sequential_sum

Flags = np.ndarray[Any, np.dtype[np.bool_]]
# Which units of a scope are taken, of their best scores and sizes [units] and the scope's scored tokens.
Take = Callable[[Column, Indices, int], Flags]


@dataclass(frozen=True, eq=False)
class Choice:
    """What a mode chooses from, each [tokens]: the columns, the fused score (NaN: none), what is excluded.

    `scopes` are the token indices of each budget; `whole_words` says whether words are taken whole.
    """

    columns: Mapping[str, np.ndarray]
    fused: Column
    excluded: Flags
    scopes: list[Indices]
    whole_words: bool


@dataclass(frozen=True, kw_only=True)
class Mode:
    """A way to choose. `function` takes a Choice and the amount, and gives float64 [tokens].

    label: its name in a menu. help: the sentence beside it, without a full stop.
    amount: the setting of the rule that says how much; none: it is given 0.
    scoped: whether it chooses scope by scope; else it has no budget. scored: whether scores decide, and with
    them what is excluded. words: whether words can be taken whole.
    """

    function: Callable[[Choice, float], Column]
    label: str
    help: str
    source: str
    amount: str = ""
    scoped: bool = False
    scored: bool = True
    words: bool = True


def millionths(weights: Any) -> Column:
    """Return weights as a mask's hash counts them, in whole millionths."""
    return np.floor(np.asarray(weights, dtype=np.float64) * 1e6 + 0.5)


def counted(weights: Column) -> Column:
    """Return the weights, with 0 for each that the hash of a mask would not see."""
    return np.where(millionths(weights) > 0, weights, 0.0)


def random_like(columns: Mapping[str, Any], weights: Any, fused: Any) -> Column:
    """Return the control of a mask: its weights (float64 [tokens]) on random tokens of the same rows.

    They are drawn by ascending `random_key`. Call it with the final weights, overrides included.
    """
    return placed_like(columns, weights, fused, columns["random_key"])


def placed_like(columns: Mapping[str, Any], weights: Any, fused: Any, keys: Any) -> Column:
    """Return the weights of a mask (float64 [tokens]) on the tokens of the same rows with the lowest keys.

    Each row keeps its weights above 0, as many and the same ones, so that a control differs from its mask by
    the tokens alone. They are taken by ascending key (ties to the earlier token) among the scored tokens
    (`fused` is no NaN) that are not subject. Where a row has fewer of these than weights, as when a person
    forces subjects in, its other tokens follow, again by key. The nth token taken gets the row's nth weight.
    """
    weights, order_by = np.asarray(weights, np.float64), np.asarray(keys, np.float64)
    last = np.isnan(np.asarray(fused, np.float64)) | np.asarray(columns["subject"], dtype=bool)
    placed = np.zeros(weights.size)
    for group in groups(np.asarray(columns["row"]), weights.size):
        kept = weights[group][weights[group] > 0]
        order = np.lexsort((order_by[group], last[group]))
        placed[group[order[: kept.size]]] = kept
    return placed


def word_numbers(columns: Mapping[str, Any]) -> np.ndarray:
    """Return one number per token, the same within a run of equal row and word."""
    rows, words = np.asarray(columns["row"]), np.asarray(columns["word"])
    if not rows.size:
        return np.zeros(0, dtype=np.intp)
    return np.concatenate([[0], np.cumsum((np.diff(rows) != 0) | (np.diff(words) != 0))])


def _top_fraction(choice: Choice, fraction: float) -> Column:
    def take(best: Column, sizes: Indices, scored: int) -> Flags:
        return _first(best, sizes, float(np.floor(fraction * scored + 0.5)))

    return _hard(choice, take)


def _top_k(choice: Choice, k: float) -> Column:
    return _hard(choice, lambda best, sizes, _: _first(best, sizes, k))


def _threshold(choice: Choice, cut: float) -> Column:
    return _hard(choice, lambda best, _sizes, _scored: best >= cut)


def _soft(choice: Choice, gamma: float) -> Column:
    """Return φ^γ / mean(φ^γ) over the candidates of the scope; all 1 where every φ^γ is 0 (0/0 otherwise).

    What rounds to no millionth is 0.
    """
    weights = np.zeros(choice.fused.size)
    for group in choice.scopes:
        candidates = group[~np.isnan(choice.fused[group]) & ~choice.excluded[group]]
        if candidates.size:
            powers = choice.fused[candidates] ** gamma
            mean = sequential_sum(powers) / candidates.size
            weights[candidates] = powers / mean if mean > 0 else 1.0
    return counted(weights)


def _uniform(choice: Choice, _: float) -> Column:
    return np.ones(choice.fused.size)


def _random(choice: Choice, fraction: float) -> Column:
    return random_like(choice.columns, _top_fraction(choice, fraction), choice.fused)


def _gold(choice: Choice, _: float) -> Column:
    return (choice.columns["gold"].astype(np.float64) == 1).astype(np.float64)


def _hard(choice: Choice, take: Take) -> Column:
    """Return 0 or 1 for each token: 1 for those of the units that are taken, scope by scope."""
    size = choice.fused.size
    words = word_numbers(choice.columns) if choice.whole_words else np.arange(size)
    scored = ~np.isnan(choice.fused)
    weights = np.zeros(size)
    for group in choice.scopes:
        candidates = group[scored[group] & ~choice.excluded[group]]
        if not candidates.size:
            continue
        starts = np.flatnonzero(np.diff(words[candidates], prepend=-1))
        best = np.maximum.reduceat(choice.fused[candidates], starts)
        sizes = np.diff(starts, append=candidates.size)
        weights[candidates[np.repeat(take(best, sizes, int(scored[group].sum())), sizes)]] = 1.0
    return weights


def _first(best: Column, sizes: Indices, budget: float) -> Flags:
    """Return which units are taken, best first, until the budget is reached: the last may overshoot it."""
    order = np.argsort(-best, kind="stable")  # stable: ties go to the earlier word
    before = np.cumsum(sizes[order]) - sizes[order]
    taken = np.zeros(best.size, dtype=bool)
    taken[order[before < budget]] = True
    return taken


PUBLISHED: Final = "TokenUnlearn 2605.00364; the form is our choice"
MODES: Final[Mapping[str, Mode]] = MappingProxyType(
    {
        "top_fraction": Mode(
            function=_top_fraction,
            label="Highest-scoring share",
            help="Take the tokens with the highest scores until they are this share of the scored ones",
            source=PUBLISHED,
            amount="fraction",
            scoped=True,
        ),
        "top_k": Mode(
            function=_top_k,
            label="Highest k",
            help="Take the k tokens with the highest scores",
            source=PUBLISHED,
            amount="k",
            scoped=True,
        ),
        "threshold": Mode(
            function=_threshold,
            label="All above a cut",
            help="Take every token whose score reaches the cut",
            source=PUBLISHED,
            amount="threshold",
        ),
        "soft": Mode(
            function=_soft,
            label="Soft weights",
            help="Let each candidate count by its score to the power γ; the weights have mean 1",
            source=PUBLISHED,
            amount="gamma",
            scoped=True,
            words=False,
        ),
        "uniform": Mode(
            function=_uniform,
            label="Every token",
            help="Control: train every token with weight 1, nothing is left out",
            source="ours",
            scored=False,
            words=False,
        ),
        "random": Mode(
            function=_random,
            label="Random, same count",
            help="Control: draw at random as many tokens in each row as the highest-scoring share would take",
            source="ours",
            amount="fraction",
            scoped=True,
        ),
        "gold": Mode(
            function=_gold,
            label="Marked facts",
            help="Take the words that were marked as the fact: the best that a choice could be",
            source="ours",
            scored=False,
            words=False,
        ),
    }
)
