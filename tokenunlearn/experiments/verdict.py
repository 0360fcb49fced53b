"""What a comparison shows: the chosen tokens against each control, row by row and seed by seed, in words.

1. For each control and figure the differences chosen − control, on the rows and seeds that both have.
2. Holm: over the comparisons that were named beforehand (`planned.py`), also those that are not measured on
the seeds that were planned, and apart from that over all others of a moment, which are exploratory; without a
plan over all of a moment. One that is measured and cannot be judged counts as p = 1.
3. *Shown* where the interval misses 0 and the adjusted p-value is below .05, on three seeds and three rows or
more, and where a moment is named after what is equal, it is equal; anything else is *not shown*, with the
reason. No difference of one seed says more than that seed. Where nothing varies there is nothing to judge by;
where all seeds are alike, as of arms without chance, it is judged over the rows alone, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tokenunlearn.experiments.arms import ARMS, CHOSEN, arm_words
from tokenunlearn.experiments.moments import EQUAL
from tokenunlearn.experiments.planned import FEWEST_SEEDS, Named, Plan, difference_words
from tokenunlearn.experiments.runner import ArmResult, equal_figure
from tokenunlearn.metrics.statistics import NO_SPREAD, Comparison, crossed_comparison, holm
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.probes import COMPARED, PROBES
from tokenunlearn.probes.kept import RETENTION
from tokenunlearn.text.numbers import p_words, signed

# On two rows a figure of yes and no has p below .05 in 12.9 % of tables without an effect, on three in 3.2 %.
FEWEST_ROWS: Final = 3
LEVEL: Final = 0.05
EQUAL_WITHIN: Final = 0.02  # two arms, on average over seeds, in what a moment is named after
EXPLORATORY: Final = "exploratory"
_OVER: Final = {"seeds": "over rows alone, as no seed differs", "rows": "over seeds alone, as no row differs"}
_NOTHING: Final = Comparison(np.nan, np.nan, np.nan, np.nan, np.nan, 0, 0)
Values = dict[int, dict[str, dict[str, float | None]]]
"""Seed → probe → row id → value, of one arm; None: not measured."""
Table = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Finding:
    """`arm` minus `control` in one figure (a name of PROBES) at one moment.

    `p_value` is Holm's, over `of` comparisons. `role`: `planned`, `named afterwards` or `exploratory`; ""
    where nothing was named. `unequal` says what is not equal at a moment that is named after it, `departs`
    how it departs from its plan: nothing is shown there. `left_out`: seeds that both arms were measured on
    and one has no values by row of. `rows_out`: how many rows have a value, but not in all that is compared.
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
    departs: str = ""
    left_out: tuple[int, ...] = ()
    rows_out: int = 0

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
        judged = not (self.unequal or self.departs)
        return enough and judged and self.p_value < LEVEL and self.misses_zero

    @property
    def better(self) -> bool:
        """Whether the mean difference goes where the probe should go."""
        return (self.comparison.mean > 0) == (PROBES[self.probe].wanted == "up")

    @property
    def name(self) -> str:
        """What is compared: the figure, and one arm minus the other."""
        what = difference_words(self.arm, self.control, method_words(self.method))
        return f"{PROBES[self.probe].label}, {what}"

    @property
    def words(self) -> str:
        """The finding in a sentence."""
        if np.isnan(self.comparison.mean):
            return f"{self.name}: not measured{f' ({self.role})' if self.named else ''}."
        return f"{self.name}: {self.figure('+.3f', self.p_told)}, {self.counts}: {self._verdict}."

    @property
    def counts(self) -> str:
        """Over how many seeds and rows it is, and what of them decides."""
        found = self.comparison
        return ", ".join(filter(None, [_plural(found.seeds, "seed"), _plural(found.rows, "row"), self.over]))

    @property
    def over(self) -> str:
        """Over what of its seeds and rows alone it is judged, and which it leaves out; "" for over all."""
        alike = self.comparison.alike
        told = [_OVER[alike]] if alike else []
        if self.left_out:
            seeds = " and ".join(map(str, self.left_out))
            told.append(f"without seed{'' if len(self.left_out) == 1 else 's'} {seeds} (no values by row)")
        if self.rows_out:
            told.append(f"without {_plural(self.rows_out, 'row')} that not each of them has")
        return ", ".join(told)

    def figure(self, form: str, p_told: str) -> str:
        """Return the difference with its interval and a p-value, as far as they can be formed."""
        found = self.comparison
        ends = interval_words(found, form)
        p_value = p_told if np.isfinite(found.low) and np.isfinite(self.p_value) else ""
        return ", ".join(filter(None, [f"{signed(found.mean, form)}{ends}", p_value]))

    @property
    def _verdict(self) -> str:
        if self.shown:
            what = "the chosen tokens do" if self.arm == CHOSEN else f"“{arm_words(self.arm)}” does"
            return f"shown, {what} {'better' if self.better else 'worse'}"
        if self.departs:
            return self.departs
        if self.comparison.seeds < FEWEST_SEEDS:
            return f"not shown, it takes {FEWEST_SEEDS} seeds"
        if self.unequal:
            return f"not shown, {self.unequal}"
        if self.comparison.rows < FEWEST_ROWS:
            return f"not shown, it takes {FEWEST_ROWS} rows"
        return "not shown"


