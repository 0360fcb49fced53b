"""Fit weights: the knowledge signal, its share α and the cut whose choice agrees best with the marks.

1. Each candidate rule chooses tokens; a word counts as chosen where one of its tokens is. 2. Its agreement is
F1 of chosen and marked words. 3. The agreement that is reported is held out: each group of rows is judged
under the rule that is best on all other groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenunlearn.errors import InputError
from tokenunlearn.selection import Rule, select

ALPHAS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FRACTIONS: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


@dataclass(frozen=True)
class FittedRule:
    """`rule` agrees best with all marks; `agreement` is F1 held out, `before` that of the rule from before.

    `changed`: by setting of the rule (before, after), for those that differ.
    """

    rule: Rule
    agreement: float
    before: float
    changed: Mapping[str, tuple[Any, Any]]


def fit_weights(
    columns: Mapping[str, Any],
    labels: ArrayLike,
    groups: ArrayLike,
    knowledge: Sequence[str],
    rule: Rule | None = None,
) -> FittedRule:
    """Return the rule of the best knowledge signal, α and share, all else as in `rule` (None: the default).

    `columns` as for `select`, [tokens]; `labels` [tokens] what marks say (1, 0, NaN); `groups` [rows], by the
    row numbers of the columns. A fitted signal among `knowledge` must be held out where there are labels.
    Raises InputError where the marks are of one kind.
    """
    before = replace(rule or Rule(), mode="top_fraction")
    marks = np.asarray(labels, dtype=np.float64)
    if len(np.unique(marks[~np.isnan(marks)])) < 2:
        raise InputError("There is nothing to fit to", "The marks need words of the fact and other words")
    grid = (
        replace(before, knowledge=name, alpha=alpha, fraction=fraction)
        for name in knowledge
        for alpha in ALPHAS
        for fraction in FRACTIONS
    )
    # the rule from before comes first: among equals it stays
    rules = list(dict.fromkeys((before, *grid)))
    units = _Units(columns, marks, groups)
    hits = np.array([units.hits(select(columns, each).selected) for each in rules])
    total = hits.sum(axis=1)
    best = rules[int(np.argmax(_f1(total)))]
    others = total[:, None] - hits  # [rules, groups, 3]
    picks = np.argmax(_f1(others), axis=0)
    judged = hits[picks, np.arange(hits.shape[1])].sum(axis=0)
    settings = ("knowledge", "alpha", "fraction", "mode")
    origin = rule or Rule()
    changed = {name: (getattr(origin, name), getattr(best, name)) for name in settings}
    changed = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
    first = select(columns, origin).selected
    return FittedRule(best, float(_f1(judged)), float(_f1(units.hits(first).sum(axis=0))), changed)


class _Units:
    """The labelled words of the columns, without the subject's name and punctuation."""

    def __init__(self, columns: Mapping[str, Any], labels: NDArray[np.float64], groups: ArrayLike) -> None:
        rows, words = np.asarray(columns["row"]), np.asarray(columns["word"])
        left_out = np.asarray(columns["subject"], dtype=bool) | np.asarray(columns["punctuation"], dtype=bool)
        self.kept = np.flatnonzero(~left_out & ~np.isnan(labels))
        pairs = np.stack([rows[self.kept], words[self.kept]], axis=1)
        units, self.unit = np.unique(pairs, axis=0, return_inverse=True)
        self.group = np.asarray(groups)[units[:, 0].astype(np.int64)]
        self.fact = self._any(labels[self.kept] == 1)

    def _any(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.bincount(self.unit, weights=flags) > 0

    def hits(self, selected: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the counts of each group: words chosen and marked, chosen, marked; [groups, 3]."""
        chosen = self._any(np.asarray(selected)[self.kept])
        columns = (chosen & self.fact, chosen, self.fact)
        size = int(self.group.max()) + 1
        return np.stack([np.bincount(self.group, weights=each, minlength=size) for each in columns], axis=1)


def _f1(hits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2·both / (chosen + marked) of counts [..., 3]; 0 where neither is."""
    both, chosen, marked = hits[..., 0], hits[..., 1], hits[..., 2]
    return np.asarray(2 * both / np.maximum(chosen + marked, 1))
