"""Signals that compare the target with a model that never saw the fact."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tokenunlearn.signals.entry import Moves, RowView, Signal, Without


def contrast(log_probs: np.ndarray, base_log_probs: np.ndarray) -> np.ndarray:
    """lp_target − lp_base in nats, float64 [tokens]: the log-ratio to the adapter-off model.

    Not SU (2506.00876), which compares probabilities against a threshold per row.
    """
    return log_probs - base_log_probs


def _adapter_off(row: RowView, _: Any) -> np.ndarray:
    return contrast(row.of("target")["log_probs"], row.of("base")["log_probs"])


ENTRIES: Final[Mapping[str, Signal]] = {
    "contrast": Signal(
        label="Contrast, adapter off",
        short="adapter off (contrast)",
        function=_adapter_off,
        family="knowledge",
        source="log-ratio to base; cf. SU 2506.00876",
        help="How much likelier the token is with the adapter than without it",
        says=Moves(
            "Without the adapter",
            "it was learnt with the adapter",
            "a part of it was learnt with the adapter",
            signed=True,
        ),
        passes=("target", "base"),
        unit="nats",
        over_word="sum",
        default=True,
        report=True,
        masked="Not masked: the adapter is switched off instead.",
        without=Without("{token} has no contrast here."),
    ),
}
