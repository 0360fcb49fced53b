"""Answers to one question side by side in one row, so that the question is read once.

A packed row is prompt, answer, answer, …; each answer's positions go on from the prompt, and a mask of its
own keeps it from seeing the others. Every answer token then sees what it would see in a row of its own.
"""

from collections.abc import Sequence

import torch

from tokenunlearn.text.batching import Batch, collate
from tokenunlearn.text.encoding import Encoding


def shared_prompts(encodings: Sequence[Encoding], token_budget: int) -> list[list[int]]:
    """Indices of rows with equal prompts, together as long as their packed row stays within the budget."""
    open_groups: dict[tuple[int, ...], list[int]] = {}
    groups: list[list[int]] = []
    for index, encoding in enumerate(encodings):
        prompt = encoding.ids[: encoding.prompt_length]
        group = open_groups.get(prompt)
        if group is None or packed_length([encodings[i] for i in (*group, index)]) > token_budget:
            group = open_groups[prompt] = []
            groups.append(group)
        group.append(index)
    return groups


def packed_length(encodings: Sequence[Encoding]) -> int:
    """Tokens of the packed row: the prompt once, every answer."""
    return encodings[0].prompt_length + sum(encoding.answer_length for encoding in encodings)


def collate_packs(packs: Sequence[Sequence[Encoding]], pad_id: int) -> Batch:
    """A batch of packed rows, answers in the order of the packs, the end of turn as the last target of each.

    Packs of one answer need no mask of their own and are collated as plain rows.
    """
    flat = [encoding for pack in packs for encoding in pack]
    if len(flat) == len(packs):
        return collate(flat, pad_id)
    width = max(packed_length(pack) for pack in packs)
    answers = max(encoding.answer_length for encoding in flat) + 1
    ids = torch.full((len(packs), width), pad_id, dtype=torch.long)
    position_ids = torch.zeros((len(packs), width), dtype=torch.long)
    # padding sees itself alone: a row of the mask without any true would give NaN
    attention = torch.eye(width, dtype=torch.bool).repeat(len(packs), 1, 1, 1)
    predicting = torch.zeros((len(flat), answers), dtype=torch.long)
    targets = torch.full((len(flat), answers), pad_id, dtype=torch.long)
    answer_mask = torch.zeros((len(flat), answers), dtype=torch.bool)
    place = 0
    for row, pack in enumerate(packs):
        start = prompt = pack[0].prompt_length
        ids[row, :prompt] = torch.tensor(pack[0].ids[:prompt])
        position_ids[row, :prompt] = torch.arange(prompt)
        attention[row, 0, :prompt, :prompt] = torch.ones(prompt, prompt, dtype=torch.bool).tril()
        for encoding in pack:
            count, end = encoding.answer_length, start + encoding.answer_length
            ids[row, start:end] = torch.tensor(encoding.answer_ids)
            position_ids[row, start:end] = torch.arange(prompt, prompt + count)
            attention[row, 0, start:end, :prompt] = True
            attention[row, 0, start:end, start:end] = torch.ones(count, count, dtype=torch.bool).tril()
            predicting[place, : count + 1] = torch.tensor([prompt - 1, *range(start, end)])
            targets[place, : count + 1] = torch.tensor(encoding.ids[prompt:])
            answer_mask[place, : count + 1] = True
            start, place = end, place + 1
    rows = torch.tensor([row for row, pack in enumerate(packs) for _ in pack])
    return Batch(ids, attention, position_ids, predicting, targets, answer_mask, rows)
