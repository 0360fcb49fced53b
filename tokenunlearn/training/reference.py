"""Cached log-probabilities of the frozen target: one pass before training, no second model."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from tokenunlearn.models.forward import batch_log_probs
from tokenunlearn.text.batching import collate
from tokenunlearn.text.encoding import Encoding


@torch.no_grad()
def reference_log_probs(
    model: Any, encodings: Sequence[Encoding], pad_id: int, *, batch_rows: int = 16
) -> list[Tensor]:
    """For each row float32 [answer tokens + end of turn] nats under the model with its trainable LoRA off."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    result: list[Tensor] = []
    with model.disable_adapter() if hasattr(model, "peft_config") else nullcontext():
        for start in range(0, len(encodings), batch_rows):
            batch = collate(encodings[start : start + batch_rows], pad_id).to(device)
            log_probs = batch_log_probs(model, batch)
            result += [row[mask].cpu() for row, mask in zip(log_probs, batch.answer_mask, strict=True)]
    model.train(was_training)
    return result
