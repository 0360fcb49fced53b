"""Membership measures: scores of a text, their AUC, and PrivLeak, in OpenUnlearning's convention.

Scores are loss-like: the *higher*, the less the text looks like training data. AUC 1 = every forget
text is recognised as a member. MUSE's own AUC runs the other way, hence the conversion in `privleak`.
"""

import zlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

# As in the reference code, also in its published numbers.
EPSILON = 1e-10


def min_k_score(log_probs: ArrayLike, share: float = 0.4) -> float:
    """Return the mean of the largest `share` of the token losses (nats), at least one token; NaN without any.

    The end-of-turn token must be left out before. Source: Min-K% Prob, arXiv 2310.16789. With standardised
    log-probs, (lp − mean) / deviation over the vocabulary, it is Min-K%++ (arXiv 2404.02936).
    """
    losses = np.sort(-np.asarray(log_probs, dtype=np.float64))[::-1]
    if not losses.size:
        return float("nan")
    return float(losses[: max(1, int(losses.size * share))].mean())


def zlib_score(log_probs: ArrayLike, text: str) -> float:
    """Return the mean token loss (nats) over the bytes of the text when zlib has packed it; NaN without any.

    A text that repeats itself is likely under any model: packing tells how much. Source: Carlini et al.
    2012.07805, as OpenUnlearning divides.
    """
    losses = -np.asarray(log_probs, dtype=np.float64)
    return float(losses.mean()) / len(zlib.compress(text.encode())) if losses.size else float("nan")


def membership_shares(forget_scores: ArrayLike, holdout_scores: ArrayLike) -> NDArray[np.float64]:
    """Return for each forget text the share of hold-out texts that score higher, equal ones half [forget].

    Their mean is the AUC. NaN where a text has no score, or no hold-out text has one.
    """
    forget = np.asarray(forget_scores, dtype=np.float64)
    holdout = np.asarray(holdout_scores, dtype=np.float64)
    known = np.sort(holdout[~np.isnan(holdout)])
    if not known.size:
        return np.full(forget.shape, np.nan)
    below = (np.searchsorted(known, forget, "left") + np.searchsorted(known, forget, "right")) / 2
    return np.where(np.isnan(forget), np.nan, 1.0 - below / known.size)


def membership_auc(forget_scores: ArrayLike, holdout_scores: ArrayLike) -> float:
    """Return P(holdout score > forget score) + half of P(equal), 0-1; NaN when either side is empty."""
    shares = membership_shares(forget_scores, holdout_scores)
    known = shares[~np.isnan(shares)]
    return float(known.mean()) if known.size else float("nan")


def closeness(auc: float, reference_auc: float) -> float:
    """Return 1 − min(|AUC − AUC_ref| / AUC_ref, 1): 1 = as a model that never saw the texts, 0 = far off.

    Source: gnueaj/unlearning-depth-score, after OpenUnlearning's meta-evaluation. NaN where either is.
    """
    if np.isnan(auc) or np.isnan(reference_auc):
        return float("nan")
    return 1.0 - min(abs(auc - reference_auc) / reference_auc, 1.0) if reference_auc else float("nan")


def privleak(auc: float, retain_model_auc: float = 0.5) -> float:
    """100 * ((1 - AUC) - (1 - AUC_retain)) / (1 - AUC_retain), in per cent.

    About -100: the forget set is still recognised (not unlearned); 0: as by a model that never saw it;
    positive: over-unlearned. Without a retain-only model its AUC is taken to be 0.5.
    """
    reference = 1.0 - retain_model_auc
    return float(((1.0 - auc) - reference) / (reference + EPSILON) * 100.0)
