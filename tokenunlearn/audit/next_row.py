"""Which row to mark next: the one whose words lie nearest the cut, spread over subjects.

A word near the cut is one that the scorer cannot tell; its mark moves the direction most (uncertainty
sampling, Lewis & Gale 1994).
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

COUNTED: Final = 5  # words of a row: the most uncertain ones, so that a long row is not better by its length


def row_gains(
    probabilities: ArrayLike, rows: ArrayLike, groups: ArrayLike, looked: ArrayLike, cut: float = 0.5
) -> NDArray[np.float64]:
    """What marking each row would teach, from 0 to 1; NaN for a row that was reviewed or has no word.

    `probabilities`, `rows` (row number): [words]; `groups` (subject), `looked` (bool): [rows]. A row's gain
    is the mean closeness to the cut of its `COUNTED` most uncertain words, 1 at the cut and 0 at 0 or 1,
    divided by 1 + the rows of its group that were reviewed.
    """
    chance, row = np.asarray(probabilities, dtype=np.float64), np.asarray(rows, dtype=np.int64)
    group, seen = np.asarray(groups), np.asarray(looked, dtype=bool)
    close = np.where(chance < cut, chance / cut, (1 - chance) / (1 - cut))
    gains = np.full(len(group), np.nan)
    for each in np.setdiff1d(np.unique(row), np.flatnonzero(seen)):
        nearest = np.sort(close[row == each])[::-1][:COUNTED]
        gains[each] = nearest.mean() / (1 + int((seen & (group == group[each])).sum()))
    return gains


def next_row(gains: ArrayLike) -> int | None:
    """The number of the row to mark next, the earlier one of equals; None where none is left."""
    values = np.asarray(gains, dtype=np.float64)
    return None if np.isnan(values).all() else int(np.nanargmax(values))
