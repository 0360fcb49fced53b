"""Two signals become one score per token. Twin: app/web/score/fusion.js, bit for bit.

1. Each signal is brought to [0, 1] by a normaliser, over the whole set or row by row.
2. The fused score is φ = α·K̂ + (1−α)·Ĥ.

Sums run in order of the tokens and the exponential is made of + and × only: NumPy's pairwise sums and
the libraries' exp differ from JavaScript's in the last bit, and one bit decides between tied tokens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.errors import SettingError, did_you_mean

Column = np.ndarray[Any, np.dtype[np.float64]]
Indices = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True, kw_only=True)
class Normaliser:
    """What brings a signal to 0…1. `function` takes the finite values of one scope, and gives as many.

    label: its name in a menu. done: what was done to a signal, after "each". help: the sentence beside it.
    """

    function: Callable[[Column], Column]
    label: str
    done: str
    help: str
    source: str = "ours"


def percentile(values: Any, fraction: float) -> float:
    """Return the linearly interpolated quantile of the values (NumPy's default rule); NaN of no values.

    `fraction` is in [0, 1]; the values must be finite.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered.size == 0:
        return float("nan")
    place = (ordered.size - 1) * fraction
    below = int(np.floor(place))
    low, high = float(ordered[below]), float(ordered[min(below + 1, ordered.size - 1)])
    share = place - below
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


def normalise(values: Any, normaliser: str = "p99", rows: Any = None) -> Column:
    """Return the values in [0, 1], float64 [tokens]; values that are not finite become NaN and take no part.

    `rows` (int [tokens], the row index of each token) normalises each row by itself; None, over the set.

    - `p99`: divided by the 99th percentile and clipped to [0, 1]. Where that percentile is not above 0
      (a signal that is 0 almost everywhere) the maximum divides instead; without any value above 0 all are 0.
    - `min_max`: (x − min) / (max − min); 0 where all are equal.
    - `rank`: average rank of ties / (n − 1); ½ where all are equal.
    - `z_sigmoid`: 1 / (1 + exp(−(x − μ) / s)), s over n; ½ where all are equal.

    Raises SettingError for an unknown normaliser.
    """
    if normaliser not in NORMALISERS:
        raise SettingError(
            f"normaliser is {normaliser!r}", "No such normaliser", did_you_mean(normaliser, NORMALISERS)
        )
    column = np.asarray(values, dtype=np.float64) + 0.0  # −0 becomes 0, a copy is made
    result = np.full(column.shape, np.nan)
    for group in groups(rows, column.size):
        scored = group[np.isfinite(column[group])]
        if scored.size:
            result[scored] = NORMALISERS[normaliser].function(column[scored])
    return result


def fuse(knowledge: Any, entropy: Any, alpha: float, normaliser: str = "p99", rows: Any = None) -> Column:
    """Return φ = α·K̂ + (1−α)·Ĥ, float64 [tokens]; NaN where a signal that counts has no value.

    A signal of weight 0 does not count: with α = 1 a token without entropy still has a score, and
    `entropy` may be None (likewise `knowledge` with α = 0).
    Raises SettingError for α outside [0, 1] (NaN too) and for an unknown normaliser.
    """
    if not 0 <= alpha <= 1:
        raise SettingError(f"alpha is {alpha}", "It must be a number from 0 to 1", where="fusion")
    if alpha == 1:
        return normalise(knowledge, normaliser, rows)
    if alpha == 0:
        return normalise(entropy, normaliser, rows)
    return alpha * normalise(knowledge, normaliser, rows) + (1 - alpha) * normalise(entropy, normaliser, rows)


def groups(rows: Any, count: int) -> list[Indices]:
    """Return the token indices of each row, ascending.

    One group of all `count` tokens when `rows` is None.
    """
    if rows is None:
        return [np.arange(count)]
    numbers = np.asarray(rows)
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if count else []


def _p99(values: Column) -> Column:
    limit = percentile(values, 0.99)
    limit = limit if limit > 0 else float(values.max())
    return np.clip(values / limit, 0.0, 1.0) if limit > 0 else np.zeros_like(values)


def _min_max(values: Column) -> Column:
    low, width = values.min(), values.max() - values.min()
    return (values - low) / width if width > 0 else np.zeros_like(values)


def _rank(values: Column) -> Column:
    if values.size == 1:
        return np.full(1, 0.5)
    ordered = np.sort(values)
    first, after = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (first + after - 1) / 2 / (values.size - 1)


def _z_sigmoid(values: Column) -> Column:
    # Compared before the mean: the mean of equal values may be off by a bit, and z would be ±1.
    if values.min() == values.max():
        return np.full_like(values, 0.5)
    centred = values - sequential_sum(values) / values.size
    deviation = np.sqrt(sequential_sum(centred * centred) / values.size)
    return 1 / (1 + _exponential(-centred / deviation)) if deviation > 0 else np.full_like(values, 0.5)


def sequential_sum(values: Column) -> float:
    """Return the sum, added from first to last as JavaScript does (`np.sum` adds in pairs)."""
    return float(np.cumsum(values)[-1]) if values.size else 0.0


def _exponential(powers: Column) -> Column:
    """Return exp within 4e-13 (relative): Taylor series of x / 1024, then squared ten times."""
    reduced = np.clip(powers, -700.0, 700.0) / 1024
    total = np.ones_like(reduced)
    for term in range(16, 0, -1):
        total = 1 + reduced * total / term
    for _ in range(10):
        total = total * total
    return total


NORMALISERS: Final[Mapping[str, Normaliser]] = MappingProxyType(
    {
        "p99": Normaliser(
            function=_p99,
            label="99th percentile",
            done="divided by its 99th percentile",
            help="Linear: 1 at the 99th percentile, and what is larger is cut to 1",
        ),
        "min_max": Normaliser(
            function=_min_max,
            label="Min to max",
            done="scaled from its smallest to its largest value",
            help="Linear: 0 at the smallest value and 1 at the largest",
        ),
        "rank": Normaliser(
            function=_rank,
            label="Rank",
            done="replaced by its rank",
            help="The share of scored tokens with a lower value: only the order counts",
        ),
        "z_sigmoid": Normaliser(
            function=_z_sigmoid,
            label="Sigmoid of z",
            done="put through a sigmoid of its z-score",
            help="A sigmoid of the standard score: ½ at the mean",
        ),
    }
)
