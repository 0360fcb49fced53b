"""Rows that begin alike side by side in one row, so that what they share is computed once.

A packed row is the common beginning, then the rest of each; positions go on from the beginning, and a mask
keeps each rest from seeing the others. Every token then sees what it would see in a row of its own.
"""

from collections.abc import Sequence
from itertools import takewhile

import torch

from tokenunlearn.text.batching import Batch, collate
from tokenunlearn.text.encoding import Encoding

LONGEST = 256  # tokens a pack: attention over all its pairs costs more than sharing saves beyond that


def packs_of(encodings: Sequence[Encoding]) -> list[list[int]]:
    """Return the indices of rows to pack together: neighbours by their ids while that saves tokens."""
    packs: list[list[int]] = []
    shared = length = 0
    for index in sorted(range(len(encodings)), key=lambda i: encodings[i].ids):
        encoding = encodings[index]
        if packs:
            pack = packs[-1]
            common = min(shared, common_length(encodings[pack[-1]], encoding))
            # with n rows packed, n·common is what the next one saves and (n−1)·shared what was saved so far
            joined = length + fed_length(encoding) + (len(pack) - 1) * shared - len(pack) * common
            if len(pack) * common > (len(pack) - 1) * shared and joined <= LONGEST:
                pack.append(index)
                shared, length = common, joined
                continue
        packs.append([index])
        shared, length = encoding.prompt_length, fed_length(encoding)
    return packs


def common_length(first: Encoding, second: Encoding) -> int:
    """Return how many tokens the prompts of two rows have in common at their beginning."""
    pairs = zip(first.ids[: first.prompt_length], second.ids[: second.prompt_length], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def fed_length(encoding: Encoding) -> int:
    """Return the number of tokens that the model must read to predict a row's answer and its end of turn."""
    return len(encoding.ids) - 1


def shared_length(pack: Sequence[Encoding]) -> int:
    """Return how many tokens all rows of a pack begin with; a row alone shares its whole prompt."""
    return min(common_length(pack[0], encoding) for encoding in pack)


def packed_length(pack: Sequence[Encoding]) -> int:
    """Return the number of tokens of the packed row."""
    return sum(map(fed_length, pack)) - (len(pack) - 1) * shared_length(pack)


def collate_packs(packs: Sequence[Sequence[Encoding]], pad_id: int, *, include_end: bool = True) -> Batch:
    """Return a batch of packed rows, answers in the order of the packs; `include_end` as in `collate`.

    Packs of one row need no mask of their own and are collated as plain rows.
    """
    flat = [encoding for pack in packs for encoding in pack]
    if len(flat) == len(packs):
        return collate(flat, pad_id, include_end=include_end)
    width = max(packed_length(pack) for pack in packs)
    answers = max(encoding.target_count(include_end) for encoding in flat)
    ids = torch.full((len(packs), width), pad_id, dtype=torch.long)
    position_ids = torch.zeros((len(packs), width), dtype=torch.long)
    # padding sees itself alone: a row of the mask without any true would give NaN
    attention = torch.eye(width, dtype=torch.bool).repeat(len(packs), 1, 1, 1)
    predicting = torch.zeros((len(flat), answers), dtype=torch.long)
    targets = torch.full((len(flat), answers), pad_id, dtype=torch.long)
    answer_mask = torch.zeros((len(flat), answers), dtype=torch.bool)
    place = 0
    for row, pack in enumerate(packs):
        shared = start = shared_length(pack)
        ids[row, :shared] = torch.tensor(pack[0].ids[:shared])
        position_ids[row, :shared] = torch.arange(shared)
        attention[row, 0, :shared, :shared] = _causal(shared)
        for encoding in pack:
            fed = fed_length(encoding)
            end = start + fed - shared
            ids[row, start:end] = torch.tensor(encoding.ids[shared:fed])
            position_ids[row, start:end] = torch.arange(shared, fed)
            attention[row, 0, start:end, :shared] = True
            attention[row, 0, start:end, start:end] = _causal(end - start)
            count = encoding.target_count(include_end)
            own = torch.from_numpy(encoding.predicting[:count].copy())
            predicting[place, :count] = torch.where(own < shared, own, own + start - shared)
            targets[place, :count] = torch.tensor(encoding.ids)[own + 1]
            answer_mask[place, :count] = True
            start, place = end, place + 1
    rows = torch.tensor([row for row, pack in enumerate(packs) for _ in pack])
    return Batch(ids, attention, position_ids, predicting, targets, answer_mask, rows)


def _causal(size: int) -> torch.Tensor:
    return torch.ones(size, size, dtype=torch.bool).tril()
