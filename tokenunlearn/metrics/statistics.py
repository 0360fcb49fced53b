"""Statistics for two arms that are measured on the same rows, from the same seeds.

A difference is taken row by row and seed by seed. Both are drawn: other seeds and other rows would give
another mean, and a test over rows alone takes a lucky seed for an effect. Rows and seeds are crossed factors,
so the variance of the mean is that which the seeds show and that which the rows show, added (the minF' of
Clark 1973, J. Verbal Learning 12), with as many degrees of freedom as the fewer of the two have: minF' takes
more, and with three seeds finds in 10 of 100 tables without an effect one that is none. Others find more of
these (docs/LOG.md, 30 November; tests/properties/test_crossed.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Comparison:
    """`first` minus `second`: mean difference, its interval and p-value over rows and seeds.

    effect: the mean difference in standard deviations of a row's difference over its seeds (Cohen's d_z).
    seeds, rows: of how many both sides were measured. What cannot be formed is NaN: an interval and a p-value
    need two of each.
    """

    mean: float
    low: float
    high: float
    p_value: float
    effect: float
    seeds: int
    rows: int


def crossed_comparison(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Comparison:
    """Return the comparison of two tables float [seeds, rows].

    A seed that one side lacks in all rows is left out, then each row that lacks a value (NaN). Raises
    ValueError for tables of two shapes.
    """
    left, right = (np.asarray(side, dtype=np.float64) for side in (first, second))
    if left.shape != right.shape or left.ndim != 2:
        raise ValueError(
            f"Two tables [seeds, rows] of one shape are needed; got {left.shape} and {right.shape}."
        )
    differences = left - right
    differences = differences[~np.isnan(differences).all(axis=1)]
    differences = differences[:, ~np.isnan(differences).any(axis=0)]
    seeds, rows = differences.shape
    unknown = float("nan")
    if not differences.size:
        return Comparison(unknown, unknown, unknown, unknown, unknown, seeds, rows)
    mean, by_row = float(differences.mean()), differences.mean(axis=0)
    spread = float(by_row.std(ddof=1)) if rows > 1 else unknown
    effect = mean / spread if spread > 0 else unknown
    if min(seeds, rows) < 2:
        return Comparison(mean, unknown, unknown, unknown, effect, seeds, rows)
    half, p_value = _interval(differences, level)
    return Comparison(mean, mean - half, mean + half, p_value, effect, seeds, rows)


def _interval(differences: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return half the interval of the mean of float [seeds, rows], and the two-sided p-value that it is 0."""
    from scipy.special import stdtr, stdtrit

    seeds, rows = differences.shape
    # The variance of the mean, as the means of the seeds show it and as those of the rows do.
    variances = np.array([differences.mean(axis=axis).var(ddof=1) for axis in (1, 0)]) / (seeds, rows)
    variance, mean = float(variances.sum()), float(differences.mean())
    if variance == 0:  # nothing varies: no difference anywhere, or the same everywhere
        return 0.0, float(mean == 0)
    freedom = min(seeds, rows) - 1
    error = variance**0.5
    return float(stdtrit(freedom, (1 + level) / 2)) * error, float(2 * stdtr(freedom, -abs(mean) / error))


def bootstrap_interval(
    values: ArrayLike, draws: int = 9999, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`; NaN, NaN for fewer than two."""
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2:
        return float("nan"), float("nan")
    from scipy.stats import bootstrap

    interval = bootstrap(
        (sample,),
        np.mean,
        n_resamples=draws,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Return Holm's step-down adjusted p-values in the order given; NaN stays NaN and is not counted.

    Written out because scipy offers only false-discovery-rate control (Holm 1979, Scand. J. Stat. 6).
    """
    values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return adjusted


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of independent values with its t interval; NaN where two are needed, or one.

    >>> [round(each, 2) for each in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < 2:
        mean = float(sample.mean()) if len(sample) else float("nan")
        return mean, float("nan"), float("nan")
    from scipy.special import stdtrit

    mean, error = float(sample.mean()), float(sample.std(ddof=1)) / len(sample) ** 0.5
    half = float(stdtrit(len(sample) - 1, (1 + level) / 2)) * error
    return mean, mean - half, mean + half
