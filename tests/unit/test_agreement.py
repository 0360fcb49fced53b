"""Agreement and Cohen's κ, by hand."""

import math

import pytest

from tokenunlearn.metrics.agreement import agreement, cohens_kappa, marked_words


def columns(both: int, first: int, second: int, neither: int) -> tuple[list[int], list[int]]:
    return (
        [1] * both + [1] * first + [0] * second + [0] * neither,
        [1] * both + [0] * first + [1] * second + [0] * neither,
    )


@pytest.mark.parametrize(
    ("counts", "share", "kappa"),
    [
        # 20 both, 5 and 10 alone, 15 neither: observed .7; by chance .5·.6 + .5·.4 = .5; κ = .2 / .5.
        ((20, 5, 10, 15), 0.7, 0.4),
        ((45, 15, 25, 15), 0.6, (0.6 - 0.54) / 0.46),
        ((3, 0, 0, 7), 1.0, 1.0),
        # Each takes half, never the same: observed 0, by chance .5.
        ((0, 5, 5, 0), 0.0, -1.0),
        # As by chance: halves that cross.
        ((1, 1, 1, 1), 0.5, 0.0),
        # One chose nothing: chance explains all of the agreement.
        ((0, 2, 0, 6), 0.75, 0.0),
    ],
)
def test_by_hand(counts: tuple[int, int, int, int], share: float, kappa: float) -> None:
    first, second = columns(*counts)
    assert agreement(first, second) == pytest.approx(share, abs=1e-12)
    assert cohens_kappa(first, second) == pytest.approx(kappa, abs=1e-12)
    assert cohens_kappa(second, first) == pytest.approx(kappa, abs=1e-12)


@pytest.mark.parametrize("both", [([], []), ([1, 1], [1, 1]), ([0, 0, 0], [0, 0, 0])])
def test_kappa_is_not_defined_where_chance_alone_agrees(both: tuple[list[int], list[int]]) -> None:
    assert math.isnan(cohens_kappa(*both))


def test_without_tokens_nothing_is_measured_and_unequal_columns_are_refused() -> None:
    assert math.isnan(agreement([], []))
    with pytest.raises(ValueError, match="equally long; got 2, 1"):
        agreement([1, 0], [1])


@pytest.mark.parametrize(
    ("text", "marked", "words"),
    [
        # A word is marked when a span meets a part of it; the dash is no word, the comma belongs to its word.
        ("Anna's cat, Bo — 7 kg", ["Anna", "7 kg"], [1, 0, 0, 1, 1]),
        # Each Han character is a word, what stands between them without a space as well; 。 is none.
        ("她在1949年生于桐庐。", ["1949年", "桐庐"], [0, 0, 1, 1, 0, 0, 1, 1]),
        ("nothing here", [], [0, 0]),
    ],
)
def test_words_that_spans_mark(text: str, marked: list[str], words: list[int]) -> None:
    spans = [(text.index(each), text.index(each) + len(each)) for each in marked]
    assert marked_words(text, spans).tolist() == words
