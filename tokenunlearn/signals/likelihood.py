"""Signals read off the target's own probability of the token."""

import numpy as np


def loss(log_probs: np.ndarray) -> np.ndarray:
    """−lp in nats, float64 [tokens]."""
    return -log_probs


def log_prob(log_probs: np.ndarray) -> np.ndarray:
    """lp in nats, float64 [tokens]: the surer the model, the higher."""
    return log_probs.astype(np.float64)
