"""How often a comparison finds an effect in simulated tables: where there is none, and where one is."""

import numpy as np
import pytest

from tokenunlearn.metrics.statistics import crossed_comparison

TABLES = 500


def found(effect: float, seeds: int, rows: int, by_seed: float, by_row: float, rest: float) -> float:
    """The share of tables in which the interval misses 0; the last three are standard deviations."""
    draw = np.random.default_rng(0).normal
    count = 0
    for _ in range(TABLES):
        levels = by_seed * draw(size=(seeds, 1)) + by_row * draw(size=(1, rows))
        table = effect + levels + rest * draw(size=(seeds, rows))
        comparison = crossed_comparison(table, np.zeros_like(table))
        count += not comparison.low <= 0 <= comparison.high
    return count / TABLES


@pytest.mark.parametrize("spread", [(0, 0.1, 0.1), (0.05, 0.1, 0.1), (0.05, 0, 0.1), (0.1, 0.3, 0.2)])
def test_no_effect_is_found_where_there_is_none(spread: tuple[float, float, float]) -> None:
    assert found(0, 5, 20, *spread) <= 0.05
    assert found(0, 3, 20, *spread) <= 0.05


def test_a_planted_effect_is_found() -> None:
    assert found(0.2, 5, 20, 0.05, 0.1, 0.1) > 0.99
    assert found(0.1, 5, 20, 0.05, 0.1, 0.1) > 0.5
