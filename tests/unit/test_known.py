"""Whether a model knows a row: figures by hand."""

import math

import pytest

from tokenunlearn.metrics.known import Known, row_known

NAN = math.nan
HALF = math.log(0.5)


def test_the_fact_is_asked_as_a_whole_each_span_by_itself() -> None:
    # Two spans: .5 · .5 = .25 and .5; a plain token in between takes no part. Mean (.25 + .5) / 2.
    known = row_known([0.0, HALF, HALF, -9.0, HALF], [0, 1, 1, 0, 1], [True, False, False, True, False])
    assert (known.of, known.word) == ("fact", "partly") and known.probability == pytest.approx(0.375)


def test_without_gold_the_content_words_are_asked_token_by_token() -> None:
    # Geometric mean of .5 and .125: 2 ** -2 = .25.
    known = row_known([-9.0, HALF, 3 * HALF], [NAN] * 3, [True, False, False])
    assert known.of == "content words" and known.probability == pytest.approx(0.25)
    # a row whose gold marks none of its tokens is asked in the same way
    assert row_known([-9.0, HALF, 3 * HALF], [0] * 3, [True, False, False]) == known


@pytest.mark.parametrize(
    ("probability", "word"),
    [(1.0, "yes"), (0.5, "yes"), (0.499, "partly"), (0.1, "partly"), (0.099, "no"), (0.0, "no"), (NAN, "")],
)
def test_the_bounds_belong_to_the_better_word(probability: float, word: str) -> None:
    assert Known(probability, "fact").word == word


def test_what_was_not_measured_is_not_known_and_no_zero() -> None:
    assert row_known([NAN, NAN], [1, 0], [False, False]).word == ""
    assert row_known([NAN, NAN], [NAN, NAN], [False, False]).word == ""
    assert row_known([HALF], [NAN], [True]).word == ""  # only a name
