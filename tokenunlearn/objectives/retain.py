"""Retain terms: what keeps the rest of the model where it was."""

from collections.abc import Mapping
from typing import Any, Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tokenunlearn.objectives.batch import LossSum, TokenBatch, row_mean, token_mean
from tokenunlearn.objectives.entry import Retain, State
from tokenunlearn.objectives.representation import distance


def retain_cross_entropy(batch: TokenBatch, _settings: Any, _state: State) -> LossSum:
    """Return −Σ lp / n over the answer tokens of the batch, nats."""
    return token_mean(-batch.log_probs, batch)


def retain_divergence(batch: TokenBatch, _settings: Any, _state: State) -> LossSum:
    """Return KL(π_ref ‖ π) over the full vocabulary in nats, mean over answer positions only, float32."""

    def divergence(
        logits: Float[Tensor, "tokens vocab"],
        reference: Float[Tensor, "tokens vocab"],
        _targets: Int[Tensor, " tokens"],
    ) -> Float[Tensor, " tokens"]:
        current, wanted = logits.log_softmax(-1), reference.log_softmax(-1)
        return torch.nn.functional.kl_div(current, wanted, reduction="none", log_target=True).sum(-1)

    return token_mean(batch.per_token(divergence, "logits", "reference_logits"), batch)


def retain_states(batch: TokenBatch, _settings: Any, _state: State) -> LossSum:
    """Return the mean over rows of mean ‖h − h_ref‖²/d over the answer tokens, d the width of the states."""
    return row_mean(distance(batch, batch.hidden, batch.reference_hidden), batch)


ENTRIES: Final[Mapping[str, Retain]] = {
    "ce": Retain(
        label="cross-entropy",
        function=retain_cross_entropy,
        help="Cross-entropy of the answers to keep",
        source="TOFU 2401.06121",
    ),
    "kl": Retain(
        label="KL",
        function=retain_divergence,
        needs=frozenset({"logits", "reference_logits"}),
        help="Divergence from the frozen target's distribution on the answers to keep",
        source="TOFU 2401.06121",
    ),
    "hidden": Retain(
        label="hidden states",
        function=retain_states,
        needs=frozenset({"hidden", "reference_hidden"}),
        help="Distance of the states from the frozen target's, after the layer that the objective names",
        source="Li et al. 2403.03218",
    ),
}
