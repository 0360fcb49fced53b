"""Statistics of two arms against values worked out on paper."""

import numpy as np
import pytest

from tokenunlearn.metrics.statistics import bootstrap_interval, crossed_comparison, holm, mean_interval


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04, times 4 3 2 1 = .04 .06 .06 .04, never falling -> .04 .06 .06 .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])


def test_holm_does_not_count_what_was_not_measured() -> None:
    adjusted = holm([0.01, float("nan"), 0.5])
    assert adjusted[0] == pytest.approx(0.02) and np.isnan(adjusted[1]) and adjusted[2] == 0.5
    assert len(holm([])) == 0


def test_bootstrap_interval_of_three_values_reaches_the_outer_ones() -> None:
    # A resample of three is one value thrice with probability 1/27 each, more than the 2.5 % cut off.
    assert bootstrap_interval([0.0, 1.0, 2.0]) == (0.0, 2.0)
    # Two values say too little of a third; one as often as you like nothing.
    for without in ([0.0, 1.0], [3.0, 3.0, 3.0], [1.0], []):
        assert np.isnan(bootstrap_interval(without)).all()


def test_bootstrap_interval_is_seeded_and_near_the_normal_one() -> None:
    sample = np.random.default_rng(0).normal(2.0, 1.0, 400)
    low, high = bootstrap_interval(sample, seed=5)
    assert (low, high) == bootstrap_interval(sample, seed=5)
    half = 1.96 * sample.std(ddof=1) / 20
    assert low == pytest.approx(sample.mean() - half, abs=0.01)
    assert high == pytest.approx(sample.mean() + half, abs=0.01)


def test_a_crossed_comparison_by_hand() -> None:
    # Means of seeds 2, 4: variance 2, of their mean 1. Means of rows 2, 3, 4: variance 1, of their mean 1/3.
    # Variance of the mean 4/3; one degree of freedom, as of two seeds: Cauchy's distribution, an arctangent.
    second = np.array([[5.0, 1.0, 2.0], [7.0, 8.0, 9.0]])
    found = crossed_comparison(second + [[1, 2, 3], [3, 4, 5]], second)
    assert (found.mean, found.effect, found.seeds, found.rows) == (3, 3, 2, 3)
    error = (4 / 3) ** 0.5
    assert found.p_value == pytest.approx(1 - 2 * np.arctan(3 / error) / np.pi)
    half = np.tan(0.475 * np.pi) * error
    assert (found.low, found.high) == (pytest.approx(3 - half), pytest.approx(3 + half))


def test_without_a_difference_anywhere_it_is_nothing_for_certain() -> None:
    same = crossed_comparison(np.ones((3, 4)), np.ones((3, 4)))
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1) and np.isnan(same.effect)
    assert not same.spreadless


@pytest.mark.parametrize(
    ("table", "mean"),
    [
        (np.ones((3, 3)), 1),
        (np.ones((9, 50)), 1),
        (np.full((3, 4), 0.5) - np.full((3, 4), 0.1), 0.4),
        (
            (0.1 + 0.01 * np.arange(12)) - (0.5 + 0.01 * np.arange(12)) + np.zeros((3, 1)),
            -0.4,
        ),  # but for rounding
        (np.array([[0.0, 1.0], [1.0, 0.0]]), 0.5),  # the means of seeds and those of rows are alike
        (np.array([[1.0, -1.0], [-1.0, 1.0]]), 0),
    ],
)
def test_where_nothing_varies_there_is_nothing_to_judge_by(table: np.ndarray, mean: float) -> None:
    found = crossed_comparison(table, np.zeros_like(table))
    assert found.mean == pytest.approx(mean) and found.spreadless
    assert np.isnan([found.low, found.high, found.p_value]).all()


def test_arms_without_chance_are_judged_over_their_rows_and_rows_that_are_alike_over_the_seeds() -> None:
    """By hand: means of three rows 1, 2, 3: variance of their mean 1/3, two degrees of freedom."""
    by_row = np.tile([1.0, 2.0, 3.0], (3, 1))
    half = 4.302653 / 3**0.5
    for table, alike in ((by_row, "seeds"), (by_row.T, "rows")):
        found = crossed_comparison(table, np.zeros((3, 3)))
        assert (found.low, found.high) == pytest.approx((2 - half, 2 + half)) and found.alike == alike
    assert crossed_comparison(by_row + by_row.T, np.zeros((3, 3))).alike == ""


def test_the_interval_of_a_mean_takes_three_values_that_differ_and_ends_where_the_unit_does() -> None:
    # t of 2 degrees of freedom at 97.5 %: 4.302653, times .1 / √3
    mean, low, high = mean_interval([0.8, 0.9, 1.0])
    half = 4.302653 * 0.1 / 3**0.5
    assert (mean, low, high) == pytest.approx((0.9, 0.9 - half, 0.9 + half)) and high > 1
    assert mean_interval([0.8, 0.9, 1.0], bounds=(0, 1)) == pytest.approx((0.9, 0.9 - half, 1))
    assert mean_interval([0.0, 0.1, 0.2], bounds=(0, 1)) == pytest.approx((0.1, 0, 0.1 + half))
    mean, low, high = mean_interval([1.1, 1.2, 1.3], bounds=(0, 1))  # what lies beyond stays in its interval
    assert low < mean == high
    for alike in ([1.0, 1.0, 1.0], [0.1 + 0.2, 0.3, 0.3], [0.1, 0.9], [0.5]):
        mean, low, high = mean_interval(alike)
        assert mean == pytest.approx(np.mean(alike)) and np.isnan([low, high]).all()
    assert np.isnan(mean_interval([])).all()


def test_one_seed_or_one_row_has_a_mean_and_no_interval() -> None:
    for first in (np.array([[1.0, 2.0]]), np.array([[1.0], [2.0]])):
        found = crossed_comparison(first, np.zeros(first.shape))
        assert found.mean == 1.5 and np.isnan([found.low, found.high, found.p_value]).all()
    # Where no seed has a value no row counts either, and the other way round.
    for shape in ((2, 40), (0, 40), (3, 0)):
        nothing = crossed_comparison(np.full(shape, np.nan), np.zeros(shape))
        assert np.isnan(nothing.mean) and (nothing.seeds, nothing.rows) == (0, 0)
    gaps = crossed_comparison([[1.0, np.nan], [np.nan, 1.0]], np.zeros((2, 2)))
    assert np.isnan(gaps.mean) and (gaps.seeds, gaps.rows) == (0, 0)


def test_what_one_side_lacks_is_left_out_of_both() -> None:
    first = np.array([[1.0, 2.0, 9.0], [np.nan] * 3, [3.0, 4.0, np.nan]])
    found = crossed_comparison(first, np.zeros((3, 3)))
    assert found == crossed_comparison([[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2)))
    assert (found.seeds, found.rows) == (2, 2)


def test_tables_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(1, 1\)"):
        crossed_comparison([[1, 2]], [[1]])
