"""Ascent objectives: lower the log-probability of the chosen tokens. Unbounded: the guard watches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tokenunlearn.objectives.batch import LossSum, TokenBatch, token_mean
from tokenunlearn.objectives.entry import NoSettings, Objective, State
from tokenunlearn.settings import check, setting


@dataclass(frozen=True)
class WGASettings:
    """Settings of weighted gradient ascent (OpenUnlearning's default; the authors' code has 5)."""

    confidence_power: float = setting(
        1.0, low=0, high=10, step=0.1, help="Power of the token's own probability that weights its ascent"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SatImpSettings:
    """Settings of SatImp; the powers are those of OpenUnlearning.

    The forget weight is ten times the default `retain_weight`, the ratio of the authors' README.
    """

    saturation_power: float = setting(
        5.0, low=0, high=10, step=0.1, help="Power of the token's probability p: less pressure once it is low"
    )
    importance_power: float = setting(
        1.0, low=0, high=10, step=0.1, help="Power of 1 − p: less pressure where the token is certain"
    )
    forget_weight: float = setting(50.0, low=0.01, high=1000, step=0.01, help="Weight of the forget term")

    def __post_init__(self) -> None:
        check(self)


def gradient_ascent(batch: TokenBatch, _settings: NoSettings, _state: State) -> LossSum:
    """Return Σ w·lp / Σ w over the answer tokens of the batch, nats: minus the cross-entropy.

    Source: Jang et al. 2210.01504; the mean over all answer tokens of the batch as in OpenUnlearning.
    """
    return token_mean(batch.log_probs, batch)


def weighted_gradient_ascent(batch: TokenBatch, settings: WGASettings, _state: State) -> LossSum:
    """Return Σ w·sg(p^α)·lp / Σ w, nats.

    Source: WGA, Wang et al. 2502.19301; the weight p^α carries no gradient.
    """
    confidence = (settings.confidence_power * batch.log_probs.detach()).exp()
    return token_mean(confidence * batch.log_probs, batch)


def satimp(batch: TokenBatch, settings: SatImpSettings, _state: State) -> LossSum:
    """Return γ·Σ w·sg(p^β₁·(1 − p)^β₂)·lp / Σ w, nats.

    Source: SatImp, Yang et al. 2505.11953, as in OpenUnlearning. A token that is known for sure (p → 1) has
    almost no weight: the highest, .067 for powers 5 and 1, is that of p = 5/6.
    """
    p = batch.log_probs.detach().exp()
    weight = p**settings.saturation_power * (1 - p) ** settings.importance_power
    return token_mean(settings.forget_weight * weight * batch.log_probs, batch)


ENTRIES: Final[Mapping[str, Objective]] = {
    "ga": Objective(
        label="GA",
        function=gradient_ascent,
        retains="",
        help="Makes the chosen tokens less likely, without end and without a retain term",
        source="Jang et al. 2210.01504",
    ),
    "grad_diff": Objective(
        label="GradDiff",
        function=gradient_ascent,
        help="Makes the chosen tokens less likely, without end, and keeps the retain rows",
        source="TOFU 2401.06121",
    ),
    "wga": Objective(
        label="WGA",
        function=weighted_gradient_ascent,
        settings=WGASettings,
        help="Ascent that lets go of a token as it becomes unlikely",
        source="Wang et al. 2502.19301",
    ),
    "satimp": Objective(
        label="SatImp",
        function=satimp,
        settings=SatImpSettings,
        help="Raises the loss of tokens that are known but not certain; leaves forgotten and memorised ones "
        "alone",
        source="Yang et al. 2505.11953",
    ),
}
