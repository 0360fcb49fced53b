"""Rows that begin alike in one row: who is packed with whom, what the mask lets through, what is read."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tokenunlearn.text.encoding import Encoding
from tokenunlearn.text.packing import collate_packs, fed_length, packed_length, packs_of


def encoding(prompt: list[int], answer: list[int]) -> Encoding:
    """A row of these ids; the end of turn is 1, offsets count tokens."""
    offsets = tuple((at, at + 1) for at in range(len(answer)))
    return Encoding((*prompt, *answer, 1), len(prompt), 0, (), offsets)


def test_a_packed_row_by_hand() -> None:
    batch = collate_packs([[encoding([7, 8, 9], [4, 5]), encoding([7, 8, 6], [3])], [encoding([2], [4])]], 0)
    # 7 8 | 9 4 5 | 6 3, and 2 4 padded
    assert batch.ids.tolist() == [[7, 8, 9, 4, 5, 6, 3], [2, 4, 0, 0, 0, 0, 0]]
    assert batch.position_ids[0].tolist() == [0, 1, 2, 3, 4, 2, 3]
    assert batch.rows is not None and batch.rows.tolist() == [0, 0, 1]
    # 4 is predicted at 9, 3 at 6; the end follows each
    assert batch.predicting.tolist() == [[2, 3, 4], [5, 6, 0], [0, 1, 0]]
    assert batch.targets.tolist() == [[4, 5, 1], [3, 1, 0], [4, 1, 0]]
    assert batch.answer_mask.sum(1).tolist() == [3, 2, 2]
    sees = batch.attention_mask[0, 0].int()
    assert sees[4].tolist() == [1, 1, 1, 1, 1, 0, 0] and sees[6].tolist() == [1, 1, 0, 0, 0, 1, 1]
    assert batch.attention_mask[1, 0].int()[2:].equal(torch.eye(7, dtype=torch.int)[2:])


def test_answers_to_one_question_share_the_whole_question() -> None:
    rows = [encoding([7, 8], [4]), encoding([7, 8], [5, 5]), encoding([7, 8], [6])]
    assert packs_of(rows) == [[0, 1, 2]] and packed_length(rows) == 2 + 1 + 2 + 1
    # the first answer token is predicted inside the shared part
    assert collate_packs([rows], 0).predicting[:, 0].tolist() == [1, 1, 1]


def test_a_row_that_would_spoil_more_than_it_saves_starts_a_new_pack() -> None:
    alike = [encoding([7, *range(10, 30)], [4]), encoding([7, *range(10, 30)], [5])]
    assert packs_of([*alike, encoding([7, 50], [4])]) == [[0, 1], [2]]


rows_of_ids = st.lists(
    st.builds(
        encoding, st.lists(st.integers(2, 4), min_size=1, max_size=6), st.lists(st.integers(2, 4), max_size=5)
    ),
    min_size=1,
    max_size=8,
)


@given(rows_of_ids)
def test_every_row_is_packed_once_and_nothing_is_read_twice_for_it(rows: list[Encoding]) -> None:
    packs = packs_of(rows)
    assert sorted(index for pack in packs for index in pack) == list(range(len(rows)))
    lengths = [packed_length([rows[index] for index in pack]) for pack in packs]
    assert sum(lengths) <= sum(map(fed_length, rows))
