"""Signals that compare the target with a model that never saw the fact."""

import numpy as np


def contrast(log_probs: np.ndarray, base_log_probs: np.ndarray) -> np.ndarray:
    """lp_target − lp_base in nats, float64 [tokens]: the log-ratio to the adapter-off model.

    Not SU (2506.00876), which compares probabilities against a threshold per row.
    """
    return log_probs - base_log_probs
