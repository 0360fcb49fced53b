"""Numbers and lines of text from right to left, worked out by hand; digits.test.mjs has the same numbers."""

import pytest

from app.views.right_to_left import Cell, kinds, places_from_right, runs_from_right


def parts(*texts: str) -> list[tuple[str, str, str]]:
    return [(text[: len(text) - len(text.lstrip())], text.lstrip(), "") for text in texts]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            ("عام", " 1", "9", "-", "4", "5", " 7", ",", " 8", "."),
            ["right", "first", "left", "", "left", "left", "first", "", "first", ""],
        ),
        (
            ("שנת", " Area", " 5", "1", " בעיר", " 12.", "03"),
            ["right", "left", "left", "left", "right", "first", "left"],
        ),
        (("ביום", " Rome", " (", "1", ")", "."), ["right", "left", "", "left", "left", ""]),
        (("ביום", " (", "1", ")"), ["right", "", "first", ""]),
        (("و", " ١", "·", "٢", "·"), ["right", "first", "", "left", ""]),
    ],
)
def test_a_number_goes_on_and_another_begins_anew(texts: tuple[str, ...], expected: list[str]) -> None:
    assert kinds(parts(*texts)) == expected


def test_the_first_letter_says_where_a_text_begins() -> None:
    assert [runs_from_right(text) for text in ("12 עדה", "Ada עדה", "12", "")] == [True, False, False, False]


def test_a_line_begins_at_the_right_but_numbers_and_latin_words_in_it_do_not() -> None:
    # A name, a number of two tokens, a word; then a word, two Latin words and a full stop.
    line = [Cell(3, "right"), Cell(1, ""), Cell(1, "first"), Cell(1, "left"), Cell(1, ""), Cell(2, "right")]
    assert places_from_right(line, 10) == [7, 6, 4, 5, 3, 1]
    latin = [Cell(2, "right"), Cell(1, ""), Cell(3, "left"), Cell(1, ""), Cell(4, "left"), Cell(1, "")]
    assert places_from_right(latin, 12) == [10, 9, 1, 4, 5, 0]
