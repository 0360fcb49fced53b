"""How well a signal finds the gold tokens: AUROC, average precision, precision at |gold|.

1. Tokens without gold or without score, and the subject's tokens, are left out (a name carries huge
   values under every mask and is no fact).
2. Population: all of them, words only (no punctuation), or content only (no stop words either).
3. Granularity: by token, or by word = mean over the word's remaining tokens (maximum and sum favour
   long words); a word is gold when one of its tokens is.
4. Figures pooled over all units, and per row then mean over the rows that have both classes.
5. Interval: bootstrap over rows of the pooled figures, the same draws for every signal. There is none over
   fewer than FEWEST_VALUES rows, or where all draws agree: that says nothing of another row.
Signals of the text alone (*random*, *content words*) belong beside any other: what does not beat them has
found nothing.

Ties never favour anyone: AUROC counts them half, the other two treat equal scores as one block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tokenunlearn.errors import TableError, did_you_mean
from tokenunlearn.metrics.statistics import FEWEST_VALUES, alike

FIGURES = ("auroc", "average_precision", "precision_at_gold")
GRANULARITIES = ("token", "word")
POPULATIONS = ("all", "words", "content")
# Draws x units at once: 128 KiB for each of a few columns, which stay in the cache (twice as fast as 32 MB).
_CELLS_AT_ONCE = 16_384

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """What is ranked: `scores`, `gold` (1 or 0) and `rows` (0-based row index), each [units]."""

    scores: Floats
    gold: Floats
    rows: NDArray[np.int64]


def auroc(scores: ArrayLike, gold: ArrayLike) -> float:
    """Return P(a gold unit scores above another) + half of P(equal); NaN for one class only."""
    is_gold = np.asarray(gold, dtype=np.float64) == 1
    positives, negatives = int(is_gold.sum()), int((~is_gold).sum())
    if not positives or not negatives:
        return float("nan")
    rank_sum = pd.Series(np.asarray(scores, dtype=np.float64)).rank().to_numpy()[is_gold].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(scores: ArrayLike, gold: ArrayLike) -> float:
    """Return the mean precision at the ranks of the gold units, ties as one block; NaN for one class only."""
    return float(_figures_alone(scores, gold)[1])


def precision_at_gold(scores: ArrayLike, gold: ArrayLike) -> float:
    """Return the gold share of the |gold| highest scores; ties at the cut count at their expected value."""
    return float(_figures_alone(scores, gold)[2])


def units_of(table: pd.DataFrame, signal: str, granularity: str = "token", population: str = "all") -> Units:
    """Return the scored units of one signal of the exchange table, by steps 1-3 of the module."""
    return _Tokens.of(table).units(table[signal].to_numpy(dtype=np.float64), granularity, population)


@dataclass(frozen=True)
class _Tokens:
    """What every signal of a table shares, as plain arrays [tokens].

    A DataFrame copies its attrs, and with them the provenance of all rows, at each step of a selection.
    """

    rows: NDArray[np.int64]
    words: NDArray[np.int64]
    gold: Floats
    out: NDArray[np.bool_]
    punctuation: NDArray[np.bool_]
    stop: NDArray[np.bool_]

    @classmethod
    def of(cls, table: pd.DataFrame) -> "_Tokens":
        gold = table["gold"].to_numpy(dtype=np.float64)
        subject, punctuation, stop = (
            table[name].to_numpy(dtype=bool) for name in ("is_subject", "is_punctuation", "is_stop_word")
        )
        # Numbered before any filter, so that a row keeps its number, and its draws, for every signal.
        rows = pd.factorize(table["row_id"].to_numpy())[0].astype(np.int64)
        words = table["word_id"].to_numpy(dtype=np.int64)
        return cls(rows, words, gold, np.isnan(gold) | subject, punctuation, stop)

    def units(self, scores: Floats, granularity: str, population: str) -> Units:
        kept = ~(self.out | np.isnan(scores))
        if population != "all":
            kept &= ~self.punctuation
        if population == "content":
            kept &= ~self.stop
        scores, gold, rows, words = scores[kept], self.gold[kept], self.rows[kept], self.words[kept]
        if granularity != "word" or not len(rows):
            return Units(scores, gold, rows)
        _, first, number = np.unique(rows * (words.max() + 1) + words, return_index=True, return_inverse=True)
        means = np.bincount(number, scores) / np.bincount(number)
        return Units(means, (np.bincount(number, gold) > 0).astype(np.float64), rows[first])


def signal_report(
    table: pd.DataFrame,
    signals: Sequence[str],
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    granularities: Sequence[str] = GRANULARITIES,
    populations: Sequence[str] = POPULATIONS,
) -> pd.DataFrame:
    """Return one line per signal x granularity x population, in the order given.

    `table` is the exchange table. Columns: `signal, granularity, population`, then for each of
    `auroc`, `average_precision`, `precision_at_gold` the pooled figure, `<figure>_low` and
    `<figure>_high` (bootstrap over rows), `<figure>_per_row` (mean over rows); then `units, gold_units`
    and `rows` (rows with both classes). NaN = cannot be formed.

    Raises TableError for a signal that the table lacks.
    """
    for name in signals:
        if name not in table.columns:
            known = table.columns.difference(["row_id", "token"])
            raise TableError(f"The table has no signal {name!r}", fix=did_you_mean(name, known))
    tokens = _Tokens.of(table)
    scores = {name: table[name].to_numpy(dtype=np.float64) for name in signals}
    counts = _row_counts(table["row_id"].nunique(), draws, seed)
    lines = [
        {"signal": name, "granularity": granularity, "population": population}
        | _line(tokens.units(scores[name], granularity, population), counts, level)
        for name in signals
        for granularity in granularities
        for population in populations
    ]
    return pd.DataFrame(lines)


def auroc_difference(
    table: pd.DataFrame,
    first: str,
    second: str,
    population: str = "words",
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Return how much better `first` ranks words than `second`: pooled difference of AUROC and its interval.

    The bootstrap draws rows, the same for both, so that what is easy for both does not widen it.
    """
    counts = _row_counts(table["row_id"].nunique(), draws, seed)
    pooled, drawn = [], []
    for name in (first, second):
        units = units_of(table, name, "word", population)
        pooled.append(auroc(units.scores, units.gold))
        drawn.append(_bootstrap_figures(units, counts)[:, 0])
    return (pooled[0] - pooled[1], *_interval(drawn[0] - drawn[1], counts, level))


