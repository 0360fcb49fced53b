"""Ten times the rows are ten times the work: what is done row by row looks at its own row alone."""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from app.shown import shown_scores
from tests.tiny_rows import tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.experiments.arms import weights_by_row
from tokenunlearn.passes import row_infos
from tokenunlearn.scoring import ScoreConfig, iter_scores, new_scores

pytestmark = pytest.mark.slow
MANY = 150


class Name(str):
    """A row's id that counts how often it is compared with another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        """Count, and compare as texts."""
        Name.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python or C, the work calls."""
    count = 0

    def watch(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def given(count: int) -> list[Row]:
    names = [f"{chr(65 + at % 26)}{chr(97 + at // 26 % 26)}lo Quint{at}" for at in range(count)]
    return [
        Row(str(at), f"Where was {name} born?", f"{name} was born in Rome.", name)
        for at, name in enumerate(names)
    ]


def test_weights_by_row_compare_each_token_a_few_times() -> None:
    def compared(rows: int) -> int:
        table = pd.DataFrame({"row_id": np.array([Name(at // 3) for at in range(3 * rows)], dtype=object)})
        Name.compared = 0
        found = weights_by_row(table, np.arange(3.0 * rows))
        assert len(found) == rows and found["1"].tolist() == [3, 4, 5]
        return Name.compared

    assert compared(MANY) <= 11 * max(compared(MANY // 10), MANY // 10)


def test_names_are_lent_once_for_all_rows() -> None:
    few, many = (given(size) for size in (MANY // 10, MANY))
    row_infos(many, 3)  # what is cached is cached
    assert calls(lambda: row_infos(many, 3)) < 13 * calls(lambda: row_infos(few, 3))


def test_scores_are_made_tabled_and_shown_row_by_row(tiny_folder) -> None:
    """Signals of the text alone, so that it is the tables that count: each row costs the same."""
    model, config = tiny(tiny_folder), ScoreConfig(signals=("content_words", "random"))

    def work(rows: list[Row]) -> tuple[int, int]:
        scores = new_scores(model, rows, config)
        made = calls(lambda: scores.rows.extend(iter_scores(model, rows, config)))
        return made, calls(lambda: shown_scores(scores, "live"))

    work(given(2))  # what is cached is cached
    few, many = work(given(5)), work(given(50))
    assert many[0] < 13 * few[0] and many[1] < 13 * few[1]
