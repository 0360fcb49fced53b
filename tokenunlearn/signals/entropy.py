"""Entropy of the next-token distribution at the position that predicts the token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tokenunlearn.settings import check, setting
from tokenunlearn.signals.entry import NO_NAME, Levels, RowView, Signal, Without
from tokenunlearn.signals.knowledge import swap_mean

_SAYS: Final = Levels(
    "Before {token} the model is sure of what comes (entropy {value}).",
    (
        (2.0, "Before {token} the model is undecided (entropy {value}): the choice of words is open."),
        (0.1, "Before {token} the model hesitates a little (entropy {value})."),
    ),
)


def entropy(entropies: np.ndarray) -> np.ndarray:
    """H = −Σ p log p in nats, float64 [tokens], as the pass has measured it [TokenUnlearn 2605.00364]."""
    return entropies.astype(np.float64)


def entropy_weights(entropies: np.ndarray) -> np.ndarray:
    """Return w = n·H / ΣH over the n tokens of an answer, float64 [tokens], sum n [ETW 2604.17785].

    NaN where ΣH is 0: no share of nothing, which is told and not taken for a weight of 1.
    """
    total = entropies.sum()
    return entropies * (len(entropies) / total) if total > 0 else np.full(len(entropies), np.nan)


@dataclass(frozen=True)
class EntropyWeightSettings:
    """At which temperature the entropies of the weights are taken."""

    temperature: float = setting(
        1.0, low=0.05, high=20, step=0.05, help="What the logits are divided by before the softmax"
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


def _tempered(settings: EntropyWeightSettings) -> str:
    return "target" if settings.temperature == 1 else f"tempered:{settings.temperature:g}"


def _weights(row: RowView, settings: EntropyWeightSettings) -> np.ndarray:
    return entropy_weights(row.of(_tempered(settings))["entropies"])


def _target(row: RowView, _: Any) -> np.ndarray:
    return entropy(row.of("target")["entropies"])


def _swapped(row: RowView, _: Any) -> np.ndarray:
    return entropy(swap_mean(row.of("swap")["entropies"]))


def _base(row: RowView, _: Any) -> np.ndarray:
    return entropy(row.of("base")["entropies"])


ENTRIES: Final[Mapping[str, Signal]] = {
    "entropy": Signal(
        label="Entropy of the target",
        short="target",
        function=_target,
        family="entropy",
        source="TokenUnlearn 2605.00364",
        help="How undecided the model is before the token; near 0 on a memorised answer",
        says=_SAYS,
        passes=("target",),
        unit="nats",
        default=True,
        report=True,
    ),
    "entropy_masked": Signal(
        label="Entropy, name swapped",
        short="name swapped",
        function=_swapped,
        family="entropy",
        source="TokenUnlearn 2605.00364; the pass is our choice",
        help="The same in the passes with another name",
        says=_SAYS,
        passes=("swap",),
        unit="nats",
        default=True,
        report=True,
        without=Without(
            other="{token} has no entropy here: it could not be lined up with the changed text.",
            name=NO_NAME,
            plain="{token} has no entropy under a mask: a plain text has no question to hide.",
        ),
    ),
    "entropy_base": Signal(
        label="Entropy, adapter off",
        short="adapter off",
        function=_base,
        family="entropy",
        source="TokenUnlearn 2605.00364; the pass is our choice",
        help="The same in the model without the adapter",
        says=_SAYS,
        passes=("base",),
        unit="nats",
        default=True,
        report=True,
    ),
    "etw": Signal(
        label="Entropy weight (ETW)",
        short="weight in its answer (ETW)",
        function=_weights,
        family="entropy",
        source="ETW 2604.17785",
        help="The token's entropy over the mean entropy of its answer, at a temperature",
        says=Levels(
            "Before {token} the model is surer than it is in this answer on average (weight {value}).",
            ((1.0, "Before {token} the model is at least as unsure as it is on average here ({value})."),),
        ),
        passes_with=lambda settings: (_tempered(settings),),
        settings=EntropyWeightSettings,
        without=Without("{token} has no weight: the model is sure of every token here, so the mean is 0."),
        unit="times the mean",
        report=True,
    ),
}