def _interval(drawn: Floats, counts: Floats, level: float) -> tuple[float, float]:
    """Return between which bounds the `level` of the drawn figures lies; NaN where there is no interval."""
    values, tail = drawn[~np.isnan(drawn)], (1 - level) / 2
    if counts.shape[1] < FEWEST_VALUES or not values.size or alike(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _row_counts(rows: int, draws: int, seed: int) -> Floats:
    """Return how often each row is drawn in each bootstrap sample, [draws, rows]."""
    if not rows:
        return np.zeros((draws, 0))
    generator = np.random.default_rng(seed)
    return generator.multinomial(rows, np.full(rows, 1 / rows), size=draws).astype(np.float64)


def _line(units: Units, counts: Floats, level: float) -> dict[str, float]:
    pooled = _weighted_figures(units.scores, units.gold, np.ones((1, len(units.gold))))[0]
    drawn = _bootstrap_figures(units, counts)
    per_row = _per_row_figures(units)
    line: dict[str, float] = {}
    for index, name in enumerate(FIGURES):
        low, high = _interval(drawn[:, index], counts, level)
        mean = per_row[:, index].mean() if len(per_row) else np.nan
        line |= {name: pooled[index], f"{name}_low": low, f"{name}_high": high, f"{name}_per_row": mean}
    return line | {"units": len(units.gold), "gold_units": int(units.gold.sum()), "rows": len(per_row)}


def _per_row_figures(units: Units) -> Floats:
    """Return the three figures of each row that has both classes, [rows, 3]."""
    figures = [
        _figures_alone(units.scores[units.rows == row], units.gold[units.rows == row])
        for row in np.unique(units.rows)
    ]
    table = np.array(figures, dtype=np.float64).reshape(-1, len(FIGURES))
    return table[~np.isnan(table).any(axis=1)]


def _figures_alone(scores: ArrayLike, gold: ArrayLike) -> Floats:
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    return _weighted_figures(values, labels, np.ones((1, len(labels))))[0]


def _bootstrap_figures(units: Units, counts: Floats) -> Floats:
    """Return the pooled figures of each bootstrap sample, [draws, 3], in chunks that bound the memory."""
    if not len(units.gold):
        return np.full((len(counts), len(FIGURES)), np.nan)
    step = max(1, _CELLS_AT_ONCE // len(units.gold))
    parts = [
        _weighted_figures(units.scores, units.gold, counts[first : first + step, units.rows])
        for first in range(0, len(counts), step)
    ]
    return np.concatenate(parts)


def _weighted_figures(scores: Floats, gold: Floats, weights: Floats) -> Floats:
    """Return AUROC, average precision and precision at |gold| under each line of unit weights, [draws, 3].

    `scores`, `gold`: [units]; `weights`: [draws, units], how often a unit is counted. From the highest
    score down, in blocks of equal scores; draws without both classes are NaN.
    """
    if not len(scores):
        return np.full((len(weights), len(FIGURES)), np.nan)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    in_order = weights[:, order]
    hits = np.cumsum(in_order * gold[order], axis=1)[:, ends]
    taken = np.cumsum(in_order, axis=1)[:, ends]
    new_hits, new_taken = np.diff(hits, axis=1, prepend=0.0), np.diff(taken, axis=1, prepend=0.0)
    positives, negatives = hits[:, -1], taken[:, -1] - hits[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = negatives[:, None] - (taken - hits) + 0.5 * (new_taken - new_hits)
        area = (new_hits * below).sum(axis=1) / (positives * negatives)
        precision = np.where(taken > 0, hits / taken, 0.0)
        average = (new_hits * precision).sum(axis=1) / positives
        # The block in which the count reaches |gold|: what it still has to give is taken in proportion.
        draw, cut = np.arange(len(weights)), (taken >= positives[:, None]).argmax(axis=1)
        share = (positives - (taken - new_taken)[draw, cut]) / new_taken[draw, cut]
        at_gold = ((hits - new_hits)[draw, cut] + share * new_hits[draw, cut]) / positives
    figures = np.stack([area, average, at_gold], axis=1)
    figures[(positives == 0) | (negatives == 0)] = np.nan
    return figures
