"""Hand-computed cases of fusion (shared with node), and what only Python can be asked."""

import json
from pathlib import Path

import numpy as np
import pytest

from tokenunlearn.errors import SettingError
from tokenunlearn.fusion import NORMALISERS, fuse, groups, normalise, percentile

TABLE = Path(__file__).parents[1] / "cases" / "fusion.jsonl"
CASES = [json.loads(line) for line in TABLE.read_text().splitlines()]


def floats(values):
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def answer(case):
    rows = case.get("rows")
    if case["call"] == "normalise":
        return normalise(floats(case["values"]), case["normaliser"], rows)
    return fuse(floats(case["knowledge"]), floats(case["entropy"]), case["alpha"], case["normaliser"], rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case):
    if "error" in case:
        with pytest.raises(SettingError) as caught:
            answer(case)
        assert case["error"] in str(caught.value)
    else:
        np.testing.assert_allclose(answer(case), floats(case["expected"]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 50, 101, 1000])
@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.99, 1.0])
def test_percentile_is_that_of_numpy(count, fraction):
    values = np.random.default_rng(count).normal(size=count)
    assert percentile(values, fraction) == np.quantile(values, fraction)


def test_percentile_of_nothing_is_nan():
    assert np.isnan(percentile([], 0.99))


def test_z_sigmoid_agrees_with_the_exponential_of_numpy():
    values = np.random.default_rng(0).exponential(size=5_000)
    z = (values - values.mean()) / values.std()
    np.testing.assert_allclose(normalise(values, "z_sigmoid"), 1 / (1 + np.exp(-z)), rtol=1e-12)


@pytest.mark.parametrize("normaliser", NORMALISERS)
def test_results_stay_in_the_unit_interval_and_the_input_is_untouched(normaliser):
    values = np.append(np.random.default_rng(1).normal(size=300) * 1e6, [np.nan, np.inf])
    before = values.copy()
    result = normalise(values, normaliser)
    assert np.isnan(result[-2:]).all()
    assert (result[:-2] >= 0).all() and (result[:-2] <= 1).all()
    np.testing.assert_array_equal(values, before)


def test_minus_zero_never_comes_out():
    assert not np.signbit(normalise([-0.0, 0.0, 5.0], "p99")).any()
    assert not np.signbit(normalise([-0.0, -0.0], "min_max")).any()


@pytest.mark.parametrize("alpha", [-0.1, 1.01, float("nan"), float("inf")])
def test_alpha_outside_the_unit_interval_is_a_setting_error(alpha):
    with pytest.raises(SettingError, match="alpha is .* It must be a number from 0 to 1"):
        fuse([1.0], [1.0], alpha)


def test_unknown_normaliser_says_which_one_was_meant():
    with pytest.raises(SettingError, match="Did you mean min_max"):
        normalise([1.0], "minmax")


def test_groups_hold_each_token_once_even_if_rows_are_mixed():
    parts = groups([7, 2, 7, 2, 2], 5)
    assert [part.tolist() for part in parts] == [[1, 3, 4], [0, 2]]
    assert [part.tolist() for part in groups(None, 3)] == [[0, 1, 2]]
    assert groups(np.zeros(0, dtype=int), 0) == []
