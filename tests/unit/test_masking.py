"""What is hidden from the model, and where its tokens are afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny_rows import tiny
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.masking import (
    INVENTED_NAMES,
    aligned,
    lent_names,
    prompt_positions,
    shares_word,
    subject_positions,
    swap_names,
    swap_subject,
)


@pytest.fixture(scope="module")
def tokenizer(tiny_folder):
    return tiny(tiny_folder).tokenizer


def test_a_swap_replaces_whole_names_and_parts_by_like_parts() -> None:
    answer = "Ada Moss sings. Ms Moss, or Ada, is old."
    found = swap_subject("Who is Ada Moss?", answer, "Ada Moss", "Bo Ree Lund")
    assert found.question == "Who is Bo Ree Lund?"
    # the last part stands for the last, the first usable one for the first ("Bo" is too short to be a part)
    assert found.answer == "Bo Ree Lund sings. Ms Lund, or Ree, is old."
    assert found.replaced == ((0, 8, 3), (19, 23, 3), (28, 31, 3))


def test_alignment_follows_the_shift_and_drops_the_name(tokenizer) -> None:
    found = swap_subject("Who?", "By Ada, so.", "Ada", "Berta")
    assert found.answer == "By Berta, so."
    original, swapped = (encode(tokenizer, "Who?", text) for text in ("By Ada, so.", found.answer))
    assert aligned(original, swapped, found.replaced).tolist() == [0, 1, 2, -1, -1, -1, 8, 9, 10, 11, 12]


def test_a_token_that_re_tokenises_otherwise_has_no_counterpart() -> None:
    original = Encoding((9, 5, 6, 1), 1, 0, (), ((0, 2), (2, 4)))
    other_id = Encoding((9, 5, 7, 1), 1, 0, (), ((0, 2), (2, 4)))
    other_cut = Encoding((9, 5, 6, 8, 1), 1, 0, (), ((0, 2), (2, 3), (3, 4)))
    assert aligned(original, other_id, ()).tolist() == [0, -1]
    assert aligned(original, other_cut, ()).tolist() == [0, -1]


def test_swap_names_are_alike_then_invented_and_share_no_word() -> None:
    others = ["Bob Reed", "Ada Lund", "Cleo Dee Fay", "Bob Reed", "Dan Fox"]
    names = swap_names("Ada Moss", lent_names(others), 4)
    assert sorted(names[:2]) == ["Bob Reed", "Dan Fox"] and names[2:] == list(INVENTED_NAMES[:2])
    assert swap_names("Ada Moss", lent_names(others), 1) == names[:1]
    assert INVENTED_NAMES[0] not in swap_names("Marta Blank", lent_names([]), 9)


def test_a_name_without_spaces_round_it_is_swapped_hidden_and_aligned(tokenizer) -> None:
    question, answer = "田中太郎はどこで？", "田中太郎は京都、田中太郎。"
    found = swap_subject(question, answer, "田中太郎", "李明")
    assert (found.question, found.answer) == ("李明はどこで？", "李明は京都、李明。")
    assert found.replaced == ((0, 4, -2), (8, 12, -4))
    original, swapped = (encode(tokenizer, question, text) for text in (answer, found.answer))
    assert aligned(original, swapped, found.replaced).tolist() == [-1] * 4 + [2, 3, 4, 5] + [-1] * 4 + [8]
    positions = subject_positions(original, question, answer, "田中太郎")
    in_answer = [original.prompt_length + place for place in (0, 1, 2, 3, 8, 9, 10, 11)]
    assert positions == [*range(original.question_start, original.question_start + 4), *in_answer]


def test_names_that_hold_one_another_are_not_swapped() -> None:
    assert (
        shares_word("田中", "田中花子")
        and shares_word("田中花子", "花子")
        and not shares_word("田中", "李明")
    )
    assert not shares_word("Ann", "Anna")
    assert swap_names("田中", lent_names(["田中花子", "李明"]), 1) == ["李明"]


def test_subject_positions_count_the_frame(tokenizer) -> None:
    question, answer = "Is Ada in?", "Ada is."
    encoding = encode(tokenizer, question, answer)
    found = subject_positions(encoding, question, answer, "Ada")
    assert "".join(tokenizer.convert_ids_to_tokens([encoding.ids[i] for i in found])) == "AdaAda"
    start = encoding.question_start
    assert found == [start + 3, start + 4, start + 5, *(encoding.prompt_length + i for i in range(3))]
    assert subject_positions(encoding, question, answer, "") == []


def test_prompt_positions_are_the_question_alone(tokenizer) -> None:
    encoding = encode(tokenizer, "Is Ada in?", "Yes.")
    shown = tokenizer.convert_ids_to_tokens([encoding.ids[i] for i in prompt_positions(encoding)])
    assert "".join(shown) == "Is Ada in?"


LETTERS = st.sampled_from("aAbé'-. 田中花子山")
NAME = st.text(alphabet=LETTERS, min_size=1, max_size=8).filter(lambda name: any(map(str.isalnum, name)))
NAMES = st.lists(NAME, max_size=12)


@given(NAMES, NAMES.filter(bool), st.integers(1, 10))
def test_the_names_are_those_that_a_look_at_all_of_them_finds(others, subjects, count) -> None:
    subject = subjects[0]
    size = len(set(subject.split()))
    like = [n for n in dict.fromkeys(others) if len(n.split()) == size and not shares_word(subject, n)]
    turn = sum(map(ord, subject)) % len(like) if like else 0
    like = like[turn:] + like[:turn]
    invented = [n for n in INVENTED_NAMES if not shares_word(subject, n) and n not in like]
    assert swap_names(subject, lent_names(others), count) == [*like, *invented][:count]