def interval_words(found: Comparison, form: str) -> str:
    """Return the interval behind a difference, or that there is no spread; "" of too few seeds or rows."""
    if found.spreadless:
        return f", {NO_SPREAD}"
    ends = (signed(end, form) for end in (found.low, found.high))
    return "" if np.isnan(found.low) else f" [{', '.join(ends)}]"


def method_words(name: str) -> str:
    """Return the objective as a person reads it; an unknown one as it is."""
    return OBJECTIVES[name].label if name in OBJECTIVES else name


def arm_method(arm: str, method: str) -> str:
    """Return an arm, with its objective where several are compared."""
    return f"{arm_words(arm)}, {method_words(method)}" if method else arm_words(arm)


def shown_words(found: Sequence[Finding]) -> str:
    """Return how many of the findings are shown: `2 of 8`."""
    return f"{sum(each.shown for each in found)} of {len(found)}"


def counted_words(found: Sequence[Finding]) -> str:
    """Return how many differences of a moment are shown: `1 of 8 differences`, `other` beside a plan."""
    other = "other " if any(each.role for each in found) else ""
    return f"{shown_words(found)} {other}differences"


def findings(results: Sequence[ArmResult], moment: str, plan: Plan | None = None) -> list[Finding]:
    """Return the finding of each method, control and figure with a better direction, at one moment.

    Those that are named in the plan have Holm's p-values over all of the plan, at whatever moment. Results of
    older versions hold no values by row and give none; a named comparison is told all the same.
    """
    every = _compared(results, moment)
    if plan is None:
        return adjusted(every)
    planned = planned_findings(results, plan)
    judged = [each for each in planned if each.moment == moment and not each.departs]
    named = {(each.method, _name(each)) for each in judged}
    others = [each for each in every if (each.method, _name(each)) not in named]
    order = [(each.method, _name(each)) for each in every]
    told = [*judged, *adjusted(others, EXPLORATORY)]
    return sorted(told, key=lambda each: _place(order, (each.method, _name(each))))


def _place(order: Sequence[tuple[str, Named]], name: tuple[str, Named]) -> int:
    return order.index(name) if name in order else -1


def planned_findings(results: Sequence[ArmResult], plan: Plan) -> list[Finding]:
    """Return the findings that a plan names, in its order, with each method; what is not measured as NaN.

    One on another number of seeds than were planned has no p-value here: `findings` has it, as exploratory.
    """
    moments = dict.fromkeys(each.moment for each in plan.named)
    found = [each for moment in moments for each in _compared(results, moment)]
    methods = dict.fromkeys(each.method for each in results if each.arm == CHOSEN) or {"": None}
    known = {(_name(each), each.method): each for each in found}
    told = [
        known.get((name, method), Finding(name.moment, method, name.control, name.probe, _NOTHING, np.nan))
        for name in plan.named
        for method in methods
    ]
    seen = [
        replace(each, departs=plan.departs(each.comparison.seeds)) if each.comparison.seeds else each
        for each in told
    ]
    return adjusted(seen, plan.role, whole=True)


def _name(found: Finding) -> Named:
    return Named(found.probe, found.control, found.moment)


