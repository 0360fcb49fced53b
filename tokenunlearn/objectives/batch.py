"""What every objective receives and returns: token columns in, a sum and its count out. No model inside."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """Answer tokens of a batch of rows, in nats. `reference` is the frozen target's, without gradient."""

    log_probs: Float[Tensor, "batch answers"]
    reference: Float[Tensor, "batch answers"] | None
    weights: Float[Tensor, "batch answers"]
    mask: Bool[Tensor, "batch answers"]


@dataclass(frozen=True)
class LossSum:
    """A loss as sum and count: the loss is total / count, and shards add up exactly.

    Data-parallel processes divide by the count summed over all of them, never by their own.
    """

    total: Float[Tensor, ""]
    count: float


def masked(
    values: Float[Tensor, "batch answers"], mask: Bool[Tensor, "batch answers"]
) -> Float[Tensor, "batch answers"]:
    """`values` with 0 where there is no answer token."""
    return torch.where(mask, values, torch.zeros_like(values))


def mean_one(
    weights: Float[Tensor, "batch answers"], mask: Bool[Tensor, "batch answers"]
) -> Float[Tensor, "batch answers"]:
    """Weights rescaled so that each row's mean over its answer tokens is 1; all-zero rows stay zero."""
    weights = masked(weights, mask)
    total = weights.sum(-1, keepdim=True)
    return torch.where(total > 0, weights * mask.sum(-1, keepdim=True) / total.clamp_min(1e-12), weights)
