"""Preference objectives: the forget answer as the losing side of a preference. Bounded pressure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from tokenunlearn.objectives.batch import LossSum, TokenBatch, masked, mean_one, row_mean, token_mean
from tokenunlearn.objectives.entry import Objective, State
from tokenunlearn.objectives.second_answers import perturbed, refusal
from tokenunlearn.settings import check, setting

MEAN_ONE = "Rescale each row's weights to mean 1, so that few chosen tokens press as hard as all"


@dataclass(frozen=True)
class NPOSettings:
    """Settings of negative preference optimisation.

    A row is pushed until the weighted sum of its log-probs has fallen by a few 1/β. Beyond the end of a fact
    that only breaks the language: the paper's β of .1 garbled 11 of 60 answers, .3 six (docs/LOG.md).
    """

    beta: float = setting(0.3, low=0.01, high=5, step=0.01, help="Inverse temperature: larger lets go sooner")
    weights_mean_one: bool = setting(True, help=MEAN_ONE)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class TNPOSettings:
    """Settings of token-wise NPO."""

    beta: float = setting(
        4.0, low=0.01, high=20, step=0.01, help="Inverse temperature: larger lets go sooner"
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


@dataclass(frozen=True)
class DPOSettings:
    """Settings of preference optimisation with a second answer (OpenUnlearning's β)."""

    beta: float = setting(0.1, low=0.01, high=5, step=0.01, help="Inverse temperature: larger lets go sooner")
    weights_mean_one: bool = setting(True, help=MEAN_ONE)

    def __post_init__(self) -> None:
        check(self)


def npo(batch: TokenBatch, settings: NPOSettings, _state: State) -> LossSum:
    """Return −(2/β)·mean over rows of log σ(−β Σ w (lp − lp_ref)), sums over the answer.

    Source: Zhang et al. 2404.05868; w ≡ 1 is the original. Ours: token and reference are weighted alike.
    """
    ratio = log_ratio(batch, _weights(batch, settings.weights_mean_one))
    return row_mean(-(2 / settings.beta) * logsigmoid(-settings.beta * ratio), batch)


def tnpo(batch: TokenBatch, settings: TNPOSettings, _state: State) -> LossSum:
    """Return −(2/β)·Σ w·log σ(−β(lp − lp_ref)) / Σ w: NPO with a sigmoid for each token.

    Source: TNPO, Wang et al. 2502.19301. Their code weights ascent by 2p^β/(p^β + p_ref^β + 10⁻⁵) without
    gradient, which has another value and the same gradient except for their 10⁻⁵: that lets go of tokens with
    p_ref below about .1 (β = 4). Ours has no such term.
    """
    ratio = masked(batch.log_probs - batch.reference, batch.mask)
    return token_mean(-(2 / settings.beta) * logsigmoid(-settings.beta * ratio), batch)


def simnpo(batch: TokenBatch, settings: SimNPOSettings, _state: State) -> LossSum:
    """Return −(2/β)·mean over rows of log σ(β(NLL − δ)), NLL = −Σ w·lp / Σ w in nats; no reference.

    Source: Fan et al. 2410.07163, OPTML-Group/Unlearn-Simple: δ stands inside β(·). Rows without weight
    give 0.
    """
    weights = masked(batch.weights, batch.mask)
    loss = -(weights * masked(batch.log_probs, batch.mask)).sum(-1) / weights.sum(-1).clamp_min(1e-12)
    rows = -(2 / settings.beta) * logsigmoid(settings.beta * (loss - settings.delta))
    return row_mean(settings.forget_weight * rows, batch)


def dpo(batch: TokenBatch, settings: DPOSettings, _state: State) -> LossSum:
    """Return −(2/β)·mean over rows of log σ(β[Σ (lp′ − lp′_ref) − Σ w (lp − lp_ref)]), lp′ of the second.

    Source: DPO, Rafailov et al. 2305.18290, with OpenUnlearning's factor 2/β where TRL has 1; the sums run
    over whole answers. The weights are those of the losing answer; a row without any is left out whole.
    """
    second = batch.other_answer
    lost = log_ratio(batch, _weights(batch, settings.weights_mean_one))
    won = log_ratio(second, masked(second.weights, second.mask))
    return row_mean(-(2 / settings.beta) * logsigmoid(settings.beta * (won - lost)), batch)


def log_ratio(batch: TokenBatch, weights: Float[Tensor, "batch answers"]) -> Float[Tensor, " batch"]:
    """Return Σ w (lp − lp_ref) of each row, nats."""
    return (weights * masked(batch.log_probs - batch.reference, batch.mask)).sum(-1)


def _weights(batch: TokenBatch, rescale: bool) -> Float[Tensor, "batch answers"]:
    return mean_one(batch.weights, batch.mask) if rescale else masked(batch.weights, batch.mask)


ENTRIES: Final[Mapping[str, Objective]] = {
    "npo": Objective(
        label="NPO",
        function=npo,
        settings=NPOSettings,
        needs=frozenset({"reference"}),
        help="Pushes each answer below the target's own, and lets go as it becomes unlikely",
        source="Zhang et al. 2404.05868",
    ),
    "tnpo": Objective(
        label="TNPO",
        function=tnpo,
        settings=TNPOSettings,
        needs=frozenset({"reference"}),
        help="NPO token by token: lets go of each token by itself",
        source="Wang et al. 2502.19301",
    ),
    "simnpo": Objective(
        label="SimNPO",
        function=simnpo,
        settings=SimNPOSettings,
        help="NPO on the mean loss per token, without a reference",
        source="Fan et al. 2410.07163",
    ),
    "idk_dpo": Objective(
        label="IdkDPO",
        function=dpo,
        settings=DPOSettings,
        needs=frozenset({"reference", "other_answer"}),
        other=refusal,
        help="Prefers a refusal such as “I don't know that.” to each answer",
        source="Rafailov et al. 2305.18290",
    ),
    "alt_dpo": Objective(
        label="AltPO-style DPO",
        function=dpo,
        settings=DPOSettings,
        needs=frozenset({"reference", "other_answer"}),
        other=perturbed,
        help="Prefers a wrong answer of the row's own (its perturbed answers) to the true one",
        source="Mekala et al. 2409.13474",
    ),
}
