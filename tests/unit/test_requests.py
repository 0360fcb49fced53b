"""What the doors read of a request: the edges of each reader, by hand."""

import pytest

from app.requests import below, text, whole
from tokenunlearn.errors import InputError


@pytest.mark.parametrize("value", [-1, 3, True, 2.0, "2", None])
def test_a_whole_number_is_from_0_and_under_its_bound(value: object) -> None:
    assert [whole(3)(each, "row") for each in (0, 2)] == [0, 2]
    with pytest.raises(InputError, match="It must be a whole number from 0 to 2"):
        whole(3)(value, "row")


def test_the_number_of_one_of_three_things_is_at_most_two() -> None:
    assert below(3, 2, "row") == 2
    with pytest.raises(InputError, match="row is 3"):
        below(3, 3, "row")


def test_a_text_has_at_most_its_length() -> None:
    assert text(3)("abc", "name") == "abc" and text(3, empty=True)("", "name") == ""
    for value, words in (("abcd", "name has 4 characters"), (" ", "name is missing"), (5, "name is missing")):
        with pytest.raises(InputError, match=words):
            text(3)(value, "name")
