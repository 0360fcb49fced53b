"""Signals on columns with gaps: what is not scored stays NaN, and nothing warns."""

import numpy as np
import pytest

from tokenunlearn.passes import PASSES
from tokenunlearn.signals import FAMILIES, SIGNALS, RowView
from tokenunlearn.signals.knowledge import knowledge, occlusion, swap_mean, swap_spread

NAN = float("nan")


def test_knowledge_is_symmetric_and_keeps_gaps() -> None:
    np.testing.assert_array_equal(
        knowledge(np.array([-1.0, -4.0, -1.0]), np.array([-4.0, -1.0, NAN])), [3.0, 3.0, NAN]
    )


def test_no_name_at_all_scores_nothing() -> None:
    gaps = np.full((2, 3), NAN)
    assert np.isnan(swap_mean(gaps)).all() and np.isnan(swap_spread(gaps)).all()


def test_occlusion_takes_the_largest_move_either_way() -> None:
    moved = occlusion(np.array([-2.0]), np.array([[-1.0], [-2.5], [NAN]]))
    np.testing.assert_array_equal(moved, [1.0])


@pytest.mark.parametrize("name", [name for name, entry in SIGNALS.items() if not entry.free])
def test_a_missing_pass_is_told(name: str) -> None:
    nothing = np.zeros(2)
    row = RowView("", "ab", ((0, 1), (1, 2)), *[nothing] * 6)
    with pytest.raises(ValueError, match="was not run"):
        SIGNALS[name].of(row, SIGNALS[name].settings())


@pytest.mark.parametrize("name", SIGNALS)
def test_entries_are_described(name: str) -> None:
    entry = SIGNALS[name]
    assert entry.label and entry.short and entry.source and entry.help and entry.says
    passes = {each.partition(":")[0] for each in entry.passes_of(entry.settings())}
    assert entry.family in FAMILIES and passes <= set(PASSES) and entry.over_word in ("sum", "max", "mean")
    assert (entry.unit == "") == entry.free
    assert {entry.nameless, entry.spread} <= {"", *SIGNALS}


def test_the_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        SIGNALS["mine"] = SIGNALS["loss"]  # type: ignore[index]
