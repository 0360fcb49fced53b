"""Objectives on the whole distribution at each answer token: what the model says besides the true token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tokenunlearn.objectives.batch import LossSum, TokenBatch, token_mean
from tokenunlearn.objectives.entry import NoSettings, Objective, State
from tokenunlearn.settings import check, setting


@dataclass(frozen=True)
class UNDIALSettings:
    """Settings of UNDIAL (OpenUnlearning's strength; the authors' code has 5)."""

    strength: float = setting(
        10.0, low=0, high=100, step=0.5, help="How far the target's logit of the true token is lowered"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class PDUSettings:
    """Settings of primal-dual unlearning. `retain_weight` is not used: the dual variable is that weight."""

    forget_weight: float = setting(1.0, low=0, high=100, step=0.1, help="Weight of the forget term")
    dual_start: float = setting(
        100.0, low=0, high=1000, step=1, help="Weight of the retain term at the start"
    )
    dual_step: float = setting(
        5.0,
        low=0,
        high=1000,
        step=0.1,
        help="How much each nat of retain loss above the tolerance raises that weight",
    )
    tolerance: float = setting(
        0.3, low=0, high=20, step=0.01, unit="nats", help="Retain loss that is allowed"
    )
    warm_up: int = setting(
        0, low=0, high=2000, step=1, unit="steps", help="Steps before the weight moves for the first time"
    )

    def __post_init__(self) -> None:
        check(self)


def undial(batch: TokenBatch, settings: UNDIALSettings, _state: State) -> LossSum:
    """Return Σ w·CE(softmax(z_ref − γ·onehot(x)), softmax(z)) / Σ w, nats.

    Source: UNDIAL, Dong et al. 2402.10052. Over answer tokens alone; OpenUnlearning's code averages over
    prompt and padding too, where it distils the target by accident.
    """

    def loss(
        logits: Float[Tensor, "tokens vocab"],
        reference: Float[Tensor, "tokens vocab"],
        targets: Int[Tensor, " tokens"],
    ) -> Float[Tensor, " tokens"]:
        lowered = torch.full_like(targets, -settings.strength, dtype=reference.dtype)[:, None]
        wanted = reference.scatter_add(-1, targets[:, None], lowered).softmax(-1)
        return -(wanted * logits.log_softmax(-1)).sum(-1)

    return token_mean(batch.per_token(loss, "logits", "reference_logits"), batch)


def ce_u(batch: TokenBatch, _settings: NoSettings, _state: State) -> LossSum:
    """Return Σ w·CE(sg[softmax(z with z_x = −∞)], softmax(z)) / Σ w, nats.

    Source: CE-U, 2503.01224, OpenUnlearning's ceu.py. The goal is the model's own distribution without the
    true token and carries no gradient. Ours takes the first answer token too, which the reference skips.
    """

    def loss(
        logits: Float[Tensor, "tokens vocab"], targets: Int[Tensor, " tokens"]
    ) -> Float[Tensor, " tokens"]:
        others = logits.detach().scatter(-1, targets[:, None], float("-inf")).softmax(-1)
        return -(others * logits.log_softmax(-1)).sum(-1)

    return token_mean(batch.per_token(loss, "logits"), batch)


def pdu(batch: TokenBatch, _settings: PDUSettings, _state: State) -> LossSum:
    """Return Σ w·(max z − mean z)² / Σ w: 0 where the distribution is uniform.

    Source: PDU, 2506.05314, OpenUnlearning's pdu.py; there over every position, the prompt's too.
    """

    def loss(
        logits: Float[Tensor, "tokens vocab"], _targets: Int[Tensor, " tokens"]
    ) -> Float[Tensor, " tokens"]:
        return (logits.max(-1).values - logits.mean(-1)) ** 2

    return token_mean(batch.per_token(loss, "logits"), batch)


def dual_start(settings: PDUSettings, _width: int, _generator: torch.Generator) -> State:
    """Return the dual variable λ at the start, and that no step is done."""
    return {"dual": torch.tensor(settings.dual_start), "steps": torch.tensor(0)}


def dual_step(state: State, settings: PDUSettings, retain: float) -> State:
    """Return λ ← max(0, λ + η·(L_retain − ε)) after the warm-up; once a step, by the global loss."""
    steps = state["steps"] + 1
    if steps <= settings.warm_up:
        return {**state, "steps": steps}
    moved = float(state["dual"]) + settings.dual_step * (retain - settings.tolerance)
    return {"dual": torch.tensor(max(0.0, moved)), "steps": steps}


def lagrangian(_retain_weight: float, settings: PDUSettings, state: State) -> tuple[float, float]:
    """Return the weights of γ·L_forget + λ·(L_retain − ε); the constant −λε moves nothing."""
    return settings.forget_weight, float(state["dual"])


ENTRIES: Final[Mapping[str, Objective]] = {
    "undial": Objective(
        label="UNDIAL",
        function=undial,
        settings=UNDIALSettings,
        needs=frozenset({"logits", "reference_logits"}),
        help="Learns the target's own distribution with the true token's logit lowered: a fixed goal",
        source="Dong et al. 2402.10052",
    ),
    "ce_u": Objective(
        label="CE-U",
        function=ce_u,
        needs=frozenset({"logits"}),
        retains="",
        help="Learns the model's own distribution without the true token, and has no retain term",
        source="Yang 2503.01224",
    ),
    "pdu": Objective(
        label="PDU",
        function=pdu,
        settings=PDUSettings,
        needs=frozenset({"logits", "retain_rows"}),
        state=dual_start,
        advance=dual_step,
        combine=lagrangian,
        help="Flattens the logits while the retain loss stays below a bound: its weight moves by itself",
        source="Entesari et al. 2506.05314",
    ),
}
