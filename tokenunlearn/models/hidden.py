"""The residual state at each answer token after some of the decoder layers: one partial pass without a head.

1. Rows are packed and batched as for scoring (`forward.batches`). 2. The model runs until its layer number
`layer` has answered, and is left there. 3. The states at the answer tokens' own positions are kept: the state
*at* a token has read it, the one before it only predicts it.

A model runs whole where its layers form no plain list, or where they do not give the states that it reports.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tokenunlearn.errors import ModelError
from tokenunlearn.models.capabilities import accepted, additive, evaluating, fed
from tokenunlearn.models.forward import batches, causal_model
from tokenunlearn.models.layers import layer_list
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.text.batching import Batch
from tokenunlearn.text.encoding import Encoding

_stopping: "WeakKeyDictionary[Any, bool]" = WeakKeyDictionary()


class _Reached(Exception):
    """Leave a pass at the layer that was asked for, with its output."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.states: Tensor = output[0] if isinstance(output, tuple) else output


def depth(model: LoadedModel) -> int:
    """Return how many decoder layers the model has, as its configuration counts them."""
    return int(causal_model(model.model).config.get_text_config().num_hidden_layers)


def hidden_states(model: LoadedModel, encodings: Sequence[Encoding], layer: int) -> list[np.ndarray]:
    """Return the states of each row at its answer tokens, float32 [tokens, width], in the order given.

    `layer` counts the decoder layers that have run, from 1 to `depth`; adapters are as they are. After the
    last layer a model that can be left there gives the state before the final norm, another one after it.
    Raises ModelError for a layer that the model does not have, and for a model that does not show its states.
    """
    causal = causal_model(model.model)
    if not 1 <= layer <= depth(model):
        raise ModelError(
            what=f"The model {model.name} has no layer {layer}.",
            why=f"It has {depth(model)} decoder layers, counted from 1.",
            fix="Choose one of them.",
        )
    results: dict[int, np.ndarray] = {}
    with evaluating(model.model), torch.inference_mode():
        # the end of turn is asked for as well, so that the last answer token predicts something
        for members, batch in batches(model.model, encodings, model.pad_id, include_end=True):
            batch = batch.to(model.device)
            states = _states(causal, layer, _inputs(causal, batch))
            for place, member in enumerate(members):
                row = place if batch.rows is None else int(batch.rows[place])
                positions = batch.predicting[place, 1 : encodings[member].answer_length + 1]
                results[member] = states[row, positions].float().cpu().numpy()
    return [results[index] for index in range(len(encodings))]


def _inputs(causal: Any, batch: Batch) -> dict[str, Any]:
    return {
        "input_ids": batch.ids,
        "attention_mask": additive(batch.attention_mask, causal.dtype),
        "position_ids": batch.position_ids,
    }


def _states(causal: Any, layer: int, inputs: dict[str, Any]) -> Float[Tensor, "batch tokens width"]:
    """Return the states after `layer` layers at every position of a batch."""
    if causal not in _stopping:
        _stopping[causal] = _can_stop(causal)
    return _stopped(causal, layer, inputs) if _stopping[causal] else _reported(causal, inputs)[layer]


def _can_stop(causal: Any) -> bool:
    """Return whether a pass left at a layer has what the model reports there, tried on a few tokens."""
    found = layer_list(causal)
    if found is None:
        return False
    middle = max(1, len(found[1]) // 2)
    # among the vocabulary's first, where no family keeps the ids of images
    count = min(causal.config.get_text_config().vocab_size, 1000)
    ids = ((torch.arange(6, device=causal.device) * 37 + 3) % count)[None]
    try:
        reported = _reported(causal, {"input_ids": ids})[middle]
        return torch.equal(_stopped(causal, middle, {"input_ids": ids}), reported)
    except Exception:  # whatever a family's own code raises
        return False


def _stopped(causal: Any, layer: int, inputs: dict[str, Any]) -> Float[Tensor, "batch tokens width"]:
    """Return the output of layer number `layer`; nothing above it runs."""
    found = layer_list(causal)
    assert found is not None  # `_can_stop` has found it
    try:
        with _leaving(found[1][layer - 1]):
            fed(causal, **inputs, use_cache=False)
    except _Reached as reached:
        return reached.states
    raise RuntimeError(f"The pass has ended without layer {layer}")


@contextmanager
def _leaving(layer: Any) -> Iterator[None]:
    """Leave a pass inside as soon as the layer has answered."""

    def leave(_: Any, __: Any, output: Any) -> None:
        raise _Reached(output)

    hook = layer.register_forward_hook(leave)
    try:
        yield
    finally:
        hook.remove()


def _reported(causal: Any, inputs: dict[str, Any]) -> Sequence[Tensor]:
    """Return the states that a whole pass reports, those that enter the first layer first.

    Raises ModelError.
    """
    output = causal(**accepted(causal, inputs), use_cache=False, output_hidden_states=True)
    if not output.hidden_states:
        raise ModelError(
            what="This model does not show its hidden states.",
            why="Its layers form no plain list, and its passes report no states.",
            fix="Choose another signal, or another model.",
        )
    return list(output.hidden_states)
