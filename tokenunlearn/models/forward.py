"""Passes of the model over encoded rows: log-prob, entropy and alternatives at answer positions only.

1. The decoder runs once over the padded batch. 2. Hidden states at the predicting positions are gathered.
3. The head and a float32 log-softmax run on them in chunks, so that no [tokens, vocab] array of prompt
positions ever exists. Models that change logits after the head (soft caps, scales) take the full path.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tokenunlearn.models.capabilities import additive, capabilities, decoder_of, evaluating, fed
from tokenunlearn.models.layers import from_layer
from tokenunlearn.text.batching import Batch, collate, length_sorted
from tokenunlearn.text.encoding import Encoding
from tokenunlearn.text.packing import collate_packs, packed_length, packs_of

LogitsOf = Callable[[Tensor], Tensor]
Measure = Callable[[Tensor, Tensor], list[Tensor]]  # logits [rows, vocab] and targets [rows] to columns
CHUNK = 256  # head rows at a time: 256 × 49,152 float32 = 50 MB
TOKEN_BUDGET = 1024  # padded tokens a batch
ALTERNATIVES = 5
LEAST_VARIANCE = 1e-6  # of log-probs over the vocabulary, in nats²: that of the reference code of Min-K%++


@dataclass(frozen=True)
class PassScores:
    """One pass over one row, answer tokens only (float64 [tokens], nats), with the likeliest alternatives.

    `ranks` are those of the true tokens among the whole vocabulary; the likeliest has rank 1.
    """

    log_probs: np.ndarray
    entropies: np.ndarray
    top_ids: np.ndarray
    top_log_probs: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True)
class Told:
    """How likely one row's answer is (float64 [tokens], nats), and the likeliest token at each place.

    `standardised`, where it was asked for: (log_prob − μ) / σ, mean and deviation of the log-probs of the
    whole vocabulary under its own probabilities.
    """

    log_probs: np.ndarray
    likeliest: np.ndarray
    standardised: np.ndarray | None = None


def causal_model(model: Any) -> Any:
    """Return the Hugging Face causal model inside a PEFT wrapper, or the model itself.

    Adapters stay active.
    """
    return model.get_base_model() if hasattr(model, "peft_config") else model


def gathered(values: Float[Tensor, "batch tokens hidden"], batch: Batch) -> Float[Tensor, "rows hidden"]:
    """Return the vectors at the predicting positions of all answer tokens, answer by answer."""
    own = torch.arange(len(batch.ids), device=values.device)
    rows = (own if batch.rows is None else batch.rows)[:, None].expand_as(batch.predicting)
    return values[rows[batch.answer_mask], batch.predicting[batch.answer_mask]]


def answer_hidden(model: Any, batch: Batch) -> tuple[Float[Tensor, "rows width"], LogitsOf]:
    """Return the vectors at the predicting positions and the function that turns them into float32 logits."""
    causal = causal_model(model)
    plain = capabilities(causal).plain_head
    inputs = {
        "input_ids": batch.ids if batch.entering is None else None,
        "inputs_embeds": batch.entering,
        "attention_mask": additive(batch.attention_mask, causal.dtype),
        "position_ids": batch.position_ids,
        "use_cache": False,
    }
    with from_layer(causal, batch.first_layer):
        if not plain:
            return gathered(fed(causal, **inputs).logits, batch), lambda logits: logits.float()
        hidden = fed(decoder_of(causal), **inputs).last_hidden_state
    head = causal.get_output_embeddings()
    return gathered(hidden, batch), lambda vectors: head(vectors).float()


def batch_log_probs(model: Any, batch: Batch) -> Float[Tensor, "asked answers"]:
    """Return the log-probability in nats of every target, 0 where the answer mask is off. Gradients flow."""
    return log_probs_of(*answer_hidden(model, batch), batch)


def log_probs_of(
    vectors: Float[Tensor, "rows width"], logits_of: LogitsOf, batch: Batch
) -> Float[Tensor, "asked answers"]:
    """Return the log-probability in nats of every target, from what `answer_hidden` gives. Gradients flow."""
    logits = logits_of(vectors)
    targets = batch.targets[batch.answer_mask]
    picked = logits.gather(-1, targets[:, None])[:, 0] - logits.logsumexp(-1)
    result = torch.zeros(batch.targets.shape, dtype=torch.float32, device=picked.device)
    return result.masked_scatter(batch.answer_mask, picked)


def _scores(logits: Float[Tensor, "rows vocab"], targets: Int[Tensor, " rows"]) -> list[Tensor]:
    log_probs = logits.log_softmax(-1)
    # a finite floor: 0 · −∞ would be NaN where a logit is −∞
    floor = torch.finfo(log_probs.dtype).min
    entropy = -(log_probs.exp() * log_probs.clamp(min=floor)).sum(-1)
    top = log_probs.topk(min(ALTERNATIVES, log_probs.shape[-1]), dim=-1)
    truth = log_probs.gather(-1, targets[:, None])
    ranks = 1 + (log_probs > truth).sum(-1)
    return [truth[:, 0], entropy, top.indices, top.values, ranks]


def _told(logits: Float[Tensor, "rows vocab"], targets: Int[Tensor, " rows"]) -> list[Tensor]:
    log_probs = logits.log_softmax(-1)
    return [log_probs.gather(-1, targets[:, None])[:, 0], log_probs.argmax(-1)]


def _told_standardised(logits: Float[Tensor, "rows vocab"], targets: Int[Tensor, " rows"]) -> list[Tensor]:
    log_probs = logits.log_softmax(-1)
    probabilities = log_probs.exp()
    # a finite floor: 0 · −∞ would be NaN where a logit is −∞
    finite = log_probs.clamp(min=torch.finfo(log_probs.dtype).min)
    mean = (probabilities * finite).sum(-1)
    # the mean first: the mean square less the squared mean loses its digits; an impossible token counts 0
    squares = (finite - mean[:, None]).square().masked_fill(probabilities == 0, 0)
    deviation = (probabilities * squares).sum(-1).clamp(min=LEAST_VARIANCE).sqrt()
    truth = log_probs.gather(-1, targets[:, None])[:, 0]
    return [truth, log_probs.argmax(-1), (truth - mean) / deviation]


@torch.inference_mode()
def _batch_columns(model: Any, batch: Batch, measure: Measure) -> list[tuple[np.ndarray, ...]]:
    """Return what `measure` gives for each answer of a batch, over the targets that its answer mask names."""
    vectors, logits_of = answer_hidden(model, batch)
    targets = batch.targets[batch.answer_mask]
    chunks = [
        measure(logits_of(vectors[start : start + CHUNK]), targets[start : start + CHUNK])
        for start in range(0, len(vectors), CHUNK)
    ]
    columns = [torch.cat(parts).cpu().numpy() for parts in zip(*chunks, strict=True)]
    columns = [each.astype(np.float64) if each.dtype.kind == "f" else each for each in columns]
    cuts = np.cumsum(batch.answer_mask.sum(1).cpu().numpy())[:-1]
    return list(zip(*(np.split(column, cuts) for column in columns), strict=True))


def run_pass(
    model: Any,
    encodings: Sequence[Encoding],
    pad_id: int,
    *,
    hidden: Sequence[Sequence[int]] | None = None,
    adapter_off: bool = False,
    include_end: bool = False,
    temperature: float = 1.0,
    token_budget: int = TOKEN_BUDGET,
) -> list[PassScores]:
    """Return the scores of every row, in the order given; rows share a common beginning where the model can.

    `hidden[i]` are positions of row i that attention must not see; `adapter_off` runs the base model. With
    `include_end` the end of turn is scored as the last token. Logits are divided by `temperature`. The
    model's mode is restored afterwards.
    """
    if hidden is not None and not any(map(len, hidden)):
        hidden = None  # nothing is hidden: the very pass without a mask

    def measure(logits: Tensor, targets: Tensor) -> list[Tensor]:
        return _scores(logits / temperature, targets)

    with without_adapter(model) if adapter_off else nullcontext():
        cut = batches(model, encodings, pad_id, hidden, include_end, token_budget)
        return [PassScores(*row) for row in _columns(model, cut, measure)]


def run_told(
    model: Any,
    encodings: Sequence[Encoding],
    pad_id: int,
    standardised: bool = False,
    hidden: Sequence[Sequence[int]] | None = None,
) -> list[Told]:
    """Return how likely the answer and the end of turn of every row are, in the order given.

    A pass without what scoring measures beside it, which would cost a tenth of the time; so would what
    `standardised` asks for. `hidden` as in `run_pass`.
    """
    cut = batches(model, encodings, pad_id, hidden, include_end=True)
    return [Told(*row) for row in _columns(model, cut, _told_standardised if standardised else _told)]


def _columns(
    model: Any, cut: Iterator[tuple[list[int], Batch]], measure: Measure
) -> list[tuple[np.ndarray, ...]]:
    """Return what `measure` gives for each row of all batches, in the rows' order."""
    results: dict[int, tuple[np.ndarray, ...]] = {}
    device = next(model.parameters()).device
    with evaluating(model):
        for members, batch in cut:
            results.update(zip(members, _batch_columns(model, batch.to(device), measure), strict=True))
    return [results[index] for index in range(len(results))]


