"""What a comparison shows: the chosen tokens against each control, row by row and seed by seed, in words.

1. For each control and figure the differences chosen − control, on the rows and seeds that both have.
2. Holm over all of them.  3. *Shown* where the interval misses 0 and the adjusted p-value is below .05, on
three seeds or more; anything else is *not shown*, with the reason. No difference of one seed says more than
that seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tokenunlearn.experiments.arms import ARMS, CHOSEN, Arm
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.metrics.statistics import Comparison, crossed_comparison, holm
from tokenunlearn.probes import COMPARED, PROBES
from tokenunlearn.text.numbers import p_words, signed

FEWEST_SEEDS: Final = 3
LEVEL: Final = 0.05
Values = dict[int, dict[str, dict[str, float | None]]]
"""Seed → probe → row id → value, of one arm; None: not measured."""
Table = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Finding:
    """`arm` minus `control` in one figure (a name of PROBES) at one moment; `p_value` is Holm's."""

    moment: str
    method: str
    control: str
    probe: str
    comparison: Comparison
    p_value: float
    arm: str = CHOSEN

    @property
    def shown(self) -> bool:
        """Whether there is a difference, by interval, p-value and number of seeds."""
        return self.comparison.seeds >= FEWEST_SEEDS and self.p_value < LEVEL and self._misses_zero

    @property
    def better(self) -> bool:
        """Whether the mean difference goes where the probe should go."""
        return (self.comparison.mean > 0) == (PROBES[self.probe].wanted == "up")

    @property
    def words(self) -> str:
        """The finding in a sentence."""
        found = self.comparison
        what = f"{PROBES[self.probe].label}, {self.arm} − {Arm(self.control, self.method).name}"
        if np.isnan(found.mean):
            return f"{what}: not measured."
        mean, low, high = (signed(value, "+.3f") for value in (found.mean, found.low, found.high))
        figure = mean if np.isnan(found.low) else f"{mean} [{low}, {high}], {p_words(self.p_value)}"
        counts = f"{_plural(found.seeds, 'seed')}, {_plural(found.rows, 'row')}"
        return f"{what}: {figure}, {counts}: {self._verdict}."

    @property
    def _misses_zero(self) -> bool:
        return bool(self.comparison.low > 0 or self.comparison.high < 0)

    @property
    def _verdict(self) -> str:
        if self.shown:
            what = "the chosen tokens do" if self.arm == CHOSEN else f"{self.arm} does"
            return f"shown, {what} {'better' if self.better else 'worse'}"
        if self.comparison.seeds < FEWEST_SEEDS:
            return f"not shown, it takes {FEWEST_SEEDS} seeds"
        return "not shown"


def findings(results: Sequence[ArmResult], moment: str) -> list[Finding]:
    """Return the finding of each method, control and figure with a better direction, at one moment.

    Holm adjusts over all that are returned. Results of older versions hold no values by row and give none.
    """
    arms = values_by_arm(results, moment)
    compared = [
        Finding(moment, method, control, probe, compare_values(arms[method, CHOSEN], values, probe), np.nan)
        for (method, control), values in arms.items()
        if control in ARMS and control != CHOSEN and (method, CHOSEN) in arms
        for probe in COMPARED
        if PROBES[probe].wanted
    ]
    return adjusted(compared)


def values_by_arm(results: Sequence[ArmResult], moment: str) -> dict[tuple[str, str], Values]:
    """Return what was measured row by row at a moment, by method and arm."""
    arms: dict[tuple[str, str], Values] = {}
    for each in results:
        if each.moment == moment and each.by_row:
            arms.setdefault((each.method, each.arm), {})[each.seed] = each.by_row
    return arms


def compare_values(first: Values, second: Values, probe: str) -> Comparison:
    """Return `first` minus `second` in one probe, on the seeds and rows that both have."""
    return crossed_comparison(*_tables(first, second, probe))


def adjusted(found: Sequence[Finding]) -> list[Finding]:
    """Return the findings of one table with Holm's p-values."""
    values = holm([each.comparison.p_value for each in found])
    return [replace(each, p_value=float(value)) for each, value in zip(found, values, strict=True)]


def _tables(first: Values, second: Values, probe: str) -> tuple[Table, Table]:
    """Return the values of two arms as float [seeds, rows], on the seeds and rows that both have."""
    seeds = [seed for seed in first if seed in second]
    columns = [[side[seed].get(probe, {}) for seed in seeds] for side in (first, second)]
    known = [set(column) for side in columns for column in side]
    rows = sorted(set.intersection(*known)) if known else []

    def table(side: list[dict[str, float | None]]) -> Table:
        values = [[column[row] for row in rows] for column in side]
        return np.array(values, dtype=np.float64).reshape(len(seeds), len(rows))

    return table(columns[0]), table(columns[1])


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
