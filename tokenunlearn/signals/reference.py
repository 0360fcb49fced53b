"""Signals that compare the target with a model that never saw the fact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tokenunlearn.settings import check, setting
from tokenunlearn.signals.entry import Levels, Moves, RowView, Signal, Without


def contrast(log_probs: np.ndarray, base_log_probs: np.ndarray) -> np.ndarray:
    """lp_target − lp_base in nats, float64 [tokens]: the log-ratio to the adapter-off model.

    Not SU (2506.00876), which compares probabilities against a threshold per row.
    """
    return log_probs - base_log_probs


def selective(distance: np.ndarray, threshold: float, window: int) -> np.ndarray:
    """Return the published choice of SU with its strength, float64 [tokens]: 0 for a token left out.

    1. A token is chosen where `distance` = |p_ref − p| lies above mean + threshold · standard deviation over
    its answer. 2. The choice is widened by `window` tokens to either side. 3. A token of the widened choice
    has the largest distance of the chosen tokens that reach it, so that "above 0" is the published mask.
    """
    chosen = distance > distance.mean() + threshold * distance.std()
    strength = np.zeros(len(distance))
    for at in np.flatnonzero(chosen):
        reached = slice(max(0, at - window), at + window + 1)
        strength[reached] = np.maximum(strength[reached], distance[at])
    return strength


@dataclass(frozen=True)
class SelectiveSettings:
    """What SU compares the target with, and how its choice is made."""

    reference: str = setting(
        "", help="Name of a model given by --beside NAME=MODEL; empty: the model with its adapter off"
    )
    threshold: float = setting(
        0.0, low=-5, high=5, step=0.1, unit="standard deviations", help="How far above the answer's mean"
    )
    window: int = setting(2, low=0, high=32, step=1, unit="tokens", help="Tokens added on either side")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


def _reference(settings: SelectiveSettings) -> str:
    return f"other:{settings.reference}" if settings.reference else "base"


def _selective(row: RowView, settings: SelectiveSettings) -> np.ndarray:
    known, unknown = row.of("target")["log_probs"], row.of(_reference(settings))["log_probs"]
    distance = np.abs(np.exp(unknown) - np.exp(known))
    if np.isnan(distance).any():
        return np.full(len(distance), np.nan)
    return selective(distance, settings.threshold, settings.window)


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
    "su": Signal(
        label="Selective unlearning (SU)",
        short="probability moved (SU)",
        function=_selective,
        family="knowledge",
        source="SU 2506.00876; the reference and the size of a chosen token are ours",
        help="How far the token's probability differs under the reference model, where that is above the "
        "answer's mean; two tokens either side are included",
        says=Levels(
            "{token} is near no token whose probability the reference changes much for this answer.",
            (
                (0.1, "{token} is, or is near, a token whose probability the reference changes by {value}."),
                (
                    1e-6,
                    "{token} is, or is near, a token whose probability the reference changes a little "
                    "({value}).",
                ),
            ),
        ),
        passes=("target",),
        passes_with=lambda settings: (_reference(settings),),
        settings=SelectiveSettings,
        unit="probability",
        report=True,
        masked="Not masked: another model is asked instead.",
        without=Without("{token} has no score here: there is no model to compare with."),
    ),
}