def batches(
    model: Any,
    encodings: Sequence[Encoding],
    pad_id: int,
    hidden: Sequence[Sequence[int]] | None = None,
    include_end: bool = False,
    token_budget: int = TOKEN_BUDGET,
) -> Iterator[tuple[list[int], Batch]]:
    """Yield batches of all rows, shortest first, each with its rows' indices in the order of its answers.

    Rows that begin alike are packed where the model can and nothing is hidden.
    """
    packing = hidden is None and capabilities(causal_model(model)).packs
    places = packs_of(encodings) if packing else [[index] for index in range(len(encodings))]
    packs = [[encodings[index] for index in pack] for pack in places]
    for group in length_sorted([packed_length(pack) for pack in packs], token_budget):
        members = [index for pack in group for index in places[pack]]
        if hidden is None:
            yield members, collate_packs([packs[pack] for pack in group], pad_id, include_end=include_end)
        else:
            rows, masked = [encodings[index] for index in members], [hidden[index] for index in members]
            yield members, collate(rows, pad_id, include_end=include_end, hidden=masked)


def without_adapter(model: Any) -> AbstractContextManager[Any]:
    """Inside, the adapter is off: the base model answers. A model without one is left as it is."""
    return model.disable_adapter() if hasattr(model, "peft_config") else nullcontext()
