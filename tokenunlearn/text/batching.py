"""Encodings to right-padded batches, sorted by length, under a budget of tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tokenunlearn.text.encoding import Encoding


@dataclass(frozen=True)
class Batch:
    """Right-padded rows. `tokens` is the padded row, the answer axis counts answer tokens + end of turn.

    `rows`: the row of `ids` in which each answer stands; None: each in its own. `entering`: the vectors with
    which a pass starts at `first_layer`; None where it starts at the ids.
    """

    ids: Int[Tensor, "batch tokens"]
    attention_mask: Int[Tensor, "batch tokens"] | Bool[Tensor, "batch 1 tokens tokens"]
    position_ids: Int[Tensor, "batch tokens"]
    predicting: Int[Tensor, "asked answers"]
    targets: Int[Tensor, "asked answers"]
    answer_mask: Bool[Tensor, "asked answers"]
    rows: Int[Tensor, " asked"] | None = None
    entering: Float[Tensor, "batch tokens hidden"] | None = None
    first_layer: int = 0

    def to(self, device: torch.device) -> "Batch":
        """Return the same batch on `device`."""
        columns: dict[str, Any] = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **columns)


def collate(
    encodings: Sequence[Encoding],
    pad_id: int,
    *,
    include_end: bool = True,
    hidden: Sequence[Sequence[int]] | None = None,
) -> Batch:
    """Return a batch of `encodings`. `hidden[i]` lists positions of row i that attention must not see.

    Positions are explicit, so hiding a token shifts no other; padding is on the right, where a causal
    model cannot look. With `include_end` the answer axis ends with the end of turn.
    """
    width = max(len(encoding.ids) for encoding in encodings)
    answers = max(encoding.target_count(include_end) for encoding in encodings)
    rows = len(encodings)
    ids = torch.full((rows, width), pad_id, dtype=torch.long)
    attention = torch.zeros((rows, width), dtype=torch.long)
    predicting = torch.zeros((rows, answers), dtype=torch.long)
    targets = torch.full((rows, answers), pad_id, dtype=torch.long)
    answer_mask = torch.zeros((rows, answers), dtype=torch.bool)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = torch.tensor(encoding.ids)
        attention[row, : len(encoding.ids)] = 1
        if hidden is not None and len(hidden[row]):
            attention[row, torch.tensor(list(hidden[row]))] = 0
        count = encoding.target_count(include_end)
        positions = torch.from_numpy(encoding.predicting[:count].copy())
        predicting[row, :count] = positions
        targets[row, :count] = ids[row, positions + 1]
        answer_mask[row, :count] = True
    position_ids = torch.arange(width).expand(rows, width)
    return Batch(ids, attention, position_ids, predicting, targets, answer_mask)


def length_sorted(lengths: Sequence[int], token_budget: int) -> Iterator[list[int]]:
    """Yield row indices in groups of like length whose padded size stays within `token_budget` tokens."""
    group: list[int] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        longest = max(longest, lengths[index])
        if group and longest * (len(group) + 1) > token_budget:
            yield group
            group, longest = [], lengths[index]
        group.append(index)
    if group:
        yield group
