"""Objectives on the states inside the model: where the chosen tokens' states go, the words follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from tokenunlearn.objectives.batch import LossSum, TokenBatch, masked, row_mean
from tokenunlearn.objectives.entry import Objective, State
from tokenunlearn.settings import check, setting


@dataclass(frozen=True)
class RMUSettings:
    """Settings of representation misdirection: c of OpenUnlearning's class; tried on the embedded model.

    A vector as long as the states there (c = 400) forgets further and loses the retained facts (docs/LOG.md).
    """

    depth: float = setting(
        0.8, low=0.05, high=1, step=0.05, help="Share of the decoder layers after which the states are moved"
    )
    steering: float = setting(
        20.0, low=0.1, high=100000, step=0.1, help="Length c of the random vector that states are moved to"
    )

    def __post_init__(self) -> None:
        check(self)


def rmu(batch: TokenBatch, settings: RMUSettings, state: State) -> LossSum:
    """Return the mean over rows of Σ w·‖h − c·u‖²/d / Σ w: states at the answer tokens, d their width.

    Source: RMU, Li et al. 2403.03218, as in OpenUnlearning's rmu.py: output of one block, answer tokens.
    """
    goal = settings.steering * state["u"].to(batch.hidden)
    return row_mean(distance(batch, batch.hidden, goal), batch)


def distance(
    batch: TokenBatch, states: Float[Tensor, "batch answers hidden"], goal: Tensor
) -> Float[Tensor, " batch"]:
    """Return each row's weighted mean over its tokens of the squared distance to `goal` over the width."""
    squared = masked(((states - goal) ** 2).mean(-1), batch.mask)
    weights = masked(batch.weights, batch.mask)
    return (weights * squared).sum(-1) / weights.sum(-1).clamp_min(1e-12)


def control_vector(_settings: RMUSettings, width: int, generator: torch.Generator) -> State:
    """Return u: uniform numbers from 0 to 1 over their length, drawn once and kept."""
    drawn = torch.rand(width, generator=generator)
    return {"u": drawn / drawn.norm()}


ENTRIES: Final[Mapping[str, Objective]] = {
    "rmu": Objective(
        label="RMU",
        function=rmu,
        settings=RMUSettings,
        needs=frozenset({"hidden"}),
        retains="hidden",
        state=control_vector,
        help="Moves the chosen tokens' states inside the model to a random vector",
        source="Li et al. 2403.03218",
    ),
}
