"""Knowledge: how far a token's log-probability moves when the knowledge is masked [2605.00364]."""

import numpy as np


def knowledge(log_probs: np.ndarray, masked_log_probs: np.ndarray) -> np.ndarray:
    """|lp − lp_mask| in nats, float64 [tokens]; NaN where the masked pass has no score for the token."""
    return np.abs(log_probs - masked_log_probs)


def swap_mean(masked: np.ndarray) -> np.ndarray:
    """Mean log-probability over K swapped names [names, tokens] → [tokens], unscored names left out."""
    return _over_names(masked, np.nanmean)


def swap_spread(masked: np.ndarray) -> np.ndarray:
    """Standard deviation over K swapped names in nats, [names, tokens] → [tokens]."""
    return _over_names(masked, np.nanstd)


def _over_names(masked: np.ndarray, reduce) -> np.ndarray:  # type: ignore[no-untyped-def]
    result = np.full(masked.shape[1], np.nan)
    scored = np.isfinite(masked).any(axis=0)
    result[scored] = reduce(masked[:, scored], axis=0)
    return result


def occlusion(log_probs: np.ndarray, occluded: np.ndarray) -> np.ndarray:
    """Largest |lp − lp_occluded| over the hidden prefix tokens, [hidden, tokens] → [tokens] nats.

    Rows that hide a token at or after the scored one are NaN: they cannot have changed it.
    """
    moved = np.abs(log_probs[None, :] - occluded)
    result = np.full(log_probs.shape, np.nan)
    scored = np.isfinite(moved).any(axis=0)
    result[scored] = np.nanmax(moved[:, scored], axis=0)
    return result
