"""What every LanguageModel must do, asked of each kind there is: the target, a trained one, each rival."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.splits import Splits
from tokenunlearn.models.language_model import Continues, HasBase, LanguageModel, Standardises, TokenLogProbs
from tokenunlearn.rivals import RIVALS, make_rival
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

pytestmark = pytest.mark.slow

KINDS = ("target", "trained", *RIVALS)
PAIRS = [
    *((row.question, row.answer) for row in ROWS),
    ("Who?", "Ada."),
    ("", "a text without a question."),
    ("Wo wohnt Zoë?", "In Århus, naïve 日本 🙂 e\u0301."),
]


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tiny_folder: Path) -> LanguageModel:
    target = tiny(tiny_folder, loud=True)
    if request.param == "trained":
        config = TrainConfig(steps=2, rank=2, layer_share=1.0)
        target = with_fresh_lora(target, config)
        list(train(target, ROWS[:2], RETAIN, None, config))
    if request.param in RIVALS:
        return make_rival(request.param, target, Splits(ROWS[:3], RETAIN, ()), {})
    return target


def same(first: list[TokenLogProbs], second: list[TokenLogProbs]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.log_probs == pytest.approx(other.log_probs, abs=2e-5)
        assert (one.starts.tolist(), one.ends.tolist()) == (other.starts.tolist(), other.ends.tolist())


def test_nothing_asked_is_nothing_said(model: LanguageModel) -> None:
    assert isinstance(model, LanguageModel)
    assert model.token_log_probs([]) == [] and model.generate([], 4) == []


def test_each_token_has_a_log_prob_and_its_place_in_the_answer(model: LanguageModel) -> None:
    scored = model.token_log_probs(PAIRS)
    assert len(scored) == len(PAIRS)
    for (_, answer), tokens in zip(PAIRS, scored, strict=True):
        assert len(tokens) > 0 and np.isfinite(tokens.log_probs).all() and (tokens.log_probs <= 0).all()
        assert (tokens.starts < tokens.ends).all() and (np.diff(tokens.starts) >= 0).all()
        covered = {
            at for start, end in zip(tokens.starts, tokens.ends, strict=True) for at in range(start, end)
        }
        # the tiny tokenizer has a token a character, so that nothing of an answer may be missing
        assert covered == set(range(len(answer)))


def test_the_order_is_that_of_the_questions(model: LanguageModel) -> None:
    same(model.token_log_probs(PAIRS[::-1]), model.token_log_probs(PAIRS)[::-1])
    questions = [question for question, _ in PAIRS[:5]]
    assert model.generate(questions[::-1], 5) == model.generate(questions, 5)[::-1]


def test_the_rows_beside_a_row_change_nothing(model: LanguageModel) -> None:
    same(model.token_log_probs(PAIRS), [model.token_log_probs([pair])[0] for pair in PAIRS])
    questions = [question for question, _ in PAIRS[:5]]
    assert model.generate(questions, 5) == [model.generate([question], 5)[0] for question in questions]


def test_equal_questions_have_equal_answers(model: LanguageModel) -> None:
    first, second, third = model.token_log_probs([PAIRS[0], PAIRS[1], PAIRS[0]])
    same([first], [third])
    assert not np.allclose(second.log_probs, first.log_probs)
    one, _, two = model.generate([PAIRS[0][0], PAIRS[1][0], PAIRS[0][0]], 6)
    assert one == two


def test_an_answer_keeps_to_its_length(model: LanguageModel) -> None:
    question = PAIRS[0][0]
    short, long = (model.generate([question], most)[0].text for most in (3, 9))
    # the tiny tokenizer writes its tokens, a character each, with blanks between them
    assert len(short.split()) <= 3 and len(long.split()) <= 9 and long.startswith(short)
    assert "<end>" not in long and "<pad>" not in long


def test_asking_leaves_no_trace(model: LanguageModel) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = model.token_log_probs(PAIRS[:3])
    model.generate([PAIRS[0][0]], 4)
    same(model.token_log_probs(PAIRS[:3]), first)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_begun_answer_goes_on_as_the_greedy_one_does(model: LanguageModel) -> None:
    assert isinstance(model, Continues) and model.continued([], 4) == []
    question = PAIRS[0][0]
    whole = model.generate([question], 9)[0].text.split()
    # a letter a token, written with blanks between
    begun = "".join(whole[:3])
    first, second = model.continued([(question, begun), (PAIRS[1][0], "Ad")], 6)
    assert first.text.split() == whole[3:] and model.continued([(PAIRS[1][0], "Ad")], 6) == [second]


def test_standardised_log_probs_are_the_same_log_probs(model: LanguageModel) -> None:
    assert isinstance(model, Standardises) and model.standardised_log_probs([]) == []
    scored = model.standardised_log_probs(PAIRS)
    same(scored, model.token_log_probs(PAIRS))
    for tokens, plain in zip(scored, model.token_log_probs(PAIRS), strict=True):
        assert plain.standardised is None and np.isfinite(tokens.standardised).all()
        assert (tokens.likeliest == plain.likeliest).all()


def test_the_base_beneath_it_reads_the_same_tokens(model: LanguageModel, tiny_folder: Path) -> None:
    assert isinstance(model, HasBase) and model.base_id() == tiny(tiny_folder).base_id()
    scored = model.base_log_probs(PAIRS)
    assert scored is not None and model.base_log_probs([]) == []
    for tokens, own in zip(scored, model.token_log_probs(PAIRS), strict=True):
        assert (tokens.starts.tolist(), tokens.ends.tolist()) == (own.starts.tolist(), own.ends.tolist())
        assert np.isfinite(tokens.log_probs).all()
    same(scored, tiny(tiny_folder, loud=True).token_log_probs(PAIRS))
