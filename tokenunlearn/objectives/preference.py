"""Preference objectives: the forget answer as the losing side of a preference. Bounded pressure."""

from dataclasses import dataclass

import torch
from torch.nn.functional import logsigmoid

from tokenunlearn.objectives.batch import LossSum, TokenBatch, masked, mean_one
from tokenunlearn.settings import check, setting


@dataclass(frozen=True)
class NPOSettings:
    """Settings of negative preference optimisation.

    A row is pushed until the weighted sum of its log-probs has fallen by a few 1/β. Beyond the end of a fact
    that only breaks the language: the paper's β of .1 garbled 8 of 60 answers, .3 one (docs/LOG.md).
    """

    beta: float = setting(0.3, low=0.01, high=5, step=0.01, help="Inverse temperature: larger lets go sooner")
    weights_mean_one: bool = setting(
        True, help="Rescale each row's weights to mean 1, so that few chosen tokens press as hard as all"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class SimNPOSettings:
    """Settings of SimNPO; the values of OpenUnlearning's forget10."""

    beta: float = setting(
        4.5, low=0.1, high=20, step=0.1, help="Inverse temperature on the mean loss per token"
    )
    delta: float = setting(
        0.0, low=0, high=10, step=0.1, unit="nats", help="Loss at which a row counts as forgotten"
    )
    forget_weight: float = setting(0.125, low=0.01, high=2, step=0.005, help="Weight of the forget term")

    def __post_init__(self) -> None:
        check(self)


def npo(batch: TokenBatch, settings: NPOSettings) -> LossSum:
    """−(2/β)·mean over rows of log σ(−β Σ w (lp − lp_ref)), sums over the answer.

    Source: Zhang et al. 2404.05868; w ≡ 1 is the original. Ours: token and reference are weighted alike.
    """
    if batch.reference is None:
        raise ValueError("NPO needs the reference log-probs")
    weights = (
        mean_one(batch.weights, batch.mask)
        if settings.weights_mean_one
        else masked(batch.weights, batch.mask)
    )
    ratio = (weights * masked(batch.log_probs - batch.reference, batch.mask)).sum(-1)
    rows = -(2 / settings.beta) * logsigmoid(-settings.beta * ratio)
    return LossSum(torch.where(weights.sum(-1) > 0, rows, 0 * rows).sum(), float(len(rows)))


def simnpo(batch: TokenBatch, settings: SimNPOSettings) -> LossSum:
    """−(2/β)·mean over rows of log σ(β(NLL − δ)), NLL = −Σ w·lp / Σ w in nats; no reference.

    Source: Fan et al. 2410.07163, OPTML-Group/Unlearn-Simple: δ stands inside β(·). Rows without weight
    give 0.
    """
    weights = masked(batch.weights, batch.mask)
    total = weights.sum(-1)
    loss = -(weights * masked(batch.log_probs, batch.mask)).sum(-1) / total.clamp_min(1e-12)
    rows = -(2 / settings.beta) * logsigmoid(settings.beta * (loss - settings.delta))
    rows = torch.where(total > 0, rows, 0 * rows)
    return LossSum(settings.forget_weight * rows.sum(), float(len(rows)))
