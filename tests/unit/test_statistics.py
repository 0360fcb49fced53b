"""Statistics of two arms against values worked out on paper."""

import numpy as np
import pytest

from tokenunlearn.metrics.statistics import bootstrap_interval, crossed_comparison, holm


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04, times 4 3 2 1 = .04 .06 .06 .04, never falling -> .04 .06 .06 .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])


def test_holm_does_not_count_what_was_not_measured() -> None:
    adjusted = holm([0.01, float("nan"), 0.5])
    assert adjusted[0] == pytest.approx(0.02) and np.isnan(adjusted[1]) and adjusted[2] == 0.5
    assert len(holm([])) == 0


def test_bootstrap_interval_of_two_values_reaches_both() -> None:
    # Means of resamples of {0, 1}: 0, .5, 1 with probability 1/4, 1/2, 1/4.
    assert bootstrap_interval([0.0, 1.0]) == (0.0, 1.0)
    assert bootstrap_interval([3.0, 3.0, 3.0]) == (3.0, 3.0)
    assert np.isnan(bootstrap_interval([1.0])).all()


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


def test_a_comparison_without_a_difference_or_without_variation() -> None:
    same = crossed_comparison(np.ones((3, 4)), np.ones((3, 4)))
    assert (same.mean, same.low, same.high, same.p_value) == (0, 0, 0, 1) and np.isnan(same.effect)
    shifted = crossed_comparison(np.ones((3, 4)), np.zeros((3, 4)))
    assert (shifted.mean, shifted.low, shifted.high, shifted.p_value) == (1, 1, 1, 0)


def test_one_seed_or_one_row_has_a_mean_and_no_interval() -> None:
    for first in (np.array([[1.0, 2.0]]), np.array([[1.0], [2.0]])):
        found = crossed_comparison(first, np.zeros(first.shape))
        assert found.mean == 1.5 and np.isnan([found.low, found.high, found.p_value]).all()
    nothing = crossed_comparison(np.full((2, 2), np.nan), np.zeros((2, 2)))
    assert np.isnan(nothing.mean) and nothing.seeds == 0


def test_what_one_side_lacks_is_left_out_of_both() -> None:
    first = np.array([[1.0, 2.0, 9.0], [np.nan] * 3, [3.0, 4.0, np.nan]])
    found = crossed_comparison(first, np.zeros((3, 3)))
    assert found == crossed_comparison([[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2)))
    assert (found.seeds, found.rows) == (2, 2)


def test_tables_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(1, 1\)"):
        crossed_comparison([[1, 2]], [[1]])
