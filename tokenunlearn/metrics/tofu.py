"""The measures of TOFU (arXiv 2401.06121) as OpenUnlearning computes them.

Losses are mean nats per token of an answer. The published logs count the end-of-turn token in that
mean, our own probes leave it out: a small, visible shift between the two, and none in the formulas.
Checked against published logs in tests/unit/test_public_logs.py.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tokenunlearn.metrics.axes import harmonic_mean

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

# The constant of the reference code; part of the published numbers.
EPSILON = 1e-10


def answer_probability(log_probs: ArrayLike) -> float:
    """Return the length-normalised probability of an answer, exp of the mean log-probability (nats).

    An answer without tokens gives NaN.
    """
    values = np.asarray(log_probs, dtype=np.float64)
    return float(np.exp(values.mean())) if values.size else float("nan")


def choice_probability(right_loss: float, wrong_losses: ArrayLike) -> float:
    """Return the right answer's probability among the choices, p / (p + sum of wrong p), p = exp(-loss)."""
    right = np.exp(-right_loss)
    return float(right / (right + np.exp(-np.asarray(wrong_losses, dtype=np.float64)).sum() + EPSILON))


@lru_cache(maxsize=1)
def _rouge_scorer() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=True)


def rouge_l_recall(expected: str, answer: str) -> float:
    """Return the share of expected words that `answer` repeats in order (ROUGE-L recall, Porter stems), 0-1.

    >>> rouge_l_recall("born in Stara Zagora", "She was born in Zagora.")
    0.75
    """
    return float(_rouge_scorer().score(expected, answer)["rougeL"].recall)


def truth_ratio(
    right_losses: ArrayLike,
    wrong_losses: Sequence[ArrayLike],
    mean: Literal["geometric", "arithmetic"] = "geometric",
) -> NDArray[np.float64]:
    """Return one truth ratio per row: mean p(wrong answers) / p(right answer), [rows].

    `right_losses` [rows]; `wrong_losses` [rows][wrong answers], as many a row as there are.
    `geometric` averages losses first (reference code, reproduces the published logs), `arithmetic`
    averages probabilities (the paper's text). 1 or more means that the model no longer prefers the
    truth. A row without wrong answers gives NaN.
    """
    right = np.exp(-np.asarray(right_losses, dtype=np.float64))
    ratios = np.full(len(right), np.nan)
    for row, losses in enumerate(wrong_losses):
        wrong = np.asarray(losses, dtype=np.float64)
        if wrong.size:
            mean_wrong = np.exp(-wrong.mean()) if mean == "geometric" else np.exp(-wrong).mean()
            ratios[row] = mean_wrong / (right[row] + EPSILON)
    return ratios


def forget_truth_score(ratios: ArrayLike) -> float:
    """Return the forget set's aggregate, mean of min(R, 1/R): 1 = wrong and right answers equally likely."""
    values = _known(ratios)
    return float(np.minimum(values, 1 / (values + EPSILON)).mean()) if values.size else float("nan")


def kept_truth_score(ratios: ArrayLike) -> float:
    """Return the aggregate of the sets to keep, mean of max(0, 1 - R): 1 = only the truth is likely."""
    values = _known(ratios)
    return float(np.maximum(0.0, 1.0 - values).mean()) if values.size else float("nan")


def truth_probability(ratios: ArrayLike, right_probabilities: ArrayLike) -> float:
    """Return the mean of p(right) / (p(right) + p(wrong)), from raw R and p(right) [rows]; NaN without any.

    The aggregate that OpenUnlearning's meta-evaluation takes for memorisation: .5 = no longer told apart.
    """
    ratio, right = (np.asarray(values, dtype=np.float64) for values in (ratios, right_probabilities))
    shares = _known(right / (right + ratio * (right + EPSILON) + EPSILON))
    return float(shares.mean()) if shares.size else float("nan")


def forget_quality(ratios: ArrayLike, retain_model_ratios: ArrayLike) -> float:
    """Return the p-value of the two-sample Kolmogorov-Smirnov test between two models' truth ratios.

    `ratios` [rows] are raw R of the forget set under this model, `retain_model_ratios` those under a
    model that never saw it. High = not told apart, which on a few dozen rows says little: show n too.
    NaN when either has no row.
    """
    values, reference = _known(ratios), _known(retain_model_ratios)
    if not values.size or not reference.size:
        return float("nan")
    from scipy.stats import ks_2samp

    return float(ks_2samp(values, reference).pvalue)


def model_utility(parts: Mapping[str, float]) -> float:
    """Return the harmonic mean of the named parts (TOFU: nine); any zero gives 0, any NaN gives NaN.

    Raises ValueError for a negative part or for no part.
    """
    return harmonic_mean(parts)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[~np.isnan(array)]
