"""Padding on the right, explicit positions, hidden tokens, groups of like length."""

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from tokenunlearn.text.batching import collate, length_sorted
from tokenunlearn.text.encoding import Encoding

# prompt [7, 8], answer [4, 5, 6], end 1; prompt [7, 8, 9], answer [4], end 1
LONG = Encoding((7, 8, 4, 5, 6, 1), 2, 0, ((0, 1), (1, 2)), ((0, 1), (1, 2), (2, 3)))
SHORT = Encoding((7, 8, 9, 4, 1), 3, 0, ((0, 1), (1, 2), (2, 3)), ((0, 1),))


def test_a_batch_by_hand() -> None:
    batch = collate([LONG, SHORT], pad_id=2)
    assert batch.ids.tolist() == [[7, 8, 4, 5, 6, 1], [7, 8, 9, 4, 1, 2]]
    assert batch.attention_mask.tolist() == [[1] * 6, [1, 1, 1, 1, 1, 0]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 5]] * 2
    assert batch.predicting.tolist() == [[1, 2, 3, 4], [2, 3, 0, 0]]
    assert batch.targets.tolist() == [[4, 5, 6, 1], [4, 1, 2, 2]]
    assert batch.answer_mask.tolist() == [[True] * 4, [True, True, False, False]]


def test_without_the_end_the_last_target_is_the_last_answer_token() -> None:
    batch = collate([LONG, SHORT], pad_id=2, include_end=False)
    assert batch.targets.tolist() == [[4, 5, 6], [4, 2, 2]]
    assert batch.answer_mask.sum().item() == 4


def test_hidden_positions_lose_attention_and_shift_nothing() -> None:
    plain, hidden = (collate([LONG, SHORT], 2, hidden=where) for where in (None, [[0], []]))
    assert hidden.attention_mask.tolist() == [[0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]]
    for name in ("ids", "position_ids", "predicting", "targets", "answer_mask"):
        assert torch.equal(getattr(plain, name), getattr(hidden, name)), name


def test_to_moves_every_field() -> None:
    batch = replace(collate([LONG], 2), entering=torch.zeros(1, 6, 4), first_layer=1)
    moved = batch.to(torch.device("meta"))
    columns = [value for value in vars(moved).values() if isinstance(value, torch.Tensor)]
    assert len(columns) == 7 and all(column.is_meta for column in columns) and moved.first_layer == 1


def test_groups_by_hand() -> None:
    # lengths sorted 2, 3, 4, 9 with budget 8: 2·3 ≤ 8 together, 3·4 > 8 alone, 9 > 8 still comes
    assert list(length_sorted([9, 3, 2, 4], 8)) == [[2, 1], [3], [0]]
    assert list(length_sorted([], 8)) == []


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 100))
def test_every_row_comes_once_and_a_group_fits(lengths: list[int], budget: int) -> None:
    groups = list(length_sorted(lengths, budget))
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    assert all(len(group) == 1 or max(lengths[i] for i in group) * len(group) <= budget for group in groups)
