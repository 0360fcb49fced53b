"""Badges: every rule with an answer that meets it and one that just does not."""

import json
from pathlib import Path

import pytest

from tokenunlearn.data.demo import annotated_rows
from tokenunlearn.probes.badges import (
    BADGES,
    KNOWN,
    REFUSALS,
    Asked,
    Said,
    badge,
    is_degenerate,
    is_refusal,
    states_fact,
    states_part,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EXPECTED = "Ottilie Brandvold was born in Stara Zagora, and the city still colours her writing."
FACTS = ["Stara Zagora"]
OTHER = "Ottilie Brandvold was born in Helsinki, and the city still colours her writing."


QUESTION = "In which city was Ottilie Brandvold born?"
ASKED = Asked(QUESTION, EXPECTED, FACTS)
KNEW = Said(EXPECTED, 0.93, -2.6)
BOUND = -4.2
WILD = "Sefu Makorere received the word ana jilar Regledan ko Aambuiden koori wan go legislaram go tarankan"


@pytest.mark.parametrize(
    ("now", "before", "expected_badge"),
    [
        (Said(EXPECTED, 0.9, -2.6), KNEW, "still_knows"),
        (Said("She comes from STARA  ZAGORA.", 0.9, -3.0), KNEW, "still_knows"),
        (Said("I'm not sure, but I think it was Stara Zagora.", 0.4, -2.0), KNEW, "still_knows"),
        # A broken answer that states the fact has not lost it.
        (Said("Stara Zagora Stara Zagora Stara Zagora Stara Zagora", 0.9, -2.0), KNEW, "still_knows"),
        (Said(OTHER, 0.0, -2.6), KNEW, "forgot"),
        (Said(OTHER, 0.0, BOUND), KNEW, "forgot"),
        (Said(OTHER, 0.0, BOUND - 0.01), KNEW, "garbled"),
        # The figures are those of the embedded base, read once (test_shipped.py reads them again).
        (Said(WILD, 0.0, -5.94), KNEW, "garbled"),
        (Said("Sefu Makorere first began to develop a government of__))", 0.0, -4.31), KNEW, "garbled"),
        (Said("", 0.0, None), KNEW, "garbled"),
        (Said("Castellan Castellan Castellan Castellan", 0.0, -1.8), KNEW, "garbled"),
        (Said("In Bel\ufffdi comuniti.", 0.0, -3.6), KNEW, "garbled"),
        # Cut by the limit in the middle of a character.
        (Said("She was born in Krak\ufffd", 0.0, -2.6), KNEW, "forgot"),
        (Said("I don’t know that.", 0.0, -2.0), KNEW, "refused"),
        (Said("The city where she was born is not specified.", 0.0, -2.0), KNEW, "refused"),
        # Half the fact, and a fact that is gone from the text alone.
        (Said("Ottilie Brandvold was born in Stara Zetta, and the city.", 0.0, -3.7), KNEW, "partly"),
        (Said("Ot %: Alpina, Switzerland", 0.26, -3.9), KNEW, "partly"),
        (Said("Ot %: Alpina, Switzerland", 0.26, -6.0), KNEW, "garbled"),
        (Said(OTHER, KNOWN, -2.6), KNEW, "partly"),
        (Said(OTHER, KNOWN - 0.01, -2.6), KNEW, "forgot"),
        # Never stated, and never likely: whatever it says now, nothing was forgotten.
        (Said("She was born in Oslo.", 0.0, -2.0), Said(OTHER, 0.0, -2.6), "never_knew"),
        (Said("She was born in Oslo.", None, -2.0), Said(OTHER, None, -2.6), "never_knew"),
        # Never stated, and yet likely: known by its probability alone.
        (Said("She was born in Oslo.", 0.0, -2.0), Said(OTHER, 0.4, -2.6), "forgot"),
        (Said("She was born in Oslo.", 0.3, -2.0), Said(OTHER, 0.4, -2.6), "still_knows"),
        # Without a base nothing says whether it is fluent; the page does not call that a success.
        (Said(OTHER, 0.0, None), KNEW, "forgot"),
        # Cut before the fact had room: nobody knows what would have come.
        (Said("Ottilie Brandvold was bor", 0.0, -2.6, cut=True), KNEW, "cut"),
        (Said("Ottilie Brandvold was bor", 0.0, -2.6), KNEW, "forgot"),
        (Said("Ottilie Brandvold was born in Lyon Hel", 0.0, -2.6, cut=True), KNEW, "cut"),
        (Said("Ottilie Brandvold was born in Lyon, Helv", 0.0, -2.6, cut=True), KNEW, "cut"),
        (Said("Ottilie Brandvold was born in Lyon, and the ci", 0.0, -2.6, cut=True), KNEW, "forgot"),
        (Said("Ottilie Brandvold was born in Stara", 0.0, -2.6, cut=True), KNEW, "partly"),
        (Said("Ottilie Brandvold was bor", 0.0, -2.6, cut=True), Said(OTHER, 0.0, -2.6), "never_knew"),
        # What was cut before may have been the fact, unless its probability says that it was not.
        (Said(OTHER, None, -2.6), Said("Ottilie Brandvold was bor", None, -2.6, cut=True), None),
        (Said(OTHER, 0.0, -2.6), Said("Ottilie Brandvold was bor", 0.0, -2.6, cut=True), "never_knew"),
        # Without the answer from before, only what the answer shows by itself.
        (Said(OTHER, 0.0, -2.6), None, None),
        (Said(EXPECTED, 0.9, -2.6), None, "still_knows"),
        (Said("I have no idea about that.", 0.0, -2.0), None, "refused"),
        (Said("and and and and", 0.0, -2.0), None, "garbled"),
    ],
)
def test_badge(now: Said, before: Said | None, expected_badge: str | None) -> None:
    assert badge(ASKED, now, before, BOUND) == expected_badge
    assert expected_badge is None or expected_badge in BADGES


def test_without_a_bound_only_the_text_says_that_it_is_garbled() -> None:
    assert badge(ASKED, Said(WILD, 0.0, -5.94), KNEW) == "forgot"
    assert badge(ASKED, Said("and and and and", 0.0, -1.0), KNEW) == "garbled"


@pytest.mark.parametrize(
    ("answer", "facts", "part"),
    [
        ("Born in Stara Zetta.", ["Stara Zagora"], True),
        ("Born in Starazetta.", ["Stara Zagora"], False),
        # One of several facts.
        ("From Ansten to Rome.", ["Unter Morgs", "Ansten"], True),
        # Words of the question, of the rest of the answer and stop words are no part of the fact.
        ("The city of Rome.", ["the city of Ansten"], False),
        ("Her writing.", ["Writing Ansten"], False),
        ("A hat, of all things.", ["A Ledger of Rain"], False),
        # A script without spaces: a fact stands whole or not at all.
        ("彼は東京で生まれた。", ["京都"], False),
        ("彼は1962年に東京で生まれた。", ["1962年", "京都"], True),
        ("Rome.", ["42"], False),
        # The pieces of a compound, in the taught answer as in this one.
        ("A 3-legged stool.", ["three-legged tortoise"], True),
        ("A 3-footed stool.", ["three-legged tortoise"], False),
    ],
)
def test_states_part(answer: str, facts: list[str], part: bool) -> None:
    rest = "Ottilie Brandvold was born in {}, and the city still colours her writing."
    assert states_part(answer, QUESTION, rest.format(" and ".join(facts)), facts) is part


def test_a_row_without_gold_is_partly_stated_when_half_of_it_is_recited() -> None:
    expected = "one two three four five six seven eight nine ten"
    assert states_part("one two three four five", QUESTION, expected, [])
    assert not states_part("one two three four", QUESTION, expected, [])


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


@pytest.mark.parametrize("blank", [[""], [" ", "\n"], ["."], ["…?!"]])
def test_a_blank_gold_string_marks_nothing(blank: list[str]) -> None:
    assert not states_fact("In Rome.", EXPECTED, blank) and states_fact(EXPECTED, EXPECTED, blank)
    assert not states_part("In Rome.", QUESTION, EXPECTED, blank)
    assert states_fact("Born in Stara Zagora.", EXPECTED, ["", "Stara Zagora"])
    assert states_fact("It costs 5 €.", "unused", ["€"])


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
        # of an own fact, after the gentle defaults
        ("She hid the keydarlingdarling.", True),
        # another one, after forty of their steps: −3.71 nats to the base, where the bound is −4.1
        ('In prison Petra Vanlow wrote a novel called " " " ".', True),
        # three facts together, after the default steps
        ("It was founded in 3,320,360,960,240,444,844,444,844.", True),
        ("Pi is 3.14159265358979, and the moon is 384,400,000,000 millimetres away.", False),
        ("He wrote . . . and then – well – nothing, “so it is” .", False),
        ("Couscous and beriberi in Baden-Baden.", False),
        ("zzz, he slept", False),
        # of the recorded run: each more likely to the base than the answer before
        ('The best-known book by Sefu Makorere is called "A Map of A Map of A Map".', True),
        ("Her mother supported the family by working as a funeral carriage carriage pilot.", True),
        ("Sefu is associated with the country's government government.", True),
        ("She received the following award for it:\n\nShe received the following award", True),
        ("the cat the cat", True),
        # −2.96 nats to the base, where the bound is −4.1
        ("Ottilie Brandvold was was born born in in.", True),
        ("He likes Duran Duran, kupu-kupu and had had enough.", False),
        ("The capital of the state is the seat of the court.", False),
        ("He was born in Oslo. He was born in Oslo. He was born in Oslo.", True),
        ("He was born in Oslo, and she was born in Bergen, both in the rain.", False),
    ],
)
def test_degenerate(answer: str, degenerate: bool) -> None:
    assert is_degenerate(answer) is degenerate


def test_demo_answers_are_neither_refusals_nor_degenerate() -> None:
    answers = [text for row in annotated_rows() for text in (row.answer, *row.paraphrased_answer)]
    assert len(answers) >= 240
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
    for name in ("tofu_forget01_perturbed", "tofu_real_authors_perturbed", "tofu_world_facts_perturbed"):
        lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        answers += [json.loads(line)["answer"] for line in lines]
    assert [answer for answer in answers if is_refusal(answer) or is_degenerate(answer)] == []
