"""The pure parts of benchmarks/tofu, by hand; what they measure on real models is in README and METHODS."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.tofu.agreement import agreement, content_of, marked_lines, on_rows, signal_lines
from benchmarks.tofu.arms import ARMS, WITH_MARKS, choice_lines, garbled, masks_of, picked
from benchmarks.tofu.rows import marks_in
from tokenunlearn.experiments.results import read_results, results_text
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.learned.fit import basis_of
from tokenunlearn.learned.marks import RowMarks
from tokenunlearn.learned.words import Words

GOOD = "The author was born in the quiet harbour town of Brixham."


def table() -> pd.DataFrame:
    """Two rows of six words of one token: a name, a stop word, four content words, of which two are gold."""
    at = np.arange(12)
    return pd.DataFrame(
        {
            "row_id": [f"r{row}" for row in at // 6],
            "position": at % 6,
            "word_id": at % 6,
            "is_subject": at % 6 == 0,
            "is_stop_word": at % 6 == 1,
            "is_punctuation": False,
            "gold": np.where(at % 6 > 3, 1.0, 0.0),
            "random_key": at / 12,
            "knowledge_swap": -1.0 * at,
            "learned": at % 6 / 6,
            WITH_MARKS: at / 12,
            "content_words": np.where(at % 6 > 1, 1.0, 0.0),
        }
    )


def answer(text: str, fluency: float, **others: object) -> dict[str, object]:
    kind = {"kind": "forget", "row_id": text, "question": f"{text}?", "expected": "Brixham"}
    return kind | {"facts": ["Brixham"], "answer": text, "fact_joint": 0.0, "fluency": fluency} | others


def test_lines_become_marks_of_forget10_and_rows_without_a_span_have_none() -> None:
    lines = [{"row": 1, "spans": [[0, 3, "Ann"], [5, 7, "in"]]}, {"row": 2, "spans": []}]
    assert marks_in(lines, 360) == {"forget10-361": RowMarks(((0, 3), (5, 7)), seen=True)}


def test_hard_arms_choose_as_many_tokens_as_are_gold() -> None:
    masks = masks_of(table())
    assert masks["learned"].selected.nonzero()[0].tolist() == [4, 5, 10, 11]
    assert masks["knowledge_swap"].selected.nonzero()[0].tolist() == [2, 3, 4, 5]
    assert masks[WITH_MARKS].selected.nonzero()[0].tolist() == [8, 9, 10, 11]
    assert masks["gold"].selected.nonzero()[0].tolist() == [4, 5, 10, 11]
    assert masks["content_words"].selected.sum() == 8


@pytest.mark.parametrize(
    ("arm", "found"),
    [
        ("gold", (4, 1)),
        ("learned", (4, 1)),
        ("swap", (4, 0.5)),
        ("content", (8, 0.5)),
        ("uniform", (12, 1 / 3)),
    ],
)
def test_what_an_arm_chooses_and_how_much_of_it_is_gold(arm: str, found: tuple[int, float]) -> None:
    kind, by = ARMS[arm]
    assert picked(table(), masks_of(table())[by], kind, seed=0) == pytest.approx(found)


def test_the_random_arm_has_the_budget_of_the_gold_in_each_row() -> None:
    kind, by = ARMS["random"]
    assert picked(table(), masks_of(table())[by], kind, seed=0)[0] == 4


def test_answers_are_garbled_by_the_fluency_of_those_before() -> None:
    # the bound is −2 less three times the least deviation of .5
    before = ArmResult("before", 0, "before", 0, {}, [answer(GOOD, -2.0, stated=True)] * 2)
    said = [answer("Walks fond the.", -3.6), answer("In a town.", -3.4), answer("", -1.0)]
    world = answer("Walks fond the.", -3.6, kind="world")
    after = ArmResult("gold", 0, "last step", 12, {}, [*said, world])
    assert garbled(before, after) == 2
    lines = choice_lines(table(), masks_of(table()), [before, after])
    assert [line.split() for line in lines[1:]] == [["gold", "4", "1.00", "last", "step:", "2.0"]]


def test_a_file_of_arms_keeps_what_was_said_and_older_ones_have_nothing_of_it(tmp_path: Path) -> None:
    result = ArmResult("gold", 0, "last step", 12, {"retain": 0.5}, [answer(GOOD, -2.0)])
    file = tmp_path / "arms.jsonl"
    file.write_text(content := results_text({}, [result]), encoding="utf-8")
    assert read_results(file, {}) == read_results(file) == [result]
    file.write_text(content.replace('"answers"', '"others"'), encoding="utf-8")
    assert read_results(file, {}) == [ArmResult("gold", 0, "last step", 12, {"retain": 0.5})]


def test_a_word_has_the_mean_logit_of_its_tokens_that_count() -> None:
    tokens = pd.DataFrame(
        {"row_id": ["a", "a", "a", "b"], "word_id": [0, 0, 1, 0], "is_subject": False}
        | {"is_punctuation": [False, False, True, False]}
    )
    found = on_rows(tokens, np.array([1.0, 3.0, 0.0, -2.0]))
    assert found == pytest.approx(1 / (1 + np.exp([-2.0, -2.0, 0.0, 2.0])))


def test_content_words_are_those_that_count_and_are_no_stop_words() -> None:
    assert content_of(table()).tolist() == [False, True, True, True, True] * 2


def test_two_annotations_agree_word_by_word() -> None:
    texts = {"a": "one two three four"}
    first, second = {"a": RowMarks(((0, 7),), seen=True)}, {"a": RowMarks(((4, 13),), seen=True)}
    assert agreement(texts, ["a"], first, first) == 1
    assert agreement(texts, ["a"], first, second) == 0  # half of the words, as by chance


def test_a_line_of_the_report_has_words_and_content_words() -> None:
    head = {"auroc": 0.91, "auroc_low": 0.9, "auroc_high": 0.92}
    head |= {"precision_at_gold": 0.7, "precision_at_gold_low": 0.65, "precision_at_gold_high": 0.75}
    content = {"auroc": 0.8, "auroc_low": 0.7, "auroc_high": 0.85}
    figures = pd.DataFrame(
        [
            {"signal": "learned", "population": "words"} | head,
            {"signal": "learned", "population": "content"} | head | content,
        ]
    )
    _, line = signal_lines(figures, ["learned"], {"learned": "Learned"})
    assert line.split() == [
        "Learned",
        *("0.910", "[0.90,", "0.92]"),
        *("0.700", "[0.65,", "0.75]"),
        *("0.800", "[0.70,", "0.85]"),
    ]


def test_marks_on_one_author_are_tested_on_the_others_alone() -> None:
    # Of 24 rows of two words the fact has the higher number, but for the second author the lower one.
    rows, facts = np.repeat(np.arange(24), 2), np.tile([1.0, 0.0], 24)
    authors = np.arange(24) // 12
    number = np.where(authors[rows] == 0, facts, 1 - facts)
    words = Words(number[:, None].astype(np.float32), facts, rows, np.arange(48) % 2)
    basis = basis_of(words)  # which says nothing: each label has both numbers equally often
    *_, line = marked_lines(words, authors, np.ones(48, dtype=bool), basis)
    assert line.split()[-6:] == ["0.000", "(0.00–0.00)"] * 3
