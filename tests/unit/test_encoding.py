"""One question and answer as ids: the label shift, the offsets, the chat frame, text that looks special."""

import hashlib
import json
from datetime import datetime

import numpy as np
import pytest
from transformers import AutoTokenizer

from tests.conversations import CHATML, KINDS, byte_level
from tokenunlearn.data.demo import DEMO_NAMES, demo_rows
from tokenunlearn.errors import InputError, ModelError
from tokenunlearn.models.embedded import embedded_model_folder
from tokenunlearn.text.encoding import encode, encode_prompt
from tokenunlearn.text.turns import check_written, turns_of


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
    whole = encode(tokenizer, "Who?", "Ada.")
    assert whole.ids[: whole.prompt_length] == encode_prompt(tokenizer, "Who?")


def test_special_tokens_in_a_text_stay_text(tokenizer) -> None:
    found = encode(tokenizer, "Who<end>?", "Ada<end>.")
    assert found.answer_length == len("Ada<end>.")
    assert found.ids.count(tokenizer.eos_token_id) == 1


@pytest.mark.parametrize(
    "name", ["chatml", "long default system turn", "refuses a system turn", "thinks", "offsets with blanks"]
)
def test_special_tokens_that_a_person_writes_are_no_part_of_the_template(name: str) -> None:
    tokenizer = KINDS[name].make()
    question, answer = "<|im_end|>Who<eos>? <|im_start|>", "Ada<|im_end|> Moss<eos>, <bos>"
    found, plain = encode(tokenizer, question, answer), encode(tokenizer, "Who?", "Ada.")
    special = [index for index in found.ids if index in tokenizer.all_special_ids]
    assert special == [index for index in plain.ids if index in tokenizer.all_special_ids]
    for text, ids, offsets in (
        (answer, found.answer_ids, found.answer_offsets),
        (question, found.ids[found.question_start :], found.question_offsets),
    ):
        own = tokenizer(text, split_special_tokens=True, return_offsets_mapping=True)
        assert list(ids[: len(offsets)]) == own["input_ids"] and list(offsets) == own["offset_mapping"]


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith("sentencepiece")])
def test_special_tokens_that_a_person_writes_are_text_of_sentencepiece_too(name: str) -> None:
    tokenizer = KINDS[name].make()
    found, plain = encode(tokenizer, "Who <eos>?", "Ada <bos> Moss"), encode(tokenizer, "Who?", "Ada.")
    special = [index for index in found.ids if index in tokenizer.all_special_ids]
    assert special == [index for index in plain.ids if index in tokenizer.all_special_ids]
    assert tokenizer.decode(found.answer_ids) == "Ada <bos> Moss"
    # no blank of its own in front of what follows a special token of the template
    assert (
        tokenizer.convert_ids_to_tokens(found.ids)[: plain.question_start]
        == (tokenizer.convert_ids_to_tokens(plain.ids)[: plain.question_start])
    )


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}",
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{{ eos_token if loop.last }}\n"
        "{% endfor %}",
    ],
)
def test_special_tokens_that_a_person_writes_are_text_in_a_template_of_plain_words(template: str) -> None:
    """Such a template writes no special token around the question, or none at all."""
    tokenizer = byte_level(template=template)
    found = encode(tokenizer, "Who<eos>?", "Ada<|im_end|>.")
    special = [index for index in found.ids if index in tokenizer.all_special_ids]
    assert special == [tokenizer.eos_token_id]
    assert tokenizer.decode(found.answer_ids).strip() == "Ada<|im_end|>."
    prompt = encode_prompt(tokenizer, "Who<eos>?")
    assert set(prompt).isdisjoint(tokenizer.all_special_ids)
    assert tokenizer.decode(prompt) == "user: Who<eos>?\nassistant:"


def test_private_characters_cannot_smuggle_a_special_token_in() -> None:
    tokenizer = byte_level(template=CHATML)
    everything = "".join(chr(0x100000 + at) * 12 for at in range(8))
    assert encode(tokenizer, "Who?", everything).ids.count(turns_of(tokenizer).end_id) == 2
    with pytest.raises(InputError, match="private characters"):
        encode(tokenizer, "<|im_end|>", everything)


def test_a_plain_frame_stands_in_for_a_missing_template(tokenizer) -> None:
    turns = turns_of(tokenizer)
    assert (turns.before, turns.between, turns.after) == ("Question: ", "\nAnswer: ", "")
    assert turns.end_id == tokenizer.eos_token_id


@pytest.mark.parametrize(
    "name, before, between, after",
    [
        ("chatml", "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"),
        (
            "long default system turn",
            "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n",
            "<|im_end|>\n<|im_start|>assistant\n",
            "<|im_end|>",
        ),
        ("refuses a system turn", "<bos><|im_start|>user\n", "<|im_end|>\n<|im_start|>model\n", "<|im_end|>"),
        ("instruct", "<bos>[INST] ", "[/INST] ", "<eos>"),
        ("sentencepiece, always", "<bos>[INST] ", " [/INST] ", " <eos>"),
    ],
)
def test_an_empty_system_turn_stands_only_where_it_makes_the_frame_shorter(
    name: str, before: str, between: str, after: str
) -> None:
    turns = turns_of(KINDS[name].make())
    assert (turns.before, turns.between, turns.after) == (before, between, after)


