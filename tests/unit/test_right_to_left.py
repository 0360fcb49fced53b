"""Numbers and lines of text from right to left, worked out by hand; digits.test.mjs reads the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn.documents.right_to_left import Cell, is_number, kinds, places_from_right, runs_from_right


def parts(*texts: str) -> list[tuple[str, str, str]]:
    return [(text[: len(text) - len(text.lstrip())], text.lstrip(), "") for text in texts]


DIGITS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "digits.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", DIGITS, ids=lambda case: case["what"])
def test_a_number_goes_on_and_another_begins_anew(case: dict[str, Any]) -> None:
    pieces = [
        (text[: len(text) - len(text.lstrip())], text.strip(), text[len(text.rstrip()) :])
        for text in case["texts"]
    ]
    words = {"left": "on", "first": "first"}
    found = [
        words[kind] if is_number(shown) else ""
        for kind, (_, shown, _) in zip(kinds(pieces), pieces, strict=True)
    ]
    assert found == case["digits"]


def test_letters_and_brackets_have_their_side() -> None:
    assert kinds(parts("ביום", " Rome", " (", "1", ")", ".")) == ["right", "left", "", "left", "left", ""]
    assert kinds(parts("ביום", " (", "1", ")")) == ["right", "", "first", ""]
    assert kinds(parts("\U0001e900\U0001e925", " \u07c1\u07c9", " ʹ", " ߊ")) == [
        "right",
        "right",
        "",
        "right",
    ]


def test_the_first_letter_says_where_a_text_begins() -> None:
    assert [runs_from_right(text) for text in ("12 עדה", "Ada עדה", "12", "")] == [True, False, False, False]


def test_a_line_begins_at_the_right_but_numbers_and_latin_words_in_it_do_not() -> None:
    # A name, a number of two tokens, a word; then a word, two Latin words and a full stop.
    line = [Cell(3, "right"), Cell(1, ""), Cell(1, "first"), Cell(1, "left"), Cell(1, ""), Cell(2, "right")]
    assert places_from_right(line, 10) == [7, 6, 4, 5, 3, 1]
    latin = [Cell(2, "right"), Cell(1, ""), Cell(3, "left"), Cell(1, ""), Cell(4, "left"), Cell(1, "")]
    assert places_from_right(latin, 12) == [10, 9, 1, 4, 5, 0]
