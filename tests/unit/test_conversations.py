"""Tokenizers of many kinds: our tokens are their own, greedy is greedy, what was taught is scored as sure."""

import numpy as np
import pytest
import torch
from transformers import GenerationConfig

from tests.conversations import ASKS, KINDS, PAIRS, saved, taught_model
from tokenunlearn.models.forward import run_pass
from tokenunlearn.models.loading import load_model
from tokenunlearn.text.encoding import encode, encode_prompt

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    kind = KINDS[request.param]
    tokenizer = kind.make()
    model = taught_model(tokenizer, [kind.ids(tokenizer, *pair) for pair in PAIRS])
    folder = saved(model, tokenizer, tmp_path_factory.mktemp("model"), ASKS)
    return kind, tokenizer, model, load_model(str(folder), precision="fp32")


def test_the_ids_are_the_tokenizers_own(case) -> None:
    kind, tokenizer, _, _ = case
    for question, answer in PAIRS:
        found, own = encode(tokenizer, question, answer), kind.ids(tokenizer, question, answer)
        assert list(found.ids) == own[: len(found.ids)]
        rest = tokenizer.decode(own[len(found.ids) :])
        assert not rest.strip(), f"{rest!r} follows what we take for the end of turn"
        assert tokenizer.convert_ids_to_tokens(found.ids[-1]) in ("<eos>", "<|im_end|>")
        assert list(encode_prompt(tokenizer, question)) == kind.prompt_ids(tokenizer, question)
        assert found.ids[: found.prompt_length] == encode_prompt(tokenizer, question)


def test_offsets_are_those_of_question_and_answer(case) -> None:
    _, tokenizer, _, _ = case
    for question, answer in PAIRS:
        found = encode(tokenizer, question, answer)
        assert "".join(answer[start:end] for start, end in found.answer_offsets).replace(" ", "") == (
            answer.replace(" ", "")
        )
        pieces = [question[start:end].strip() for start, end in found.question_offsets]
        assert "".join(pieces) == question.replace(" ", "")
        decoded = [tokenizer.decode([each]).strip() for each in found.answer_ids]
        assert decoded == [answer[start:end].strip() for start, end in found.answer_offsets]


def test_what_was_taught_is_sure_in_our_scores(case) -> None:
    _, tokenizer, _, loaded = case
    encodings = [encode(loaded.tokenizer, *pair) for pair in PAIRS]
    passes = run_pass(loaded.model, encodings, loaded.pad_id, include_end=True)
    for encoding, scores in zip(encodings, passes, strict=True):
        assert len(scores.log_probs) == encoding.answer_length + encoding.end_length
        assert np.exp(scores.log_probs).min() >= 0.95
    assert [found.recited for found in loaded.token_log_probs(PAIRS)] == [True, True]


def test_answers_are_plain_greedy_text(case) -> None:
    kind, tokenizer, model, loaded = case
    questions = [*(question for question, _ in PAIRS), "Why was Piet Bramwick born in Answer?"]
    model.generation_config = GenerationConfig()
    ends = [each for each in (tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|im_end|>")) if each]
    by_library, by_hand = [], []
    for question in questions:
        prompt = torch.tensor([kind.prompt_ids(tokenizer, question)])
        config = GenerationConfig(do_sample=False, max_new_tokens=16, eos_token_id=ends, pad_token_id=0)
        said = model.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=config)[0]
        by_library.append(tokenizer.decode(said[prompt.shape[1] :], skip_special_tokens=True).strip())
        by_hand.append(greedy_by_hand(model, tokenizer, prompt, ends))
    assert [each.text for each in loaded.generate(questions, 16)] == by_library == by_hand
    assert by_library[:2] == [answer for _, answer in PAIRS]
    assert [each.cut for each in loaded.generate(questions[:2], 16)] == [False, False]
    short = loaded.generate(questions[:2], 2)
    assert all(
        each.cut and answer.startswith(each.text) for each, (_, answer) in zip(short, PAIRS, strict=True)
    )


def greedy_by_hand(model, tokenizer, prompt: torch.Tensor, ends: list[int]) -> str:
    ids = prompt[0].tolist()
    for _ in range(16):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] in ends:
            break
    return tokenizer.decode(ids[prompt.shape[1] :], skip_special_tokens=True).strip()
