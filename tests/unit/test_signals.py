"""Signals on columns with gaps: what is not scored stays NaN, and nothing warns."""

import numpy as np
import pytest

from tokenunlearn.signals import PASSES, SIGNALS, RowPasses
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


@pytest.mark.parametrize("name", [name for name, entry in SIGNALS.items() if len(entry.passes) > 1])
def test_a_missing_pass_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="was not run"):
        SIGNALS[name].function(RowPasses(np.zeros(2), np.zeros(2)))


@pytest.mark.parametrize("name", SIGNALS)
def test_entries_are_described(name: str) -> None:
    entry = SIGNALS[name]
    assert entry.label and entry.source and entry.help and entry.unit == "nats"
    assert entry.kind in ("knowledge", "entropy", "other") and set(entry.passes) <= set(PASSES)
    assert entry.passes[0] == "target"


def test_the_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        SIGNALS["mine"] = SIGNALS["loss"]  # type: ignore[index]