@pytest.mark.parametrize(
    "template, why",
    [
        ("nothing of it", "does not write out question and answer"),
        ("{% for m in messages %}{{ m['content'] | upper }}{% endfor %}", "does not write out question"),
        ("{% for m in messages %}{{ m['content'] }}{{ m['content'] }}{% endfor %}", "does not write out"),
        ("{{ raise_exception('Only for tools.') }}", "Only for tools"),
        ("{% for m in messages %}", "TemplateSyntaxError"),
        ("{{ messages[7]['content'] }}", "UndefinedError"),
        ({"tool_use": CHATML}, "default"),
    ],
)
def test_a_template_that_cannot_be_used_is_told(tokenizer, template, why: str) -> None:
    tokenizer.chat_template = template
    with pytest.raises(ModelError, match=why) as caught:
        encode(tokenizer, "Who?", "Ada.")
    assert "plain frame, Question:" in str(caught.value)


def test_a_template_without_an_end_of_turn_ends_with_the_end_of_sequence() -> None:
    template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    tokenizer = byte_level(template=template)
    found = encode(tokenizer, "Who?", "Ada.")
    text = "user: Who?\nassistant: Ada."
    assert list(found.ids) == [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    assert found.end_ids == (tokenizer.eos_token_id,)
    with pytest.raises(ModelError, match="Name the eos_token"):
        encode(byte_level(template=template, eos_token=None), "Who?", "Ada.")


def test_several_tokens_may_end_a_turn() -> None:
    tokenizer = KINDS["sentencepiece, always"].make()
    found = encode(tokenizer, "Who?", "Ada.")
    assert tokenizer.convert_ids_to_tokens(found.end_ids) == ["▁", "<eos>"]
    assert found.target_count(True) == found.answer_length + 2 == found.target_count(False) + 2
    assert (np.array(found.ids)[found.predicting + 1]).tolist() == [*found.answer_ids, *found.end_ids]


def test_a_text_that_a_template_trims_keeps_its_own_offsets() -> None:
    tokenizer = KINDS["refuses a system turn"].make()
    found = encode(tokenizer, "  Who?", "\n Ada. ")
    assert found.ids == encode(tokenizer, "Who?", "Ada.").ids
    assert (found.answer_offsets[0][0], found.answer_offsets[-1][1]) == (2, 6)
    assert (found.question_offsets[0][0], found.question_offsets[-1][1]) == (2, 6)


def test_a_text_that_a_template_rewrites_is_refused() -> None:
    tokenizer = KINDS["thinks"].make()
    assert encode(tokenizer, "Who?", "\nAda.").ids == encode(tokenizer, "Who?", "Ada.").ids
    with pytest.raises(InputError, match="rewrites this text"):
        check_written(tokenizer, "Who?", "I think.</think>Ada.")
    check_written(tokenizer, "Who?", "\nAda.")


def test_a_piece_across_the_border_belongs_to_the_answer() -> None:
    tokenizer = KINDS["plain"].make()
    found = encode(tokenizer, "Who?", "Orla Bramwick.")
    first = tokenizer.convert_ids_to_tokens(found.answer_ids[:1])[0]
    assert first.startswith("Ġ") and found.answer_offsets[0] == (0, len(first) - 1)
    assert tokenizer.convert_ids_to_tokens(found.ids[: found.prompt_length])[-1] == ":"


def test_a_template_that_tells_the_date_tells_the_same_one_on_any_day(monkeypatch) -> None:

    class Clock(datetime):
        @classmethod
        def now(cls):
            return datetime(2026, 11, today)

    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Clock)
    tokenizer = byte_level(template="{{ strftime_now('%d %B') }}" + CHATML)
    today = 29
    first = encode(tokenizer, "Who?", "Ada.")
    today = 30
    assert encode(tokenizer, "Who?", "Ada.") == first
    check_written(tokenizer, "Who?", "Ada.")
    assert encode(byte_level(template=tokenizer.chat_template), "Who?", "Ada.") == first
    assert tokenizer.decode(first.ids).startswith("26 July<|im_start|>")


def test_the_embedded_model_keeps_the_very_ids_of_its_shipped_adapters() -> None:
    """The hash was made at 89070e2, before a conversation was tokenised whole."""
    tokenizer = AutoTokenizer.from_pretrained(embedded_model_folder())
    found = []
    for row in (row for name in sorted(DEMO_NAMES) for row in demo_rows(name)):
        questions = [(question, row.answer) for question in (row.question, *row.paraphrased_question)]
        answers = [(row.question, answer) for answer in (*row.paraphrased_answer, *row.perturbed_answer)]
        for encoding in (encode(tokenizer, *pair) for pair in (*questions, *answers)):
            places = (encoding.prompt_length, encoding.question_start)
            found.append([encoding.ids, *places, encoding.question_offsets, encoding.answer_offsets])
    assert len(found) == 558
    digest = hashlib.sha256(json.dumps(found, separators=(",", ":")).encode()).hexdigest()
    assert digest == "a468b79cb7627bc7a6affcb692ec7dcaea83b5c28661456b2a0c7828839025c7"
