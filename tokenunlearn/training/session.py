"""A run's model and rows, ready to train: the target merged, a fresh LoRA on it, weights per token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import MaskError
from tokenunlearn.metrics.facts import fact_probability
from tokenunlearn.models.adapters import lora_model, merge
from tokenunlearn.models.forward import TOKEN_BUDGET, causal_model
from tokenunlearn.models.language_model import TokenLogProbs
from tokenunlearn.models.layers import layer_count, rising
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.text.batching import Batch, collate, length_sorted
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.training.config import TrainConfig


@dataclass(frozen=True)
class TrainRow:
    """One row to train on. `weights` float32 [answer tokens + end of turn].

    `entering` [tokens, hidden]: what rises to the first layer that trains; None when all layers run.
    """

    row: Row
    encoding: Encoding
    weights: Tensor
    entering: Tensor | None = None


def with_fresh_lora(loaded: LoadedModel, config: TrainConfig) -> LoadedModel:
    """Return the target with its adapter merged and a fresh trainable LoRA on top; `loaded` is used up.

    The LoRA is on the upper `layer_share` of the layers. With it off the model is the frozen target: the
    reference needs no second copy. Raises ModelError for an adapter that cannot be trained on.
    """
    model, merged = loaded.model, None
    if loaded.untrainable is not None:
        raise loaded.untrainable
    if hasattr(model, "peft_config"):
        # what was merged is kept: the folder may be gone, or another one, when the run has ended
        model, merged = merge(model)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    torch.manual_seed(config.seed)
    first, count = first_layer(model, config.layer_share), layer_count(model)
    layers = list(range(first, count)) if first else None
    return replace(loaded, model=lora_model(model, config.rank, config.lora_alpha, layers), merged=merged)


def first_layer(causal: Any, share: float) -> int:
    """Return the lowest layer that trains when the upper `share` of them does: at least one, 0 means all."""
    count = layer_count(causal)
    return count - min(count, max(1, round(share * count))) if count else 0


def with_entering(loaded: LoadedModel, rows: list[TrainRow], first: int) -> list[TrainRow]:
    """Return the rows with the vectors that enter layer `first`; all below is frozen, so once is enough."""
    causal = causal_model(loaded.model)
    result = list(rows)
    lengths = [len(row.encoding.ids) for row in rows]
    for group in length_sorted(lengths, TOKEN_BUDGET):
        batch = collate([rows[index].encoding for index in group], loaded.pad_id).to(loaded.device)
        vectors = rising(causal, batch.ids, batch.attention_mask, batch.position_ids, first)
        for index, row in zip(group, vectors, strict=True):
            result[index] = replace(rows[index], entering=row[: lengths[index]].clone())
    return result


def train_batch(loaded: LoadedModel, rows: Sequence[TrainRow], first: int) -> Batch:
    """Return a batch of training rows that enters the model at layer `first`."""
    batch = collate([row.encoding for row in rows], loaded.pad_id).to(loaded.device)
    entering = [row.entering for row in rows if row.entering is not None]
    if not first or not entering:
        return batch
    return replace(batch, entering=pad_sequence(entering, batch_first=True), first_layer=first)


def train_rows(
    loaded: LoadedModel, rows: Sequence[Row], weights: Mapping[str, np.ndarray] | None
) -> list[TrainRow]:
    """Return the rows with their token weights; None gives every token and the end of turn 1 (sequence form).

    With weights the end of turn gets 1 when all of the row's tokens have 1, else 0: it is never selected.
    Raises MaskError when a row has no weights or not one per answer token.
    """
    result = []
    for row in rows:
        encoding = encode(loaded.tokenizer, row.question, row.answer)
        values = np.ones(encoding.answer_length) if weights is None else weights.get(row.id)
        if values is None or len(values) != encoding.answer_length:
            raise MaskError(
                what=f"The mask does not fit row {row.id}.",
                why=f"It has {0 if values is None else len(values)} weights "
                f"for {encoding.answer_length} answer tokens.",
                fix="Score the rows again with this model and save the mask again.",
                where=row.id,
            )
        end = 1.0 if len(values) and np.all(np.asarray(values) == 1) else 0.0
        ends = [end] * encoding.end_length
        result.append(TrainRow(row, encoding, torch.tensor([*values, *ends], dtype=torch.float32)))
    return result


def answer_tokens(loaded: LoadedModel, rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the texts of the answer tokens of each row by its id, as this model's tokenizer cuts them."""
    return {
        row.id: [row.answer[start:end] for start, end in encoding.answer_offsets]
        for row in rows
        for encoding in [encode(loaded.tokenizer, row.question, row.answer)]
    }


def row_batch(order_seed: int, step: int, count: int, size: int) -> list[int]:
    """Return the rows of `step` (from 1): slices of seeded permutations, so resuming needs no state."""
    if count == 0:
        return []
    size = min(size, count)
    picked: list[int] = []
    for place in range((step - 1) * size, step * size):
        epoch, index = divmod(place, count)
        generator = np.random.default_rng([order_seed, epoch])
        picked.append(int(generator.permutation(count)[index]))
    return picked


def padded(columns: Sequence[Tensor], like: Tensor) -> Tensor:
    """Return row vectors as one zero-padded array of the shape of `like`."""
    result = torch.zeros(like.shape, dtype=torch.float32)
    for index, column in enumerate(columns):
        result[index, : len(column)] = column
    return result.to(like.device)


def fact_probabilities(row: Row, encoding: Encoding, log_probs: Any) -> tuple[float | None, float | None]:
    """Return one row's joint probability of the gold fact and mean probability of the other tokens.

    As `metrics.facts` defines them. `log_probs`: nats, one per answer token; what follows is left out.
    None where the row has no gold spans, or no such token.
    """
    offsets = np.array(encoding.answer_offsets, dtype=np.int64).reshape(-1, 2)
    values = np.asarray(log_probs, dtype=np.float64)[: encoding.answer_length]
    tokens = TokenLogProbs(values, offsets[:, 0], offsets[:, 1])
    found = fact_probability(row.answer, tokens, row.gold, row.subject)
    joint, other = (None if np.isnan(value) else value for value in (found.joint, found.other))
    return joint, other
