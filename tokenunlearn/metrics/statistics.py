"""Paired statistics for comparing two arms on the same rows or seeds. scipy does the work.

Not covered: unpaired samples, and more than one factor. With three seeds no test can be significant
(the smallest two-sided Wilcoxon p is .25): then the spread is the message, not the p-value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class PairedComparison:
    """`first` minus `second` over `pairs` pairs: mean difference, its interval, Wilcoxon's p-value."""

    mean_difference: float
    low: float
    high: float
    p_value: float
    pairs: int


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


def wilcoxon_p(first: ArrayLike, second: ArrayLike) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; 1 if no pair differs, NaN without any."""
    differences = _differences(first, second)
    if not len(differences):
        return float("nan")
    if not differences.any():
        # scipy has nothing to rank here and would answer NaN; "no difference at all" is p = 1.
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue)


def paired_comparison(
    first: ArrayLike, second: ArrayLike, draws: int = 9999, seed: int = 0, level: float = 0.95
) -> PairedComparison:
    """Return the comparison of two equally long columns; pairs in which either is NaN are left out.

    Raises ValueError when the columns differ in length.
    """
    differences = _differences(first, second)
    low, high = bootstrap_interval(differences, draws, seed, level)
    mean = float(differences.mean()) if len(differences) else float("nan")
    return PairedComparison(
        mean, low, high, wilcoxon_p(differences, np.zeros(len(differences))), len(differences)
    )


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


def compare_with_control(
    arms: Mapping[str, ArrayLike], control: str, draws: int = 9999, seed: int = 0
) -> dict[str, tuple[PairedComparison, float]]:
    """Return each arm but the control: its paired comparison with the control, and its Holm-adjusted p-value.

    Raises KeyError when `control` is not among the arms.
    """
    reference = arms[control]
    others = [name for name in arms if name != control]
    comparisons = [paired_comparison(arms[name], reference, draws, seed) for name in others]
    adjusted = holm([comparison.p_value for comparison in comparisons])
    return {
        name: (comparison, float(value))
        for name, comparison, value in zip(others, comparisons, adjusted, strict=True)
    }


def _differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.shape != right.shape:
        raise ValueError(f"Paired columns must be equally long; got {left.size} and {right.size}.")
    differences = left - right
    return differences[~np.isnan(differences)]
