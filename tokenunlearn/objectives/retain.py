"""Retain terms: what keeps the rest of the model where it was."""

import torch
from jaxtyping import Float
from torch import Tensor

from tokenunlearn.objectives.batch import LossSum, TokenBatch, masked


def retain_cross_entropy(batch: TokenBatch) -> LossSum:
    """−Σ lp / n over the answer tokens of the batch, nats."""
    return LossSum(-masked(batch.log_probs, batch.mask).sum(), float(batch.mask.sum()))


def retain_divergence(
    logits: Float[Tensor, "rows vocab"], reference_logits: Float[Tensor, "rows vocab"]
) -> LossSum:
    """KL(π_ref ‖ π) over the full vocabulary in nats, summed over answer positions only, float32."""
    reference = reference_logits.float().log_softmax(-1)
    current = logits.float().log_softmax(-1)
    divergence = torch.nn.functional.kl_div(current, reference, reduction="sum", log_target=True)
    return LossSum(divergence, float(len(logits)))
