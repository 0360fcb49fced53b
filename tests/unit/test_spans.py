"""Characters to words, stop words, punctuation and subjects, by hand."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenunlearn.text.folding import folded
from tokenunlearn.text.spans import (
    overlaps,
    propose_subjects,
    punctuation,
    stop_words,
    subject_parts,
    subject_spans,
    tokens_in,
    whole_words,
    word_ids,
    words,
)


def texts(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Ada's well-known book.", ["Ada", "'s", "well-known", "book", "."]),
        ("In 1969, Zoë left", ["In", "1969", ",", "Zoë", "left"]),
        ("東京 is", ["東", "京", "is"]),
        ("  ", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_overlaps_needs_a_shared_character() -> None:
    assert overlaps((0, 3), [(2, 5)]) and not overlaps((0, 3), [(3, 5)]) and not overlaps((0, 3), [])


def test_a_leading_space_does_not_belong_to_the_token() -> None:
    # the pieces "He", " was", " old": the space before "was" lies in the span (2, 3), no letter does
    offsets = [(0, 2), (2, 6), (6, 10)]
    assert tokens_in("He was old", offsets, [(2, 3)]).tolist() == [False, False, False]
    assert tokens_in("He was old", offsets, [(3, 4)]).tolist() == [False, True, False]


def test_word_ids_join_pieces_and_give_blanks_to_the_next_word() -> None:
    # "Bo", "ok", " ", "one", "."
    text, offsets = "Book one.", [(0, 2), (2, 4), (4, 5), (5, 8), (8, 9)]
    assert word_ids(text, offsets).tolist() == [0, 0, 1, 1, 2]
    assert word_ids("", []).tolist() == [] and word_ids(" ", [(0, 1)]).tolist() == [0]


@given(st.text(alphabet="ab 'é-.東\n", max_size=20))
def test_word_ids_never_fall(text: str) -> None:
    ids = word_ids(text, [(i, i + 1) for i in range(len(text))])
    assert len(ids) == len(text) and all(a <= b for a, b in zip(ids, ids[1:], strict=False))


def test_stop_words_count_for_every_piece_of_the_word() -> None:
    # "Th", "ese", " cats", "'", "s"
    text, offsets = "These cats's", [(0, 2), (2, 5), (5, 10), (10, 11), (11, 12)]
    assert stop_words(text, offsets).tolist() == [True, True, False, True, True]


def test_punctuation_has_no_letter_and_no_digit() -> None:
    assert punctuation("a, 7 –", [(0, 1), (1, 2), (2, 4), (4, 6)]).tolist() == [False, True, False, True]


def test_subject_parts_are_capitalised_words_of_a_longer_name() -> None:
    assert subject_parts("Orla Quint") == ["Orla", "Quint"]
    assert subject_parts("Madonna") == [] and subject_parts("Li Wu") == []
    assert subject_parts("Ada of Cork") == ["Ada", "Cork"]


def test_subject_spans_find_the_whole_name_before_its_parts() -> None:
    text = "Orla Quint met Quint; Quintus did not."
    assert subject_spans(text, "Orla Quint") == [(0, 10, -1), (15, 20, 1)]
    assert subject_spans(text, "") == [] and subject_spans("C++ it is", "C++") == [(0, 3, -1)]


WHOLE_WORDS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "whole_words.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", WHOLE_WORDS, ids=lambda case: f"{case['name']} in {case['text'][:20]}")
def test_where_a_name_stands(case: dict[str, Any]) -> None:
    """By hand; subject_words.test.mjs reads the same file."""
    assert whole_words(case["text"], case["name"]) == [tuple(span) for span in case["spans"]]


@given(st.text(alphabet="aAeE\u0308\u0301 '’-\u2011\n\u00e9\u1100\u1161\u11a8각ʼsſİ東", max_size=20))
def test_folding_keeps_places_and_is_nfc(text: str) -> None:
    here = folded(text)
    assert len(here.text) == len(here.lower) and here.text == normalize("NFC", here.text)
    spelled = normalize("NFC", text.translate(str.maketrans("’ʼ\u2011\n", "''- ")))
    assert here.text == re.sub(" +", " ", spelled)
    places = [here.written(at, at + 1) for at in range(len(here.text))]
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(places))
    assert all(folded(text[start:end]).text.count(here.text[at]) for at, (start, end) in enumerate(places))
    assert not places or (places[0][0], places[-1][1]) == (0, len(text))
    assert folded(here.text).text == here.text


@pytest.mark.parametrize(
    "question, answer, expected",
    [
        ("Where was Orla Quint born?", "Quint was born in Ulm.", ["Orla Quint"]),
        ("What is Velm's capital?", "The capital of Velm is Oro.", ["Velm"]),
        ("Who wrote The Long Road?", "It is a book by Pia Tern.", []),
        ("why is the sky blue?", "The sky scatters light.", []),
        (
            "Where was Sine\u0301ad O’Dowd born?",
            "Sin\u00e9ad O'Dowd was born in Cork.",
            ["Sin\u00e9ad O'Dowd"],
        ),
        ("田中太郎はどこで生まれましたか？", "田中太郎は京都で生まれました。", ["田中太郎"]),
        ("Orla Quintはどこで生まれましたか？", "Quintはウルムで生まれました。", ["Orla Quint"]),
        # a run of Han without an end cannot be told from a clause
        ("田中太郎出生在哪里？", "田中太郎出生在京都。", []),
        ("김철수는 어디에서 태어났습니까?", "김철수는 서울에서 태어났습니다.", []),
    ],
)
def test_proposed_subjects(question: str, answer: str, expected: list[str]) -> None:
    assert propose_subjects(question, answer) == expected
