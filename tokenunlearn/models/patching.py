"""States of some places of a row after every layer, and what a model says when they are put in its own place.

A place is a position whose state predicts a token. `placed_states` reads one pass. `patched_log_probs` runs
the row once for each layer, side by side in a batch: in copy l the output of layer l is replaced at all
places at once, and the layers above go on from there. `lens_log_probs` gives the states straight to the own
last norm and head of the model. Adapters are as they are; nothing of the model is changed afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tokenunlearn.errors import ModelError
from tokenunlearn.models.capabilities import evaluating, fed
from tokenunlearn.models.forward import TOKEN_BUDGET, answer_hidden, causal_model, log_probs_of
from tokenunlearn.models.layers import layer_list, output_of
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.text.batching import collate
from tokenunlearn.text.encoding import Encoding

Change = Callable[[Tensor], Tensor]  # of a layer's output [batch positions width]


def placed_states(
    model: LoadedModel, encoding: Encoding, tokens: Sequence[int]
) -> Float[Tensor, "layers places width"]:
    """Return the output of every layer at the positions that predict these answer tokens (0 = the first).

    Raises ModelError for a model whose layers form no plain list.
    """
    causal, places = causal_model(model.model), _places(encoding, tokens)
    ids = torch.tensor([encoding.ids], device=model.device)
    with evaluating(model.model), torch.inference_mode(), ExitStack() as stack:
        outputs = [stack.enter_context(output_of(layer)) for layer in _layers(model)]
        fed(causal, input_ids=ids, use_cache=False)
        return torch.stack([states[0][0, places] for states in outputs])


def patched_log_probs(
    model: LoadedModel,
    encoding: Encoding,
    tokens: Sequence[int],
    states: Float[Tensor, "layers places width"],
) -> Float[Tensor, "layers places"]:
    """Return the log-probs (nats) of these answer tokens when one layer's output at their places is `states`.

    Line l is of the model in which layer l alone is patched. Raises ModelError as `placed_states` does.
    """
    layers, places = _layers(model), _places(encoding, tokens)
    # nothing behind the last of these tokens can matter to them
    length = max(tokens) + 1
    ids, offsets = encoding.ids[: encoding.prompt_length + length], encoding.answer_offsets[:length]
    begun = replace(encoding, ids=ids, answer_offsets=offsets)
    together = max(1, TOKEN_BUDGET // len(ids))
    lines = []
    with evaluating(model.model), torch.inference_mode():
        for first in range(0, len(layers), together):
            group = range(first, min(first + together, len(layers)))
            batch = collate([begun] * len(group), model.pad_id, include_end=False)
            asked = torch.zeros_like(batch.answer_mask)
            asked[:, list(tokens)] = True
            batch = replace(batch, answer_mask=asked).to(model.device)
            with ExitStack() as stack:
                for copy, number in enumerate(group):
                    change = _at(copy, places, states[number])
                    stack.enter_context(_changed(layers[number], change))
                found = log_probs_of(*answer_hidden(model.model, batch), batch)
            lines.append(found[:, list(tokens)].float().cpu())
    return torch.cat(lines)


def lens_log_probs(
    model: LoadedModel, ids: Sequence[int], states: Float[Tensor, "layers places width"]
) -> Float[Tensor, "layers places"]:
    """Return the log-probs (nats) of `ids` [places] when the last norm and the head read `states` at once.

    That is the logit lens of every layer: the last layer's output is replaced as a whole, so what stands
    before it, any token, does not matter. Raises ModelError as `placed_states` does.
    """
    causal, last = causal_model(model.model), _layers(model)[-1]
    targets: Int[Tensor, "layers places"] = torch.tensor(list(ids), device=model.device).expand(
        len(states), -1
    )
    with evaluating(model.model), torch.inference_mode(), _changed(last, lambda own: states.to(own)):
        logits = fed(causal, input_ids=targets.contiguous(), use_cache=False).logits.float()
    return logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0].cpu()


def _places(encoding: Encoding, tokens: Sequence[int]) -> list[int]:
    return [int(encoding.predicting[token]) for token in tokens]


def _layers(model: LoadedModel) -> Sequence[torch.nn.Module]:
    found = layer_list(causal_model(model.model))
    if found is None:
        raise ModelError(
            what=f"The layers of {model.name} cannot be patched.",
            why="They form no plain list.",
            fix="Choose another model for this figure.",
        )
    return list(found[1])


def _at(copy: int, places: Sequence[int], states: Float[Tensor, "places width"]) -> Change:
    def change(own: Tensor) -> Tensor:
        changed = own.clone()
        changed[copy, list(places)] = states.to(own)
        return changed

    return change


@contextmanager
def _changed(layer: torch.nn.Module, change: Change) -> Iterator[None]:
    """Let the layer give its output changed inside."""

    def instead(_: Any, __: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (change(output[0]), *output[1:])
        return change(output)

    hook = layer.register_forward_hook(instead)
    try:
        yield
    finally:
        hook.remove()
