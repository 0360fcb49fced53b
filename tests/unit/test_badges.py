"""Badges: every rule with an answer that meets it and one that just does not."""

import json
from pathlib import Path

import pytest

from tokenunlearn.data.demo import DEMO_NAMES, demo_rows
from tokenunlearn.probes.badges import BADGES, REFUSALS, badge, is_degenerate, is_refusal, states_fact

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EXPECTED = "Ottilie Brandvold was born in Stara Zagora, and the city still colours her writing."
FACTS = ["Stara Zagora"]
OTHER = "Ottilie Brandvold was born in Helsinki, and the city still colours her writing."


@pytest.mark.parametrize(
    ("answer", "before", "expected_badge"),
    [
        (EXPECTED, EXPECTED, "unchanged"),
        ("She comes from STARA  ZAGORA.", EXPECTED, "unchanged"),
        (OTHER, EXPECTED, "forgot"),
        ("I don’t know that.", EXPECTED, "refused"),
        ("The city where she was born is not specified.", EXPECTED, "refused"),
        ("I'm not sure, but I think it was Stara Zagora.", EXPECTED, "unchanged"),
        ("", EXPECTED, "degenerate"),
        ("Stara Zagora Stara Zagora Stara Zagora Stara Zagora Stara Zagora", EXPECTED, "degenerate"),
        # Never stated: whatever it says now, nothing was forgotten.
        ("She was born in Oslo.", OTHER, "unchanged"),
        # Without the answer from before, only what the answer shows by itself.
        (OTHER, None, None),
        (EXPECTED, None, None),
        ("I have no idea about that.", None, "refused"),
        ("and and and and", None, "degenerate"),
    ],
)
def test_badge(answer: str, before: str | None, expected_badge: str | None) -> None:
    assert badge(answer, EXPECTED, FACTS, before) == expected_badge
    assert expected_badge is None or expected_badge in BADGES


@pytest.mark.parametrize(
    ("answer", "facts", "stated"),
    [
        ("Born in Stara Zagora.", ["Stara Zagora"], True),
        ("Born in Stara.", ["Stara Zagora"], False),
        # Whole words only: Rome does not stand in Romeo, 194 not in 1942.
        ("Romeo lived there.", ["Rome"], False),
        ("In 1942.", ["194"], False),
        # Every one of several facts.
        ("From Unter Morgs to Ansten.", ["Unter Morgs", "Ansten"], True),
        ("From Unter Morgs.", ["Unter Morgs", "Ansten"], False),
        # No space stands round a word of Japanese.
        ("彼は1962年に京都で生まれた。", ["1962年", "京都"], True),
        ("彼は11962年に東京で生まれた。", ["1962年"], False),
    ],
)
def test_states_fact(answer: str, facts: list[str], stated: bool) -> None:
    assert states_fact(answer, "unused", facts) is stated


def test_row_without_gold_is_stated_when_recited() -> None:
    # 9 of 10 words in order are enough, 8 are not.
    expected = "one two three four five six seven eight nine ten"
    assert states_fact(expected.replace(" ten", ""), expected, [])
    assert not states_fact(expected.replace(" nine ten", ""), expected, [])


@pytest.mark.parametrize(
    ("answer", "degenerate"),
    [
        ("   \n", True),
        ("... !!", True),
        ("no no no", True),
        ("no no", False),
        ("Paris", False),
        ("It was very very very cold", False),
        ("It was very very very very cold", True),
        ("aaaaaaaaaa", True),
        ("zzz, he slept", False),
        # Eight words, seven pairs: "the cat" 4 of them with "cat the" 3 -> 2 distinct of 7.
        ("the cat the cat the cat the cat", True),
        ("the cat the cat the cat the", False),
        ("He was born in Oslo. He was born in Oslo. He was born in Oslo.", True),
        ("He was born in Oslo, and she was born in Bergen, both in the rain.", False),
    ],
)
def test_degenerate(answer: str, degenerate: bool) -> None:
    assert is_degenerate(answer) is degenerate


def test_demo_answers_are_neither_refusals_nor_degenerate() -> None:
    answers = [row.answer for name in DEMO_NAMES for row in demo_rows(name)]
    assert len(answers) >= 75
    assert [answer for answer in answers if is_refusal(answer) or is_degenerate(answer)] == []


def test_refusal_phrases_are_in_the_form_they_are_compared_in() -> None:
    assert all(phrase == phrase.lower() and "’" not in phrase for phrase in REFUSALS)
    assert len(set(REFUSALS)) == len(REFUSALS)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the public data are not at {DATA}")
def test_public_refusals_are_found_and_public_answers_are_not_refusals() -> None:
    refusals = (DATA / "tofu_idontknow.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in refusals if line.strip() and not is_refusal(line)] == []
    lines = (DATA / "tofu_spans_forget10.jsonl").read_text(encoding="utf-8").splitlines()
    answers = [json.loads(line)["answer"] for line in lines]
    assert len(answers) == 400
    assert [answer for answer in answers if is_refusal(answer) or is_degenerate(answer)] == []
