"""One question and answer as ids: the label shift, the offsets, the chat frame, text that looks special."""

import numpy as np
import pytest
from transformers import AutoTokenizer

from tokenunlearn.text.encoding import encode, encode_prompt, prompt_frame


@pytest.fixture
def tokenizer(tiny_folder):
    return AutoTokenizer.from_pretrained(tiny_folder)


def test_positions_predict_the_answer_and_the_end(tokenizer) -> None:
    found = encode(tokenizer, "Who?", "Ada.")
    # "Question: " is 10 characters, "Who?" 4, "\nAnswer: " 9: one token each
    assert (found.question_start, found.prompt_length, found.answer_length) == (10, 23, 4)
    assert found.predicting.tolist() == [22, 23, 24, 25, 26]
    assert len(found.ids) == 28 and found.ids[-1] == tokenizer.eos_token_id
    assert tokenizer.convert_ids_to_tokens(list(found.answer_ids)) == ["A", "d", "a", "."]
    shifted = np.array(found.ids)[found.predicting + 1]
    assert shifted.tolist() == [*found.answer_ids, tokenizer.eos_token_id]


def test_offsets_are_characters_of_question_and_answer(tokenizer) -> None:
    found = encode(tokenizer, "Who?", "Ada.")
    assert found.question_offsets == ((0, 1), (1, 2), (2, 3), (3, 4))
    assert found.answer_offsets == ((0, 1), (1, 2), (2, 3), (3, 4))


def test_an_empty_answer_has_the_end_of_turn_only(tokenizer) -> None:
    found = encode(tokenizer, "Who?", "")
    assert found.answer_length == 0 and found.ids[-1] == tokenizer.eos_token_id
    assert found.predicting.tolist() == [22]


def test_the_prompt_is_the_head_of_the_encoding(tokenizer) -> None:
    ids, start, offsets = encode_prompt(tokenizer, "Who?")
    whole = encode(tokenizer, "Who?", "Ada.")
    assert whole.ids[: whole.prompt_length] == tuple(ids)
    assert (start, offsets) == (whole.question_start, whole.question_offsets)


def test_special_tokens_in_a_text_stay_text(tokenizer) -> None:
    found = encode(tokenizer, "Who<end>?", "Ada<end>.")
    assert found.answer_length == len("Ada<end>.")
    assert found.ids.count(tokenizer.eos_token_id) == 1


def test_a_plain_frame_stands_in_for_a_missing_template(tokenizer) -> None:
    assert prompt_frame(tokenizer) == ("Question: ", "\nAnswer: ")


def test_the_template_gets_an_empty_system_turn(tokenizer) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    assert prompt_frame(tokenizer) == ("[system][user]", "[assistant]")
    found = encode(tokenizer, "Who?", "Ada.")
    assert (found.question_start, found.prompt_length) == (len("[system][user]"), 14 + 4 + 11)


def test_a_template_that_refuses_a_system_turn_gets_none(tokenizer) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "[{{ m['role'] }}]{{ m['content'] }}{% endfor %}[go]"
    )
    assert prompt_frame(tokenizer) == ("[user]", "[go]")


def test_a_template_that_hides_the_question_falls_back(tokenizer) -> None:
    tokenizer.chat_template = "nothing of it"
    assert prompt_frame(tokenizer) == ("Question: ", "\nAnswer: ")
