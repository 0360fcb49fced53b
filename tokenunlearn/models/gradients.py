"""Gradients of answer tokens' log-probabilities on the weights that a run moves, and their inner products.

1. The weights are the matrices of the upper decoder layers, without adapters. 2. One backward pass gives the
gradient of a mean loss. 3. The products of that gradient with those of all tokens of a batch come from one
forward and two backward passes, not from one backward pass a token: Σ v·∇lp is linear in v, so its product
with a fixed direction, differentiated by v, is the product of every single gradient [Pearlmutter 1994].

Gradients must be enabled, and the caller puts flags and mode back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from tokenunlearn.errors import ModelError
from tokenunlearn.models.forward import batch_log_probs, batches, causal_model
from tokenunlearn.models.layers import layer_list
from tokenunlearn.text.encoding import Encoding


def upper_weights(model: Any, share: float) -> list[torch.nn.Parameter]:
    """Return the weight matrices of the upper `share` of the decoder layers, at least one layer.

    Those of an adapter are left out. Raises ModelError for a model without such a matrix.
    """
    found = _matrices(model, share)
    if not found:
        kind = causal_model(model).config.model_type
        why = f"A model of the kind {kind} has no list of decoder layers with weight matrices"
        raise ModelError("Gradients cannot be taken here", why, "Leave the signals that need them out")
    return found


def has_upper_weights(model: Any) -> bool:
    """Return whether `upper_weights` finds a matrix in this model."""
    return bool(_matrices(model, 1.0))


def _matrices(model: Any, share: float) -> list[torch.nn.Parameter]:
    listed = layer_list(causal_model(model))
    layers = [] if listed is None else list(listed[1])
    count = max(1, round(share * len(layers)))
    return [
        weight
        for layer in layers[len(layers) - count :]
        for name, weight in layer.named_parameters()
        if weight.ndim == 2 and weight.is_floating_point() and "lora_" not in name
    ]


def loss_gradient(
    model: Any, encodings: Sequence[Encoding], pad_id: int, weights: Sequence[Tensor]
) -> list[Tensor]:
    """Return ∇(−Σ lp / n) over all answer tokens and ends of turn, one float32 tensor a weight."""
    count = sum(encoding.target_count(True) for encoding in encodings)
    total = [torch.zeros(weight.shape, device=weight.device) for weight in weights]
    with _only(model, weights):
        for _, batch in batches(model, encodings, pad_id, [()] * len(encodings), include_end=True):
            loss = -batch_log_probs(model, batch.to(weights[0].device)).sum() / count
            found = torch.autograd.grad(loss, weights, allow_unused=True)
            for into, gradient in zip(total, found, strict=True):
                if gradient is not None:  # an expert that no token of these rows was sent to
                    into += gradient.float()
    return total


def token_products(
    model: Any,
    encodings: Sequence[Encoding],
    pad_id: int,
    weights: Sequence[Tensor],
    direction: Sequence[Tensor],
) -> list[Float[np.ndarray, " tokens"]]:
    """Return ⟨direction, ∇lp_t⟩ of each answer token of each row, float64 [tokens], in the order given."""
    products: dict[int, np.ndarray] = {}
    # The kernels that fuse attention have no second derivative.
    with _only(model, weights), sdpa_kernel(SDPBackend.MATH):
        for members, batch in batches(model, encodings, pad_id, [()] * len(encodings)):
            placed = batch.to(weights[0].device)
            log_probs = batch_log_probs(model, placed)
            parts = torch.zeros_like(log_probs, requires_grad=True)
            gradients = torch.autograd.grad(log_probs, weights, parts, create_graph=True, allow_unused=True)
            pairs = [pair for pair in zip(gradients, direction, strict=True) if pair[0] is not None]
            product = torch.stack([(gradient.float() * along).sum() for gradient, along in pairs]).sum()
            (found,) = torch.autograd.grad(product, parts)
            for member, values, kept in zip(members, found, placed.answer_mask, strict=True):
                products[member] = values[kept].cpu().numpy().astype(np.float64)
    return [products[index] for index in range(len(encodings))]


def lora_layers(model: Any) -> dict[int, list[torch.nn.Parameter]]:
    """Return the B matrices of a LoRA by decoder layer, lowest first.

    A fresh LoRA has B = 0, so its A has no gradient yet: these are all that a run's first step moves. Raises
    ModelError for a model without a LoRA, or without a list of layers.
    """
    listed = layer_list(causal_model(model))
    layers = [] if listed is None else list(listed[1])
    found = {
        number: [weight for name, weight in layer.named_parameters() if "lora_B" in name]
        for number, layer in enumerate(layers)
    }
    found = {number: weights for number, weights in found.items() if weights}
    if not found:
        why = "It has no LoRA on decoder layers that can be counted"
        raise ModelError("Gradients cannot be taken here", why, "Open another model")
    return found


def token_gradients(
    model: Any, encoding: Encoding, pad_id: int, layers: Sequence[Sequence[torch.nn.Parameter]]
) -> list[Float[Tensor, "tokens weights"]]:
    """Return ∇lp of each answer token of a row on the weights of each layer: a float32 table a layer.

    One forward pass, then one backward pass a token.
    """
    weights = [weight for layer in layers for weight in layer]
    sizes = [sum(weight.numel() for weight in layer) for layer in layers]
    found = []
    with _only(model, weights):
        ((_, batch),) = batches(model, [encoding], pad_id, [()])
        for log_prob in batch_log_probs(model, batch.to(weights[0].device))[0]:
            gradients = torch.autograd.grad(log_prob, weights, retain_graph=True, materialize_grads=True)
            found.append(torch.cat([each.float().flatten() for each in gradients]))
    return list(torch.stack(found).split(sizes, dim=1))


@contextmanager
def _only(model: Any, weights: Sequence[Tensor]) -> Iterator[None]:
    """Give gradients to these weights alone inside, so that a backward pass ends at the lowest of them."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for weight in weights:
        weight.requires_grad_(True)
    yield
