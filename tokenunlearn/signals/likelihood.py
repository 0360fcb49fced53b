"""Signals read off the target's own probability of the token."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tokenunlearn.signals.entry import Levels, RowView, Signal


def loss(log_probs: np.ndarray) -> np.ndarray:
    """−lp in nats, float64 [tokens]."""
    return -log_probs


def log_prob(log_probs: np.ndarray) -> np.ndarray:
    """Return lp in nats, float64 [tokens]: the surer the model, the higher."""
    return log_probs.astype(np.float64)


def typicality(log_probs: np.ndarray, entropies: np.ndarray) -> np.ndarray:
    """Return |−lp − H| in nats, float64 [tokens]: 0 where the token is as surprising as was to be expected.

    Source: local typicality, Meister et al. 2202.00666.
    """
    return np.abs(-log_probs - entropies)


def _typicality(row: RowView, _: Any) -> np.ndarray:
    target = row.of("target")
    return typicality(target["log_probs"], target["entropies"])


def _loss(row: RowView, _: Any) -> np.ndarray:
    return loss(row.of("target")["log_probs"])


def _log_prob(row: RowView, _: Any) -> np.ndarray:
    return log_prob(row.of("target")["log_probs"])


ENTRIES: Final[Mapping[str, Signal]] = {
    "loss": Signal(
        label="Loss",
        short="loss",
        function=_loss,
        family="likelihood",
        source="cross-entropy",
        help="−log p of the token",
        says=Levels(
            "The model expects {token} (loss {value}).",
            (
                (2.3, "The model does not expect {token} here (loss {value})."),
                (0.7, "To {token} the model gives one chance among others (loss {value})."),
            ),
        ),
        passes=("target",),
        unit="nats",
        over_word="sum",
        default=True,
        report=True,
    ),
    "log_prob": Signal(
        label="Log-probability",
        short="log-probability",
        function=_log_prob,
        family="likelihood",
        source="cross-entropy",
        help="log p of the token under the target",
        says=Levels(
            "The model does not expect {token} here (log-probability {value}).",
            (
                (-0.7, "The model expects {token} (log-probability {value})."),
                (-2.3, "To {token} the model gives one chance among others (log-probability {value})."),
            ),
        ),
        passes=("target",),
        unit="nats",
        over_word="sum",
        default=True,
    ),
    "typicality": Signal(
        label="Distance from typical",
        short="distance from typical",
        function=_typicality,
        family="likelihood",
        source="Meister et al. 2202.00666",
        help="How far the token's loss is from the model's entropy there",
        says=Levels(
            "{token} is about as surprising as the model expects of a token there ({value} nats off).",
            ((1.0, "{token} is more, or less, surprising than the model expects there ({value} nats off)."),),
        ),
        passes=("target",),
        unit="nats",
        over_word="mean",
    ),
}
