"""Paired statistics against values worked out on paper."""

import numpy as np
import pytest

from tokenunlearn.metrics.statistics import (
    bootstrap_interval,
    compare_with_control,
    holm,
    paired_comparison,
    wilcoxon_p,
)


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04, times 4 3 2 1 = .04 .06 .06 .04, never falling -> .04 .06 .06 .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == pytest.approx([1.0, 1.0])


def test_holm_does_not_count_what_was_not_measured() -> None:
    adjusted = holm([0.01, float("nan"), 0.5])
    assert adjusted[0] == pytest.approx(0.02) and np.isnan(adjusted[1]) and adjusted[2] == 0.5
    assert len(holm([])) == 0


def test_wilcoxon_smallest_possible_p_values() -> None:
    # All n differences of one sign: p = 2 / 2**n.
    assert wilcoxon_p([2, 4, 7], [1, 2, 3]) == pytest.approx(0.25)
    assert wilcoxon_p([2, 4, 7, 9, 12], [1, 2, 3, 4, 5]) == pytest.approx(2 / 32)


def test_wilcoxon_without_any_difference_or_pair() -> None:
    assert wilcoxon_p([1, 2, 3], [1, 2, 3]) == 1.0
    assert np.isnan(wilcoxon_p([], []))


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


def test_pairs_with_a_missing_side_are_left_out() -> None:
    result = paired_comparison([1.0, 2.0, float("nan"), 6.0], [0.0, 0.0, 5.0, 3.0])
    assert result.pairs == 3 and result.mean_difference == 2.0
    assert 1.0 <= result.low <= 2.0 <= result.high <= 3.0


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="got 2 and 1"):
        paired_comparison([1, 2], [1])


def test_compare_with_control_adjusts_over_the_table() -> None:
    control = np.arange(1.0, 7.0)
    arms = {"uniform": control, "swap": control - control / 2, "random": control + 0.1 * (-1) ** np.arange(6)}
    table = compare_with_control(arms, "uniform")
    assert list(table) == ["swap", "random"]
    comparison, adjusted = table["swap"]
    assert comparison.p_value == pytest.approx(2 / 64) and adjusted == pytest.approx(4 / 64)
    assert comparison.mean_difference == pytest.approx(-1.75)
