"""How deep a fact was erased: the unlearning depth score (UDS) of one answer, from log-probs layer by layer.

Source: gnueaj/unlearning-depth-score, arXiv 2605.24614. The drop of a layer is by how many nats a token the
fact gets less likely in the full model when that layer's states are another model's.
"""

import numpy as np
from numpy.typing import ArrayLike

THRESHOLD = 0.05  # nats a token; the published results hardly depend on it


def unlearning_depth(
    reference_drops: ArrayLike, unlearned_drops: ArrayLike, threshold: float = THRESHOLD
) -> float:
    """Return Σ d_ref · clip(d_unl / d_ref, 0, 1) / Σ d_ref over the layers where d_ref exceeds the threshold.

    Both [layers], nats a token: the drops by states of a model that never saw the fact, and by those of the
    unlearned one. 0: the unlearned model still holds in every layer what the full one holds; 1: nothing more
    than the reference. NaN where no layer of the reference makes a difference.

    >>> unlearning_depth([0.0, 1.0, 3.0], [0.0, 0.5, 4.0])
    0.875
    """
    reference = np.asarray(reference_drops, dtype=np.float64)
    held = reference > threshold
    if not held.any():
        return float("nan")
    weights = reference[held]
    erased = np.clip(np.asarray(unlearned_drops, dtype=np.float64)[held] / weights, 0.0, 1.0)
    return float((weights * erased).sum() / weights.sum())
