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
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDING: Final = 1e-12  # of the largest value: more than rounding makes, and far less than a figure tells
FEWEST_VALUES: Final = 3  # of an interval of a mean: that of two is 12.7 standard errors wide on each side
NO_SPREAD: Final = "no spread to judge by"


@dataclass(frozen=True)
class Comparison:
    """`first` minus `second`: mean difference, its interval and p-value over rows and seeds.

    effect: the mean difference in standard deviations of a row's difference over its seeds (Cohen's d_z).
    seeds, rows: of how many both sides were measured. What cannot be formed is NaN: an interval and a p-value
    need two of each, and spread. alike: `seeds` where each row has one difference whatever the seed, so that
    it is judged over the rows alone; `rows` for the same the other way round; "" where both vary.
    """

    mean: float
    low: float
    high: float
    p_value: float
    effect: float
    seeds: int
    rows: int
    alike: str = ""

    @property
    def spreadless(self) -> bool:
        """Whether there are seeds and rows enough and yet nothing to judge by: no mean of them differs."""
        return min(self.seeds, self.rows) > 1 and bool(np.isnan(self.p_value))


def crossed_comparison(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Comparison:
    """Return the comparison of two tables float [seeds, rows].

    A seed that one side lacks in all rows is left out, then each row that lacks a value (NaN). Where every
    difference is 0 the interval is that point and the p-value 1; where they are another constant, or no mean
    of a seed and none of a row differs from the others, there is neither. Raises ValueError for tables of two
    shapes.
    """
    left, right = (np.asarray(side, dtype=np.float64) for side in (first, second))
    if left.shape != right.shape or left.ndim != 2:
        raise ValueError(
            f"Two tables [seeds, rows] of one shape are needed; got {left.shape} and {right.shape}."
        )
    differences = left - right
    differences = differences[~np.isnan(differences).all(axis=1)]
    differences = differences[:, ~np.isnan(differences).any(axis=0)]
    seeds, rows = differences.shape if differences.size else (0, 0)
    unknown = float("nan")
    if not seeds:
        return Comparison(unknown, unknown, unknown, unknown, unknown, 0, 0)
    # What rounding alone makes of equal differences is no spread.
    nothing = _ROUNDING * float(np.nanmax(np.abs([left, right])))
    mean, by_row = float(differences.mean()), differences.mean(axis=0)
    spread = float(by_row.std(ddof=1)) if rows > 1 else unknown
    effect = mean / spread if spread > nothing else unknown
    if min(seeds, rows) < 2:
        return Comparison(mean, unknown, unknown, unknown, effect, seeds, rows)
    if np.abs(differences).max() <= nothing:
        return Comparison(0.0, 0.0, 0.0, 1.0, effect, seeds, rows)
    half, p_value = _interval(differences, level, nothing)
    alike = [
        name for axis, name in enumerate(("seeds", "rows")) if np.ptp(differences, axis).max() <= nothing
    ]
    one = alike[0] if len(alike) == 1 else ""
    return Comparison(mean, mean - half, mean + half, p_value, effect, seeds, rows, one)


def _interval(differences: NDArray[np.float64], level: float, nothing: float) -> tuple[float, float]:
    """Return half the interval of the mean of float [seeds, rows], and the two-sided p-value that it is 0.

    NaN where the variance is `nothing` squared or less: two equal means say nothing of a third.
    """
    from scipy.special import stdtr, stdtrit

    seeds, rows = differences.shape
    # The variance of the mean, as the means of the seeds show it and as those of the rows do.
    variances = np.array([differences.mean(axis=axis).var(ddof=1) for axis in (1, 0)]) / (seeds, rows)
    error, mean = float(variances.sum()) ** 0.5, float(differences.mean())
    if error <= nothing:
        return float("nan"), float("nan")
    freedom = min(seeds, rows) - 1
    return float(stdtrit(freedom, (1 + level) / 2)) * error, float(2 * stdtr(freedom, -abs(mean) / error))


def bootstrap_interval(
    values: ArrayLike, draws: int = 9999, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of `values`; NaN for fewer than FEWEST_VALUES.

    So for values that are all equal: no sample of them has another mean, whatever another value would be.
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < FEWEST_VALUES or alike(sample):
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


def alike(sample: NDArray[np.float64]) -> bool:
    """Return whether values are equal, but for what rounding makes of them."""
    return bool(np.ptp(sample) <= _ROUNDING * np.abs(sample).max())


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


def mean_interval(
    values: ArrayLike, level: float = 0.95, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float, float]:
    """Return the mean of independent values with its t interval, as far as it lies within `bounds`.

    NaN for the mean of none, and for the interval of fewer than FEWEST_VALUES or of equal ones.

    >>> [round(each, 2) for each in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.48, 4.48]
    >>> [round(each, 2) for each in mean_interval([0.9, 0.8, 1.0], bounds=(0.0, 1.0))]
    [0.9, 0.65, 1.0]
    """
    sample = np.asarray(values, dtype=np.float64)
    unknown = float("nan")
    mean = float(sample.mean()) if len(sample) else unknown
    if len(sample) < FEWEST_VALUES or alike(sample):
        return mean, unknown, unknown
    from scipy.special import stdtrit

    half = float(stdtrit(len(sample) - 1, (1 + level) / 2)) * float(sample.std(ddof=1)) / len(sample) ** 0.5
    low, high = max(mean - half, bounds[0]), min(mean + half, bounds[1])
    return mean, min(low, mean), max(high, mean)
