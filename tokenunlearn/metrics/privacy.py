"""Membership measures: Min-K% score, its AUC, and PrivLeak in OpenUnlearning's convention.

Scores are loss-like: the *higher*, the less the text looks like training data. AUC 1 = every forget
text is recognised as a member. MUSE's own AUC runs the other way, hence the conversion in `privleak`.
"""

import numpy as np
from numpy.typing import ArrayLike

# As in the reference code, also in its published numbers.
EPSILON = 1e-10


def min_k_score(log_probs: ArrayLike, share: float = 0.4) -> float:
    """Return the mean of the largest `share` of the token losses (nats), at least one token; NaN without any.

    The end-of-turn token must be left out before. Source: Min-K% Prob, arXiv 2310.16789.
    """
    losses = np.sort(-np.asarray(log_probs, dtype=np.float64))[::-1]
    if not losses.size:
        return float("nan")
    return float(losses[: max(1, int(losses.size * share))].mean())


def membership_auc(forget_scores: ArrayLike, holdout_scores: ArrayLike) -> float:
    """Return P(holdout score > forget score) + half of P(equal), 0-1; NaN when either side is empty."""
    forget = np.asarray(forget_scores, dtype=np.float64)
    holdout = np.asarray(holdout_scores, dtype=np.float64)
    if not forget.size or not holdout.size:
        return float("nan")
    from scipy.stats import mannwhitneyu

    wins = mannwhitneyu(holdout, forget, method="asymptotic").statistic
    return float(wins / (forget.size * holdout.size))


def privleak(auc: float, retain_model_auc: float = 0.5) -> float:
    """100 * ((1 - AUC) - (1 - AUC_retain)) / (1 - AUC_retain), in per cent.

    About -100: the forget set is still recognised (not unlearned); 0: as by a model that never saw it;
    positive: over-unlearned. Without a retain-only model its AUC is taken to be 0.5.
    """
    reference = 1.0 - retain_model_auc
    return float(((1.0 - auc) - reference) / (reference + EPSILON) * 100.0)
