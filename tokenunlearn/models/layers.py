"""Running only the upper or only the lower decoder layers, so that what is frozen is computed once.

Training that changes the upper layers only sees the same vectors rise from the lower ones at every step.
`rising` computes them, `from_layer` lets a pass start there. Models whose layers cannot be cut this way
(masks chosen by a layer's number, no plain list of layers) are told by `can_be_cut`, which tries it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor


def decoder(causal: Any) -> Any:
    """Return the stack of layers inside a causal model; None where it has no plain list of them."""
    found = getattr(causal, causal.base_model_prefix, None)
    return found if isinstance(getattr(found, "layers", None), torch.nn.ModuleList) else None


def layer_list(causal: Any) -> tuple[str, torch.nn.ModuleList] | None:
    """Return the name and modules of the list of decoder layers, whatever a family calls it (`h`, `blocks`).

    None where no list is as long as the configuration says.
    """
    count = getattr(causal.config.get_text_config(), "num_hidden_layers", None)
    lists = ((name, each) for name, each in causal.named_modules() if isinstance(each, torch.nn.ModuleList))
    # the outermost list comes first: the experts of a layer may be as many as the layers
    return next(((name, each) for name, each in lists if len(each) == count), None)


def layer_count(causal: Any) -> int:
    """Return how many decoder layers a causal model has now; 0 when they cannot be counted."""
    found = decoder(causal)
    if found is not None:
        return len(found.layers)
    listed = layer_list(causal)
    return 0 if listed is None else len(listed[1])


@contextmanager
def from_layer(causal: Any, first: int) -> Iterator[None]:
    """Let passes inside skip the layers below `first`: their `inputs_embeds` enter there."""
    if not first:
        yield
        return
    stack = decoder(causal)
    layers = stack.layers
    stack.layers = layers[first:]
    try:
        yield
    finally:
        stack.layers = layers


@contextmanager
def output_of(layer: torch.nn.Module) -> Iterator[list[Tensor]]:
    """Collect in a list the states that `layer` gives inside, [batch tokens hidden]; gradients flow."""
    states: list[Tensor] = []

    def keep(_: Any, __: Any, output: Any) -> None:
        states.append(output[0] if isinstance(output, tuple) else output)

    hook = layer.register_forward_hook(keep)
    try:
        yield states
    finally:
        hook.remove()


@torch.no_grad()
def rising(
    causal: Any,
    ids: Int[Tensor, "batch tokens"],
    attention_mask: Int[Tensor, "batch tokens"],
    position_ids: Int[Tensor, "batch tokens"],
    first: int,
) -> Float[Tensor, "batch tokens hidden"]:
    """Return the vectors that enter layer `first`."""
    stack = decoder(causal)
    layers, norm = stack.layers, stack.norm
    stack.layers, stack.norm = layers[:first], torch.nn.Identity()
    try:
        return stack(
            input_ids=ids, attention_mask=attention_mask, position_ids=position_ids, use_cache=False
        ).last_hidden_state
    finally:
        stack.layers, stack.norm = layers, norm


@torch.no_grad()
def can_be_cut(causal: Any, first: int) -> bool:
    """Return whether a pass from layer `first` on gives what the whole pass gives, tried on a few tokens."""
    stack = decoder(causal)
    # layers of several kinds find their mask by their number, which cutting moves
    kinds = set(getattr(causal.config, "layer_types", None) or ())
    if not 0 < first < layer_count(causal) or not hasattr(stack, "norm") or len(kinds) > 1:
        return False
    device = next(causal.parameters()).device
    ids = torch.arange(8, device=device)[None]
    places = {"attention_mask": torch.ones_like(ids), "position_ids": ids}
    try:
        whole = stack(input_ids=ids, use_cache=False, **places).last_hidden_state
        entering = rising(causal, ids, **places, first=first)
        with from_layer(causal, first):
            upper = stack(inputs_embeds=entering, use_cache=False, **places).last_hidden_state
    except Exception:  # whatever a family's own code raises
        return False
    return bool(torch.equal(whole, upper))
