"""Batches of answer tokens from plain tensors, as a term of the loss sees them."""

from typing import Any

import torch
from torch import Tensor

from tokenunlearn.objectives import OBJECTIVES, RETAINS, LossSum, TokenBatch

LOGITS = ("logits", "reference_logits")


def batch_of(weights: Any, mask: Any, targets: Any = None, **given: Any) -> TokenBatch:
    """Return the batch; `given` are its sources by name, as tensors (logits [tokens vocab]), or a batch."""
    weights = torch.as_tensor(weights, dtype=torch.float32)
    mask = torch.as_tensor(mask, dtype=torch.bool)
    targets = torch.zeros(mask.shape, dtype=torch.long) if targets is None else torch.as_tensor(targets)
    sources = {
        name: (lambda value=value: value.__getitem__) if name in LOGITS else (lambda value=value: value)
        for name, value in given.items()
    }
    return TokenBatch(weights, mask, targets, sources)


def drawn(name: str, rows: int = 4, tokens: int = 5, seed: int = 0, ones: bool = False) -> TokenBatch:
    """Return a random batch with all that any term may need; row 1 has three tokens, the others all.

    `name` of the objective decides whose needs are given. Leaves that a gradient can reach: `leaves_of`.
    """
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(rows, tokens, dtype=torch.bool)
    mask[1, 3:] = False
    count, vocab, width = int(mask.sum()), 7, 3

    def log_probs() -> Tensor:
        return (0.9 * torch.rand(rows, tokens, generator=generator) + 0.05).log()

    weights = torch.rand(rows, tokens, generator=generator)
    targets = torch.randint(vocab, (rows, tokens), generator=generator)
    ones_ = torch.ones(rows, tokens)
    everything = {
        "log_probs": log_probs().requires_grad_(),
        "reference": log_probs(),
        "logits": torch.randn(count, vocab, generator=generator).requires_grad_(),
        "reference_logits": torch.randn(count, vocab, generator=generator),
        "hidden": torch.randn(rows, tokens, width, generator=generator).requires_grad_(),
        "reference_hidden": torch.randn(rows, tokens, width, generator=generator),
        "other_answer": batch_of(ones_, mask, log_probs=log_probs().requires_grad_(), reference=log_probs()),
    }
    needs = {"log_probs", *(OBJECTIVES.get(name) or RETAINS[name]).needs}
    given = {key: value for key, value in everything.items() if key in needs}
    return batch_of(ones_ if ones else weights, mask, targets, **given)


def leaves_of(batch: TokenBatch) -> dict[str, Tensor]:
    """Return what a gradient can reach in the batch, by name; of logits the tensor [tokens vocab]."""
    found: dict[str, Tensor] = {}
    for name, source in batch.sources.items():
        value = source()
        if name == "other_answer":
            found[name] = value.log_probs
        elif name in LOGITS:
            value = value.__self__
        if isinstance(value, Tensor) and value.requires_grad:
            found[name] = value
    return found


def state_of(name: str, width: int = 3) -> dict[str, Tensor]:
    """Return the state of an objective at the start."""
    entry = OBJECTIVES[name]
    return dict(entry.state(entry.settings(), width, torch.Generator().manual_seed(0)))


def value_of(name: str, batch: TokenBatch, **settings: Any) -> LossSum:
    """Return what the objective or retain term gives of a batch, under its defaults or the settings."""
    if name in RETAINS:
        return RETAINS[name].function(batch, None, {})
    return OBJECTIVES[name].function(batch, OBJECTIVES[name].settings(**settings), state_of(name))
