"""Questions with choices by hand: which letter and which text a model finds likeliest."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.tiny_rows import tiny
from tokenunlearn.cli.probe import choice_lines
from tokenunlearn.data.choices import by_letter, by_text
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.language_model import TokenLogProbs, Written
from tokenunlearn.probes.report import probe_report
from tokenunlearn.text.encoding import encode

ICE = Row("ice", " What is ice? ", "water", choices=("sand", "water", "a kind of stone"), correct=1)
SKY = Row("sky", "What is up?", "sky", choices=("sky", "sea"), correct=0)
# The second choice has two bytes a character.
TEA = Row("tea", "What is tea?", "éé", choices=("leaf", "éé"), correct=1)
OPEN = Row("open", "What?", "x", choices=("x", "y"))
LISTED = "What is ice?\nA. sand\nB. water\nC. a kind of stone\nAnswer:"


class Double:
    """Log-likelihoods by hand, as two tokens of half each."""

    def __init__(self, likelihoods: dict[tuple[str, str], float]) -> None:
        self.likelihoods = likelihoods

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Halve each likelihood."""
        return [TokenLogProbs([self.likelihoods[pair] / 2] * 2, [0, 1], [1, 2]) for pair in pairs]

    def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Written]:
        """Answer nothing: no question is asked openly."""
        assert not questions and max_new_tokens
        return []


def test_the_question_is_written_as_the_harness_writes_it() -> None:
    assert by_letter(ICE) == [(LISTED, "A"), (LISTED, "B"), (LISTED, "C")]
    assert by_text(SKY) == [("What is up?", "sky"), ("What is up?", "sea")]


def test_the_likeliest_letter_and_the_likeliest_text_by_hand() -> None:
    sky = "What is up?\nA. sky\nB. sea\nAnswer:"
    model = Double(
        {
            **dict(zip(by_letter(ICE), (-3.0, -1.0, -2.0), strict=True)),  # B: right
            **{(sky, "A"): -2.0, (sky, "B"): -1.0},  # B: wrong
            # a byte: sand −1, water −.9, stone −.8, so the longest is taken, which is wrong
            **dict(zip(by_text(ICE), (-4.0, -4.5, -12.0), strict=True)),
            **dict(zip(by_text(SKY), (-3.0, -6.0), strict=True)),  # right
        }
    )
    report = probe_report(model, Splits((), (), (), choice=(ICE, SKY, OPEN)))
    assert report["by_row"]["choice_letter"] == {"ice": 1, "sky": 0}
    assert report["by_row"]["choice_text"] == {"ice": 0, "sky": 1}
    summary = report["summary"]
    assert (summary["choice_letter"], summary["choice_text"]) == (0.5, 0.5)
    assert summary["choice_chance"] == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_a_likelihood_is_divided_by_bytes_and_not_by_characters() -> None:
    # A byte: leaf −1, éé −.75; a character: −1 and −1.5.
    said = dict(zip([*by_letter(TEA), *by_text(TEA)], (-1.0, -2.0, -4.0, -3.0), strict=True))
    report = probe_report(Double(said), Splits((), (), (), choice=(TEA,)))
    assert report["by_row"]["choice_text"] == {"tea": 1}


def test_a_question_that_fits_only_without_its_choices_is_told_before_anything_is_asked(
    tiny_folder: Path,
) -> None:
    model = tiny(tiny_folder)
    row = Row("long", "What?", "x", choices=("x", "y " * 40), correct=0, split="choice")
    reads = len(encode(model.tokenizer, row.question, row.answer).ids)
    model.model.config.max_position_embeddings = reads
    check_rows(model, [row])
    with pytest.raises(InputError, match="Row long has .* tokens in other words. The model reads at most"):
        check_rows(model, Splits((), (), (), choice=(row,)).rows, other_words=True)


def test_an_accuracy_of_one_or_two_questions_has_no_interval() -> None:
    summary = {"choice_letter": 1.0, "choice_text": 0.5, "choice_chance": 0.25}
    report = {"summary": summary, "by_row": {"choice_letter": {"a": 1.0}}}
    assert choice_lines(report) == [
        "choice_letter       1.000 interval not measured of 1 question, chance 0.250"
    ]
    report = {"summary": summary, "by_row": {"choice_text": {"a": 1.0, "b": 0.0}}}
    assert choice_lines(report) == [
        "choice_text         0.500 interval not measured of 2 questions, chance 0.250"
    ]
    report = {"summary": summary, "by_row": {"choice_text": {"a": 1.0, "b": 0.0, "c": 0.5}}}
    assert choice_lines(report) == ["choice_text         0.500 [0.000, 1.000] of 3 questions, chance 0.250"]
    report = {"summary": summary, "by_row": {"choice_letter": {"a": 1.0, "b": 1.0, "c": 1.0}}}
    assert choice_lines(report) == [
        "choice_letter       1.000 without an interval, as all are alike, of 3 questions, chance 0.250"
    ]


def test_without_questions_nothing_is_measured() -> None:
    summary = probe_report(Double({}), Splits((), (), (), choice=(OPEN,)))["summary"]
    assert all(summary[name] is None for name in ("choice_letter", "choice_text", "choice_chance"))
