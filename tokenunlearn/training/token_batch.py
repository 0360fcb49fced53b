"""Batches as the terms of the loss see them: what an entry needs is computed when it is read, and once.

One pass with gradient gives log-probabilities, logits and hidden states; one with the trained LoRA off gives
the frozen target's logits and states. Neither runs before something of it is read.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tokenunlearn.errors import ModelError, SettingError
from tokenunlearn.models.forward import LogitsOf, answer_hidden, causal_model, log_probs_of, without_adapter
from tokenunlearn.models.layers import layer_count, layer_list, output_of
from tokenunlearn.objectives import TokenBatch
from tokenunlearn.text.batching import Batch


def moved_layer(model: Any, depth: float, first: int) -> int:
    """Return the number (from 1) of the decoder layer that lies at `depth`, 0 to 1, of the model.

    `first`: the lowest layer that trains, from 0. Raises ModelError for a model whose layers cannot be
    counted, and SettingError for a layer below the trained ones: its states never move.
    """
    count = layer_count(causal_model(model))
    if not count:
        raise ModelError(
            "This model's layers cannot be told apart",
            "They form no plain list, and the objective looks at the states after one of them",
            "Choose an objective that needs no hidden states",
        )
    layer = max(1, round(depth * count))
    if layer <= first:
        raise SettingError(
            f"Layers {first + 1} to {count} are trained; layer {layer} (depth {depth:g}) lies below them",
            "The states below the trained layers never move",
            f"Raise depth to {(first + 1) / count:.2f} or more, or raise layer_share",
            "depth",
        )
    return layer


@dataclass(frozen=True)
class _Pass:
    """What one pass gives at the answer tokens. `states` [batch answers hidden] where a layer is asked."""

    vectors: Float[Tensor, "rows width"]
    logits_of: LogitsOf
    states: Tensor | None


def token_batch(
    model: Any,
    batch: Batch,
    weights: Float[Tensor, "batch answers"],
    needs: Collection[str],
    *,
    layer: int = 0,
    reference: Callable[[], Tensor] | None = None,
    other: Callable[[], TokenBatch] | None = None,
) -> TokenBatch:
    """Return a batch that computes the log-probabilities and what `needs` names.

    `layer`: after which layer hidden states are read, from 1. `reference`: gives the frozen target's cached
    log-probabilities, `other`: the second answers, where they are needed.
    """
    live = cache(lambda: _run(model, batch, layer if "hidden" in needs else 0))

    @cache
    def frozen() -> _Pass:
        with torch.no_grad(), without_adapter(model):
            return _run(model, batch, layer if "reference_hidden" in needs else 0)

    def frozen_logits(part: slice) -> Tensor:
        with torch.no_grad(), without_adapter(model):
            return frozen().logits_of(frozen().vectors[part])

    sources: Mapping[str, Callable[[], Any] | None] = {
        "log_probs": lambda: log_probs_of(live().vectors, live().logits_of, batch),
        "logits": lambda: lambda part: live().logits_of(live().vectors[part]),
        "hidden": lambda: live().states,
        "reference": reference,
        "reference_logits": lambda: frozen_logits,
        "reference_hidden": lambda: frozen().states,
        "other_answer": other,
    }
    given = {name: source for name, source in sources.items() if source and name in {"log_probs", *needs}}
    return TokenBatch(weights, batch.answer_mask, batch.targets, given)


def _run(model: Any, batch: Batch, layer: int) -> _Pass:
    if not layer:
        return _Pass(*answer_hidden(model, batch), None)
    layers = layer_list(causal_model(model))
    assert layers is not None  # `moved_layer` has counted them
    with output_of(layers[1][layer - 1]) as caught:
        vectors, logits_of = answer_hidden(model, batch)
    # the state at a token has read it: one position after the one that predicts it
    places = (batch.predicting + 1).clamp(max=batch.ids.shape[1] - 1)
    width = caught[0].shape[-1]
    states = caught[0].gather(1, places[..., None].expand(-1, -1, width)).float()
    return _Pass(vectors, logits_of, states)
