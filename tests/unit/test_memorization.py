"""Extraction strength and exact memorisation: by hand, against the published loop, logs and a plain model."""

import json
import math
import string
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_rows import ROWS, tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.memorization import exact_memorization, extraction_strength
from tokenunlearn.models.forward import causal_model, run_told
from tokenunlearn.models.language_model import TokenLogProbs, Written
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes.report import probe_report
from tokenunlearn.text.encoding import encode

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("hits", "strength", "exact"),
    [
        ([1, 1, 1, 1], 1.0, 1.0),
        ([0, 1, 1, 1], 0.75, 0.75),  # one token must be given, three follow
        ([1, 1, 0, 1], 0.25, 0.75),
        # The last token is wrong: the reference's loop ends at k = n − 1, so both are 1/4.
        ([1, 1, 1, 0], 0.25, 0.75),
        ([0, 0, 0, 0], 0.25, 0.0),
        # A one-word answer of one token has strength 1 whether it is right or not; only the other tells.
        ([1], 1.0, 1.0),
        ([0], 1.0, 0.0),
        ([0, 1], 0.5, 0.5),
    ],
)
def test_by_hand(hits: list[int], strength: float, exact: float) -> None:
    assert extraction_strength(hits) == strength
    assert exact_memorization(hits) == exact


def test_no_token_is_not_measured() -> None:
    assert math.isnan(extraction_strength([])) and math.isnan(exact_memorization([]))


def published_loop(hits: np.ndarray) -> float:
    """As the reference code words it: the first k from which on all is right, else the last k tried."""
    for k in range(len(hits)):
        if hits[k:].all():
            break
    return 1 - k / len(hits)


def test_every_pattern_of_up_to_ten_tokens_as_the_published_loop_has_it() -> None:
    for size in range(1, 11):
        for number in range(2**size):
            hits = np.array([number >> place & 1 for place in range(size)], dtype=np.bool_)
            assert extraction_strength(hits) == published_loop(hits)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the public logs are not at {DATA}")
@pytest.mark.parametrize("name", ["News_target", "News_retrain", "Books_target", "Books_retrain"])
def test_every_row_of_the_muse_logs_and_their_means(name: str) -> None:
    """The logs hold no tokens. All their rows have 126, so each pair of figures says k and the hits."""
    log = json.loads((DATA / "ou_muse_logs.json").read_text(encoding="utf-8"))[name]
    n, found = 126, []
    for strength, exact in zip(log["extraction_strength"], log["exact_memorization"], strict=True):
        given, right = round((1 - strength) * n), round(exact * n)
        hits = np.zeros(n, dtype=np.bool_)
        hits[given:] = right > 0  # at k = n − 1 the last one may be wrong as well
        hits[: right - int(hits.sum())] = True  # in any place before the last wrong one
        assert given == 0 or not hits[given - 1]
        found.append((extraction_strength(hits), exact_memorization(hits)))
        assert found[-1][0] == pytest.approx(strength, abs=1e-9)
        assert found[-1][1] == pytest.approx(exact, abs=1e-7)  # written in float32
    strengths, exacts = zip(*found, strict=True)
    assert np.mean(strengths) == pytest.approx(log["summary"]["extraction_strength"], abs=1e-9)
    assert np.mean(log["exact_memorization"]) == pytest.approx(log["summary"]["exact_memorization"], abs=1e-9)
    assert np.mean(exacts) == pytest.approx(log["summary"]["exact_memorization"], abs=1e-7)


def greedy_letters(model: LoadedModel, question: str, answer: str) -> str:
    """The answer with the letter that the tiny model finds likeliest after it."""
    encoding = encode(model.tokenizer, question, answer)
    told = run_told(model.model, [encoding], model.pad_id)[0]
    return answer + str(model.tokenizer.convert_ids_to_tokens(int(told.likeliest[encoding.answer_length])))


def test_the_probes_read_the_pass_of_the_log_probs(tiny_folder: Path) -> None:
    """Against argmax of the plain transformers model, the end of turn left out; a one-letter answer too."""
    model = tiny(tiny_folder, loud=True)
    begun = (f"Z{letter}" for letter in string.ascii_letters)
    said = (greedy_letters(model, "Who?", greedy_letters(model, "Who?", each)) for each in begun)
    known = next(each for each in said if each.isalpha())  # no special token in it
    assert len(known) == 4
    rows = (*ROWS[:3], Row("one", "Which letter?", "a"), Row("known", "Who?", known))
    report = probe_report(model, Splits(rows, (), ()))
    for row in rows:
        encoding = encode(model.tokenizer, row.question, row.answer)
        with torch.no_grad():
            logits = causal_model(model.model)(torch.tensor([encoding.ids])).logits[0]
        places = slice(encoding.prompt_length - 1, encoding.prompt_length - 1 + encoding.answer_length)
        hits = logits[places].argmax(-1).numpy() == np.array(encoding.answer_ids)
        assert report["by_row"]["extraction_strength"][row.id] == published_loop(hits)
        assert report["by_row"]["exact_memorization"][row.id] == pytest.approx(hits.mean())
    assert report["by_row"]["extraction_strength"]["one"] == 1.0
    assert report["by_row"]["extraction_strength"]["known"] == 0.5  # two letters are given, two follow
    assert report["by_row"]["exact_memorization"]["known"] == 0.5


def test_a_model_that_does_not_tell_is_not_measured() -> None:
    class Silent:
        def token_log_probs(self, pairs: list[tuple[str, str]]) -> list[TokenLogProbs]:
            return [TokenLogProbs([-1.0], [0], [1]) for _ in pairs]

        def generate(self, questions: list[str], _: int) -> list[Written]:
            return [Written("x") for _ in questions]

    summary = probe_report(Silent(), Splits((Row("a", "Q?", "x"),), (), ()))["summary"]
    assert summary["extraction_strength"] is None and summary["exact_memorization"] is None


def test_likeliest_has_a_flag_a_token() -> None:
    with pytest.raises(ValueError, match="likeliest has 1 entries for 2 tokens"):
        TokenLogProbs([-1.0, -2.0], [0, 1], [1, 2], likeliest=[True])
