"""Ascent objectives: lower the log-probability of the chosen tokens. Unbounded: the guard watches."""

from dataclasses import dataclass

from tokenunlearn.objectives.batch import LossSum, TokenBatch, masked
from tokenunlearn.settings import check, setting


@dataclass(frozen=True)
class AscentSettings:
    """Gradient ascent has nothing to set."""


@dataclass(frozen=True)
class WGASettings:
    """Settings of weighted gradient ascent (OpenUnlearning's default; the authors' code has 5)."""

    confidence_power: float = setting(
        1.0, low=0, high=10, step=0.1, help="Power of the token's own probability that weights its ascent"
    )

    def __post_init__(self) -> None:
        check(self)


def gradient_ascent(batch: TokenBatch, _settings: AscentSettings) -> LossSum:
    """Σ w·lp / Σ w over the answer tokens of the batch, nats: minus the cross-entropy.

    Source: Jang et al. 2210.01504; the mean over all answer tokens of the batch as in OpenUnlearning.
    """
    weights = masked(batch.weights, batch.mask)
    return LossSum((weights * masked(batch.log_probs, batch.mask)).sum(), float(weights.sum()))


def weighted_gradient_ascent(batch: TokenBatch, settings: WGASettings) -> LossSum:
    """Σ w·sg(p^α)·lp / Σ w, nats. Source: WGA, Wang et al. 2502.19301; the weight p^α carries no gradient."""
    weights = masked(batch.weights, batch.mask)
    log_probs = masked(batch.log_probs, batch.mask)
    confidence = (settings.confidence_power * log_probs.detach()).exp()
    return LossSum((weights * confidence * log_probs).sum(), float(weights.sum()))
