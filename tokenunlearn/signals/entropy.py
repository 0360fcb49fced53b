"""Entropy of the next-token distribution at the position that predicts the token."""

import numpy as np


def entropy(entropies: np.ndarray) -> np.ndarray:
    """H = −Σ p log p in nats, float64 [tokens], as the pass has measured it [TokenUnlearn 2605.00364]."""
    return entropies.astype(np.float64)
