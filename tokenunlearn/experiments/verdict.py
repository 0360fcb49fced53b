"""What a comparison shows: the chosen tokens against each control, row by row and seed by seed, in words.

1. For each control and figure the differences chosen − control, on the rows and seeds that both have.
2. Holm: over the comparisons that were named beforehand (`planned.py`), also those that are not measured, and
apart from that over all others of a moment, which are exploratory; without a plan over all of a moment.
3. *Shown* where the interval misses 0 and the adjusted p-value is below .05, on three seeds and three rows or
more, and where a moment is named after what is equal, it is equal; anything else is *not shown*, with the
reason. No difference of one seed says more than that seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tokenunlearn.experiments.arms import ARMS, CHOSEN, Arm
from tokenunlearn.experiments.moments import EQUAL
from tokenunlearn.experiments.planned import Named, Plan
from tokenunlearn.experiments.runner import ArmResult, equal_figure
from tokenunlearn.metrics.statistics import Comparison, crossed_comparison, holm
from tokenunlearn.probes import COMPARED, PROBES
from tokenunlearn.text.numbers import p_words, signed

FEWEST_SEEDS: Final = 3
# On two rows a figure of yes and no has p below .05 in 12.9 % of tables without an effect, on three in 3.2 %.
FEWEST_ROWS: Final = 3
LEVEL: Final = 0.05
EQUAL_WITHIN: Final = 0.02  # two arms, on average over seeds, in what a moment is named after
EXPLORATORY: Final = "exploratory"
_NOTHING: Final = Comparison(np.nan, np.nan, np.nan, np.nan, np.nan, 0, 0)
Values = dict[int, dict[str, dict[str, float | None]]]
"""Seed → probe → row id → value, of one arm; None: not measured."""
Table = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Finding:
    """`arm` minus `control` in one figure (a name of PROBES) at one moment.

    `p_value` is Holm's, over `of` comparisons. `role`: `planned`, `named afterwards` or `exploratory`; ""
    where nothing was named. `unequal` says what is not equal at a moment that is named after it: nothing is
    shown there.
    """

    moment: str
    method: str
    control: str
    probe: str
    comparison: Comparison
    p_value: float
    arm: str = CHOSEN
    of: int = 0
    role: str = ""
    unequal: str = ""

    @property
    def named(self) -> bool:
        """Whether it is one of the comparisons that were named."""
        return self.role not in ("", EXPLORATORY)

    @property
    def p_told(self) -> str:
        """The p-value that decides, and over how many comparisons it is adjusted."""
        return f"{p_words(self.p_value)} (Holm over {' '.join(filter(None, [str(self.of), self.role]))})"

    @property
    def misses_zero(self) -> bool:
        """Whether its interval, which knows nothing of other comparisons, lies on one side of 0."""
        return bool(self.comparison.low > 0 or self.comparison.high < 0)

    @property
    def shown(self) -> bool:
        """Whether there is a difference, by interval, p-value and number of seeds."""
        enough = self.comparison.seeds >= FEWEST_SEEDS and self.comparison.rows >= FEWEST_ROWS
        return enough and self.p_value < LEVEL and self.misses_zero and not self.unequal

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
            return f"{what}: not measured{f' ({self.role})' if self.named else ''}."
        mean, low, high = (signed(value, "+.3f") for value in (found.mean, found.low, found.high))
        figure = mean if np.isnan(found.low) else f"{mean} [{low}, {high}], {self.p_told}"
        counts = f"{_plural(found.seeds, 'seed')}, {_plural(found.rows, 'row')}"
        return f"{what}: {figure}, {counts}: {self._verdict}."

    @property
    def _verdict(self) -> str:
        if self.shown:
            what = "the chosen tokens do" if self.arm == CHOSEN else f"{self.arm} does"
            return f"shown, {what} {'better' if self.better else 'worse'}"
        if self.comparison.seeds < FEWEST_SEEDS:
            return f"not shown, it takes {FEWEST_SEEDS} seeds"
        if self.unequal:
            return f"not shown, {self.unequal}"
        if self.comparison.rows < FEWEST_ROWS:
            return f"not shown, it takes {FEWEST_ROWS} rows"
        return "not shown"


def findings(results: Sequence[ArmResult], moment: str, plan: Plan | None = None) -> list[Finding]:
    """Return the finding of each method, control and figure with a better direction, at one moment.

    Those that are named in the plan have Holm's p-values over all of the plan, at whatever moment. Results of
    older versions hold no values by row and give none; a named comparison is told all the same.
    """
    if plan is None:
        return adjusted(_compared(results, moment))
    every = _compared(results, moment)
    others = [each for each in every if _name(each) not in plan.named]
    told = [*planned_findings(results, plan), *adjusted(others, EXPLORATORY)]
    order = [(each.method, _name(each)) for each in every]
    own = [each for each in told if each.moment == moment]
    return sorted(own, key=lambda each: _place(order, (each.method, _name(each))))


def _place(order: Sequence[tuple[str, Named]], name: tuple[str, Named]) -> int:
    return order.index(name) if name in order else -1


def planned_findings(results: Sequence[ArmResult], plan: Plan) -> list[Finding]:
    """Return the findings that a plan names, in its order, with each method; what is not measured as NaN."""
    moments = dict.fromkeys(each.moment for each in plan.named)
    found = [each for moment in moments for each in _compared(results, moment)]
    methods = dict.fromkeys(each.method for each in results if each.arm == CHOSEN) or {"": None}
    known = {(_name(each), each.method): each for each in found}
    told = [
        known.get((name, method), Finding(name.moment, method, name.control, name.probe, _NOTHING, np.nan))
        for name in plan.named
        for method in methods
    ]
    return adjusted(told, plan.role, whole=True)


def _name(found: Finding) -> Named:
    return Named(found.probe, found.control, found.moment)


def _compared(results: Sequence[ArmResult], moment: str) -> list[Finding]:
    """Return every difference chosen − control at a moment, without p-values adjusted."""
    arms = values_by_arm(results, moment)
    return [
        Finding(
            moment,
            method,
            control,
            probe,
            compare_values(arms[method, CHOSEN], values, probe),
            np.nan,
            unequal=unequal,
        )
        for (method, control), values in arms.items()
        if control in ARMS and control != CHOSEN and (method, CHOSEN) in arms
        for unequal in [_unequal(results, moment, method, control)]
        for probe in COMPARED
        if PROBES[probe].wanted
    ]


def _unequal(results: Sequence[ArmResult], moment: str, method: str, control: str) -> str:
    """Return what two arms do not have in common at a moment that is named after it, "" where they do.

    Training ends a step late, at figures of each row's latest pass; what the probes say then may differ.
    """
    figures: dict[str, dict[int, float]] = {CHOSEN: {}, control: {}}
    for each in results:
        figure = equal_figure(moment, each.summary)
        if each.moment == moment and each.method == method and each.arm in figures and figure is not None:
            figures[each.arm][each.seed] = figure
    seeds = figures[CHOSEN].keys() & figures[control].keys()
    if not seeds:
        return ""
    own, other = (sum(side[seed] for seed in seeds) / len(seeds) for side in figures.values())
    what = "forgetting" if moment == EQUAL else "what is kept"
    return f"{what} is not equal: {own:.2f} and {other:.2f}" if abs(own - other) > EQUAL_WITHIN else ""


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


def adjusted(found: Sequence[Finding], role: str = "", whole: bool = False) -> list[Finding]:
    """Return the findings of one family with Holm's p-values, and the role that they have.

    `whole`: those without a p-value count as well, as comparisons that were asked for and may yet come.
    """
    given = np.array([each.comparison.p_value for each in found], dtype=np.float64)
    counted = np.where(np.isnan(given), 1.0, given) if whole else given
    values = np.where(np.isnan(given), np.nan, holm(counted.tolist()))
    size = int((~np.isnan(counted)).sum())
    return [
        replace(each, p_value=float(value), of=size, role=role)
        for each, value in zip(found, values, strict=True)
    ]


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