def _compared(results: Sequence[ArmResult], moment: str) -> list[Finding]:
    """Return every difference chosen − control at a moment, without p-values adjusted."""
    arms = values_by_arm(results, moment)

    def found(method: str, control: str, values: Values, probe: str) -> Finding:
        chosen = arms[method, CHOSEN]
        comparison = compare_values(chosen, values, probe)
        left_out, rows_out = _left_out(chosen, values, probe), _rows_out(chosen, values, probe, comparison)
        return Finding(
            moment, method, control, probe, comparison, np.nan, left_out=left_out, rows_out=rows_out
        )

    return [
        replace(found(method, control, values, probe), unequal=unequal)
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
    what = "forgetting" if moment == EQUAL else RETENTION
    return f"{what} is not equal: {own:.2f} and {other:.2f}" if abs(own - other) > EQUAL_WITHIN else ""


def values_by_arm(results: Sequence[ArmResult], moment: str) -> dict[tuple[str, str], Values]:
    """Return what was measured row by row at a moment, by method and arm; one that has nothing is left out.

    A seed of it without values by row, as an older version measured it, has none of any probe.
    """
    arms: dict[tuple[str, str], Values] = {}
    for each in results:
        if each.moment == moment and (each.by_row or each.summary):
            arms.setdefault((each.method, each.arm), {})[each.seed] = each.by_row
    return {name: values for name, values in arms.items() if any(values.values())}


def compare_values(first: Values, second: Values, probe: str) -> Comparison:
    """Return `first` minus `second` in one probe, on the seeds and rows that both have.

    The interval ends where the figures do: two shares differ by 1 at most.
    """
    found = crossed_comparison(*_tables(first, second, probe))
    low, high = PROBES[probe].bounds
    most = high - low
    return replace(found, low=max(found.low, -most), high=min(found.high, most))


def adjusted(found: Sequence[Finding], role: str = "", whole: bool = False) -> list[Finding]:
    """Return the findings of one family with Holm's p-values, and the role that they have.

    One that is measured and has no spread counts as p = 1: how many there are must not hang on what they say.
    `whole`: so do those that are not measured, or not as planned: they were asked for and may yet come.
    """
    given = np.array([np.nan if each.departs else each.comparison.p_value for each in found], np.float64)
    asked = [whole or each.comparison.spreadless for each in found]
    counted = np.where(np.isnan(given) & np.array(asked, dtype=bool), 1.0, given)
    values = np.where(np.isnan(given), np.nan, holm(counted.tolist()))
    size = int((~np.isnan(counted)).sum())
    return [
        replace(each, p_value=float(value), of=size, role=role)
        for each, value in zip(found, values, strict=True)
    ]


def _tables(first: Values, second: Values, probe: str) -> tuple[Table, Table]:
    """Return the values of two arms as float [seeds, rows], on the seeds and rows that both have."""
    seeds = [seed for seed in first if _known(first, seed, probe) and _known(second, seed, probe)]
    columns = [[side[seed][probe] for seed in seeds] for side in (first, second)]
    known = [set(column) for side in columns for column in side]
    rows = sorted(set.intersection(*known)) if known else []

    def table(side: list[dict[str, float | None]]) -> Table:
        values = [[column[row] for row in rows] for column in side]
        return np.array(values, dtype=np.float64).reshape(len(seeds), len(rows))

    return table(columns[0]), table(columns[1])


def _left_out(first: Values, second: Values, probe: str) -> tuple[int, ...]:
    """Return the seeds that both arms were measured on and that one of them lacks in this probe alone."""
    both = first.keys() & second.keys()
    known = {seed for seed in both if _known(first, seed, probe) and _known(second, seed, probe)}
    return tuple(sorted(both - known)) if known else ()


def _rows_out(first: Values, second: Values, probe: str, found: Comparison) -> int:
    """Return how many rows have a value somewhere in what is compared and are not compared."""
    if not found.seeds:
        return 0
    seeds = [seed for seed in first if _known(first, seed, probe) and _known(second, seed, probe)]
    columns = [side[seed][probe] for side in (first, second) for seed in seeds]
    return len({row for column in columns for row, value in column.items() if value is not None}) - found.rows


def _known(values: Values, seed: int, probe: str) -> bool:
    """Return whether an arm has a value of the probe in any row of a seed."""
    return any(value is not None for value in values.get(seed, {}).get(probe, {}).values())


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
