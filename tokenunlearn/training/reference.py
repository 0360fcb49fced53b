"""Cached log-probabilities of the frozen target: one pass before training, no second model."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from tokenunlearn.models.capabilities import evaluating
from tokenunlearn.models.forward import batch_log_probs, without_adapter
from tokenunlearn.text.batching import Batch


@torch.no_grad()
def reference_log_probs(model: Any, batches: Iterable[Batch]) -> list[Tensor]:
    """Return each row's log-probs with the LoRA off: float32 [answer tokens + end of turn], nats."""
    result: list[Tensor] = []
    with evaluating(model), without_adapter(model):
        for batch in batches:
            log_probs = batch_log_probs(model, batch)
            result += [row[mask].cpu() for row, mask in zip(log_probs, batch.answer_mask, strict=True)]
    return result
