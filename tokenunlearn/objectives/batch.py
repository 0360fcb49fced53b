"""What every term of the loss receives and returns: token columns in, a sum and its count out.

No model is named here: what a pass of the model must give is computed by whoever made the batch, when it is
first read, and only what the entry of the term declares.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

CHUNK: Final = 256  # answer tokens at a time: 256 × 49,152 float32 = 50 MB


@dataclass(frozen=True)
class LossSum:
    """A loss as sum and count: the loss is total / count, and shards add up exactly.

    Data-parallel processes divide by the count summed over all of them, never by their own.
    """

    total: Float[Tensor, ""]
    count: float


@dataclass(frozen=True)
class TokenBatch:
    """Answer tokens of a batch of rows, the end of turn included: to forget, to keep, or of second answers.

    `targets` are the ids of the tokens. `sources` holds, by name, what computes each thing that the model
    says of them: `log_probs`, and what the term's entry names in `needs` (`entry.NEEDS`); each runs once.
    """

    weights: Float[Tensor, "batch answers"]
    mask: Bool[Tensor, "batch answers"]
    targets: Int[Tensor, "batch answers"]
    sources: Mapping[str, Callable[[], Any]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", {name: cache(source) for name, source in self.sources.items()})

    @property
    def log_probs(self) -> Float[Tensor, "batch answers"]:
        """Log-probabilities of the answer tokens, nats."""
        return self._of("log_probs")

    @property
    def reference(self) -> Float[Tensor, "batch answers"]:
        """The same under the frozen target, without gradient."""
        return self._of("reference")

    @property
    def hidden(self) -> Float[Tensor, "batch answers hidden"]:
        """States *at* the answer tokens, after the layer that the settings name."""
        return self._of("hidden")

    @property
    def reference_hidden(self) -> Float[Tensor, "batch answers hidden"]:
        """The same of the frozen target, without gradient."""
        return self._of("reference_hidden")

    @property
    def other_answer(self) -> "TokenBatch":
        """The second answers to the same questions, every token with weight 1."""
        return self._of("other_answer")

    def per_token(self, function: Callable[..., Tensor], *names: str) -> Float[Tensor, "batch answers"]:
        """Return `function(*logits, targets)` of each answer token, 0 in the padding.

        `names`: which logits it takes, of `logits` and `reference_logits`; each comes as float32
        [tokens, vocab], the targets as [tokens]. It sees `CHUNK` tokens at a time, so that one chunk's logits
        are held, in the backward pass too.
        """
        logits = [self._of(name) for name in names]
        targets = self.targets[self.mask]

        def chunk(start: int) -> Tensor:
            part = slice(start, start + CHUNK)
            return function(*(of(part) for of in logits), targets[part])

        starts = range(0, len(targets), CHUNK)
        one = len(starts) == 1
        parts = [chunk(start) if one else checkpoint(chunk, start, use_reentrant=False) for start in starts]
        values = torch.cat(parts)
        return torch.zeros(self.mask.shape, device=values.device).masked_scatter(self.mask, values)

    def _of(self, name: str) -> Any:
        if name not in self.sources:
            raise LookupError(f"{name!r} is read, and the entry does not name it in `needs`")
        return self.sources[name]()


def masked(
    values: Float[Tensor, "batch answers"], mask: Bool[Tensor, "batch answers"]
) -> Float[Tensor, "batch answers"]:
    """Return `values` with 0 where there is no answer token."""
    return torch.where(mask, values, torch.zeros_like(values))


def mean_one(
    weights: Float[Tensor, "batch answers"], mask: Bool[Tensor, "batch answers"]
) -> Float[Tensor, "batch answers"]:
    """Return weights rescaled to mean 1 over each row's answer tokens; all-zero rows stay zero."""
    weights = masked(weights, mask)
    total = weights.sum(-1, keepdim=True)
    return torch.where(total > 0, weights * mask.sum(-1, keepdim=True) / total.clamp_min(1e-12), weights)


def token_mean(values: Float[Tensor, "batch answers"], batch: TokenBatch) -> LossSum:
    """Return Σ w·value over the batch, to be divided by Σ w."""
    weights = masked(batch.weights, batch.mask)
    return LossSum((weights * masked(values, batch.mask)).sum(), float(weights.sum()))


def row_mean(rows: Float[Tensor, " batch"], batch: TokenBatch) -> LossSum:
    """Return the sum over the rows, to be divided by their number; a row without any weight gives 0."""
    chosen = masked(batch.weights, batch.mask).sum(-1) > 0
    return LossSum(torch.where(chosen, rows, 0 * rows).sum(), float(len(rows)))
