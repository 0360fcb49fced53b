"""How far gradients agree: signal to noise, and cosines to a direction, from their inner products alone.

A Gram matrix [tokens, tokens] holds the inner product of each two tokens' gradients, so that no gradient is
needed here. Tokens count as draws. With m the mean of n gradients:

1. noise = Σ‖g − m‖² / (n − 1), unbiased for E‖g − E g‖².
2. signal = ‖m‖² − noise / n, unbiased for ‖E g‖². It is the mean inner product of two different tokens, so it
   may fall below 0.
3. ratio = signal / noise: both parts are unbiased, their ratio is not.

Tokens of one row are no independent draws. `across` takes the signal from pairs of different rows alone, and
the interval leaves out whole rows (jackknife; a bootstrap would pair a row with its own copy).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokenunlearn.metrics.statistics import alike

Gram = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOO_FEW: Final = "it takes two tokens"
ALIKE: Final = "the gradients are all alike, so there is no noise to divide by"
NOTHING: Final = "all gradients are 0"
_ROUNDING: Final = 1e-10  # of the mean squared norm: less noise than this is the rounding of float32


@dataclass(frozen=True)
class SignalToNoise:
    """How far the gradients of some tokens agree. NaN: not measured, or not defined, and `why` says it.

    across: the ratio with the signal of pairs of different rows alone.
    """

    signal: float
    noise: float
    ratio: float
    across: float
    tokens: int
    why: str = ""


def signal_to_noise(gram: Gram, rows: NDArray[np.int64]) -> SignalToNoise:
    """Return signal, noise and their ratio of the tokens whose inner products these are; `rows` are theirs.

    >>> signal_to_noise(np.array([[4.0, 0.0], [0.0, 4.0]]), np.array([0, 1])).noise
    4.0
    """
    size, unknown = len(gram), float("nan")
    if size < 2:
        return SignalToNoise(unknown, unknown, unknown, unknown, size, TOO_FEW)
    mean, square = float(gram.mean()), float(np.trace(gram)) / size
    noise = (square - mean) * size / (size - 1)
    signal = mean - noise / size
    if square <= 0:
        return SignalToNoise(0.0, 0.0, unknown, unknown, size, NOTHING)
    if noise <= _ROUNDING * square:
        return SignalToNoise(signal, 0.0, unknown, unknown, size, ALIKE)
    apart = rows[:, None] != rows[None, :]
    between = float(gram[apart].mean()) if apart.any() else unknown
    rest = square - between
    across = between / rest if rest > _ROUNDING * square else unknown
    return SignalToNoise(signal, noise, signal / noise, across, size)


def jackknife_interval(
    ratio: Callable[[Flags], float], rows: NDArray[np.int64], level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a figure over rows, each left out in turn; NaN, NaN where one of them has none.

    `ratio` is given which tokens take part. The interval is estimate ± t · standard error. There is none
    where the figure is the same without each row either: no spread is no certainty.
    """
    from scipy.special import stdtrit

    names = np.unique(rows)
    if len(names) < 2:
        return float("nan"), float("nan")
    every = np.ones(len(rows), dtype=bool)
    whole = ratio(every)
    parts = np.array([ratio(rows != name) for name in names])
    if alike(parts):
        return float("nan"), float("nan")
    freedom = len(names) - 1
    error = float(np.sqrt(freedom / len(names) * np.square(parts - parts.mean()).sum()))
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return whole - half, whole + half


def direction_cosines(gram: Gram, rows: NDArray[np.int64], weights: NDArray[np.float64]) -> Gram:
    """Return each token's cosine to the weighted sum of the gradients of the other rows' tokens, [tokens].

    A token's own row is left out: a gradient always points along a sum that it is part of. NaN where the
    other rows have no weight, or a gradient is 0.
    """
    cosines = np.full(len(gram), np.nan)
    norms = np.sqrt(np.maximum(np.diag(gram), 0))
    for name in np.unique(rows):
        own = rows == name
        others = np.where(own, 0.0, weights)
        along = gram @ others
        length = np.sqrt(max(0.0, float(others @ along)))
        defined = own & (norms > 0) & (length > 0)
        cosines[defined] = along[defined] / (norms[defined] * length)
    return cosines


def pair_cosine(gram: Gram, rows: NDArray[np.int64], first: Flags, second: Flags) -> float:
    """Return the mean cosine of a token of `first` and one of `second` in another row; NaN without such."""
    norms = np.sqrt(np.maximum(np.diag(gram), 0))
    first, second = first & (norms > 0), second & (norms > 0)
    pairs = first[:, None] & second[None, :] & (rows[:, None] != rows[None, :])
    if not pairs.any():
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = gram / np.outer(norms, norms)
    return float(cosines[pairs].mean())


def sum_cosine(gram: Gram, first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the cosine of two weighted sums of the gradients; NaN where one of them is 0."""
    lengths = float(first @ gram @ first) * float(second @ gram @ second)
    return float(first @ gram @ second) / lengths**0.5 if lengths > 0 else float("nan")


def share_at_least(value: float, draws: NDArray[np.float64]) -> float:
    """Return p = (1 + how many draws reach the value) / (1 + draws); NaN where one of them is not known."""
    if not np.isfinite(value) or not np.isfinite(draws).all() or not draws.size:
        return float("nan")
    return float((1 + (draws >= value).sum()) / (1 + draws.size))


def two_sided(value: float, draws: NDArray[np.float64]) -> float:
    """Return p = twice the smaller share of the two sides, at most 1; NaN where one of them is not known.

    Looking at both sides, each at a level, calls twice as much shown as the level says.

    >>> two_sided(36.0, np.arange(39.0))
    0.2
    """
    smaller = min(share_at_least(value, draws), share_at_least(-value, -draws))
    return min(1.0, 2 * smaller) if np.isfinite(smaller) else smaller
