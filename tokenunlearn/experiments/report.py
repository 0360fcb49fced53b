"""Tables of figures as plain text, so that a command's output can be read, diffed and pasted."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from tokenunlearn.experiments.arms import ARMS, CHOSEN, GOLD
from tokenunlearn.experiments.moments import EQUAL, LAST, RETAINED
from tokenunlearn.experiments.planned import FEWEST_SEEDS, Plan
from tokenunlearn.experiments.response import Response, responses
from tokenunlearn.experiments.results import start_of
from tokenunlearn.experiments.runner import ArmResult, arms_table
from tokenunlearn.experiments.series import SERIES_WORDS
from tokenunlearn.experiments.verdict import (
    Finding,
    arm_method,
    counted_words,
    findings,
    interval_words,
    planned_findings,
    shown_words,
)
from tokenunlearn.metrics.known import PARTLY_FROM
from tokenunlearn.metrics.statistics import FEWEST_VALUES, Comparison
from tokenunlearn.probes import COMPARED, PROBES
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.numbers import signed

POPULATIONS = {"all": "all tokens", "words": "words, no punctuation", "content": "content words only"}
UNKNOWN: Final = (
    "The target hardly knew the facts before (fact, joint {known}): there was little to forget, and no "
    "figure here says what a choice of tokens is worth."
)
FIGURE: Final = 25  # letters of a figure with its interval
_COSTS = {"seconds": ".0f", "norm": ".4g", "tokens": ".0f"}  # column → its form
_SHORT = (("auroc", "AUROC"), ("average_precision", "AP"), ("precision_at_gold", "P@|gold|"))


def signal_lines(report: pd.DataFrame, labels: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return the report of `metrics.attribution.signal_report` as aligned lines, one block per population.

    `labels` name columns that are no signals, and signals otherwise than their entries do.
    """
    lines = []
    for population, words in POPULATIONS.items():
        part = report[report["population"] == population]
        lines.append(f"  {words}; figure [95 % interval over rows]; subject tokens left out")
        lines.append(
            f"  {'signal':<40}"
            + "".join(f"{f'{name} {g}':>22}" for g in ("word", "token") for _, name in _SHORT)
        )
        for signal in dict.fromkeys(part["signal"]):
            label = labels.get(signal) or SIGNALS[signal].label
            cells = []
            for granularity in ("word", "token"):
                line = part[(part["signal"] == signal) & (part["granularity"] == granularity)].iloc[0]
                cells += [_cell(line[key], line[f"{key}_low"], line[f"{key}_high"]) for key, _ in _SHORT]
            lines.append(f"  {label:<40}" + "".join(f"{cell:>22}" for cell in cells))
    return lines


def result_lines(results: Sequence[ArmResult], plan: Plan | None = None) -> list[str]:
    """Return all that a comparison says: table, series, what went otherwise than planned, what is shown."""
    return [
        *arm_lines(arms_table(results)),
        *response_lines(results, plan),
        *note_lines(results),
        *verdict_lines(results, plan),
    ]


def arm_lines(table: pd.DataFrame) -> list[str]:
    """Return the table of `experiments.runner.arms_table` as aligned lines, and what they mean below it."""
    names = [f"{name} {PROBES[name].arrow}".rstrip() for name in COMPARED]
    methods = any(table["method"])
    method = f"{'method':<12}" if methods else ""
    wide = max(10, *(len(arm) + 2 for arm in table["arm"]))
    head = f"{'moment':<18}{'arm':<{wide}}{method}{'seeds':>5}{'step':>7}"
    head += "".join(f"{name:>9}" for name in _COSTS)
    lines = [head + "".join(f"{name:>{FIGURE}}" for name in names)]
    for _, line in table.iterrows():
        cells = [_bounded(line[name], line[f"{name}_low"], line[f"{name}_high"]) for name in COMPARED]
        method = f"{line['method']:<12}" if methods else ""
        head = f"{line['moment']:<18}{line['arm']:<{wide}}{method}{int(line['seeds']):>5}{line['step']:>7.1f}"
        costs = (f"{line[name]:{form}}" if np.isfinite(line[name]) else "–" for name, form in _COSTS.items())
        head += "".join(f"{cost:>9}" for cost in costs)
        lines.append(head + "".join(f"{cell:>{FIGURE}}" for cell in cells))
    seeds = (
        "Mean over the seeds [95 % interval of it: what other seeds would give; none of fewer than "
        f"{FEWEST_VALUES}, or of equal ones]. "
    )
    lines.append(
        f"{seeds if table['seeds'].max() > 1 else ''}↓ lower is better, ↑ higher is better. "
        "norm: of the change of the weights (Frobenius); tokens: trained in all, over the steps. fluency: a "
        "loop is likely, and so has a high one; read it beside the answers."
    )
    return lines


def note_lines(results: Sequence[ArmResult]) -> list[str]:
    """Return what went otherwise than planned, a line each.

    A target that did not know the facts, a run that diverged, an arm without its match; and how many of the
    tokens of each arm are the fact: a control that trains it as well is none.
    """
    noted = [each for each in results if each.note]
    return [
        *filter(None, [unknown_words(results), facts_words(results)]),
        *(f"{_named(each)}, seed {each.seed}, {each.moment}: {each.note}." for each in noted),
    ]


def _named(result: ArmResult) -> str:
    return arm_method(result.arm, result.method)


def facts_words(results: Sequence[ArmResult]) -> str:
    """Return how many of the tokens that each arm trains are the marked fact; "" where that is not known."""
    counts: dict[str, list[tuple[int, int]]] = {}
    for each in results:
        own = (each.arm in ARMS and each.arm != GOLD) and each.moment == LAST
        if own and each.summary and each.facts is not None and each.chosen:
            counts.setdefault(each.of.name, []).append((each.facts, each.chosen))
    if not counts:
        return ""
    told = [
        f"{name}, {_range([facts for facts, _ in found])} of {_range([of for _, of in found])}"
        for name, found in counts.items()
    ]
    mostly = [
        name
        for name, found in counts.items()
        if not name.startswith(CHOSEN) and 2 * sum(facts for facts, _ in found) > sum(of for _, of in found)
    ]
    more = f" Of {', '.join(mostly)} these are more than half: a control that shows little." if mostly else ""
    return f"Tokens trained that are the marked fact: {'; '.join(told)}.{more}"


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def unknown_words(results: Sequence[ArmResult]) -> str:
    """Return that the target hardly knew the facts; "" where it did, or where that was not measured."""
    before = start_of(results)
    known = before.summary.get("fact_joint") if before else None
    if known is None or not known < PARTLY_FROM:
        return ""
    return UNKNOWN.format(known=f"{known:.2f}")


def verdict_lines(results: Sequence[ArmResult], plan: Plan | None = None) -> list[str]:
    """Return what the chosen tokens are shown to do: each named comparison, then what else is, in sentences.

    Of the others, one that is not shown is told where its interval misses 0, with the p-value that decides,
    and where it has no spread; the rest is counted. Then what each control rules out. Nothing where no
    control is measured row by row.
    """
    lines, controls = planned_lines(results, plan), set()
    for moment in (EQUAL, RETAINED, LAST):
        every = [each for each in findings(results, moment, plan) if not np.isnan(each.comparison.mean)]
        controls |= {each.control for each in every}
        found = [each for each in every if not each.named]
        if not found:
            continue
        shown = [each for each in found if each.shown]
        lines.append(
            f"{f'exploratory, {moment}' if plan else moment}: {counted_words(found)} are shown (chosen − "
            "control, 95 % interval over rows and seeds, p adjusted by Holm over these, at least "
            f"{FEWEST_SEEDS} seeds)"
        )
        lines += [f"  {each.words}" for each in [*shown, *missed(found)]]
    if controls:
        lines.append("A control rules out, where the chosen tokens do better:")
        lines += [
            f"  {entry.label} ({name}): {entry.rules_out}" for name, entry in ARMS.items() if name in controls
        ]
    return lines


def planned_lines(results: Sequence[ArmResult], plan: Plan | None) -> list[str]:
    """Return how many of the named comparisons are shown, and each of them; nothing where none was named."""
    if plan is None:
        return []
    found = planned_findings(results, plan)
    return [planned_words(found, plan), *(f"  {each.words}" for each in found)]


def planned_words(found: Sequence[Finding], plan: Plan) -> str:
    """Return how many of the comparisons that a plan names are shown, and when they were named."""
    shown, what = sum(each.shown for each in found), f"comparison{'' if len(found) == 1 else 's'}"
    what = f"planned {what}" if plan.beforehand else f"{what} named afterwards"
    picked = "" if plan.beforehand else " They may have been picked by their figures."
    verb = "is" if 1 in (shown, len(found)) else "are"
    other = sum(bool(each.departs) for each in found)
    has = f"{other} has" if other == 1 else f"{other} have"
    departs = (
        f" {has} another number of seeds, and {'is' if other == 1 else 'are'} exploratory." if other else ""
    )
    return f"{shown_words(found)} {what} {verb} shown (named {plan.when}).{departs}{picked}"


def missed(found: Sequence[Finding]) -> list[Finding]:
    """Return those that are not shown although the interval misses 0, or there is none for lack of spread."""
    return [each for each in found if (each.misses_zero or each.comparison.spreadless) and not each.shown]


def response_lines(results: Sequence[ArmResult], plan: Plan | None = None) -> list[str]:
    """Return how each series of arms changes the figures, and what the highest bin does beside the lowest."""
    lines = []
    for each in responses(results, plan):
        method = f", {each.method}" if each.method else ""
        lines.append(
            f"{SERIES_WORDS[each.series]} by {each.by}{method}: change since before any step "
            "[95 % interval over rows and seeds], after the last step"
        )
        names = [f"{name} {PROBES[name].arrow}" for name in each.before]
        lines.append(f"  {'arm':<24}{'seeds':>5}{'tokens':>9}" + "".join(f"{name:>26}" for name in names))
        for point in each.points:
            seeds = max(change.seeds for change in point.changes.values())
            tokens = "–" if point.tokens is None else f"{point.tokens:.0f}"
            cells = "".join(f"{_change(change):>26}" for change in point.changes.values())
            lines.append(f"  {point.place.name:<24}{seeds:>5}{tokens:>9}{cells}")
        lines.append(f"  {_rows_words(each)}")
        lines += [f"  {end.words}" for end in each.ends]
    return lines


def _rows_words(found: Response) -> str:
    """Return on how many rows each figure rests: those that have it both before and after."""
    counts = {name: [point.changes[name].rows for point in found.points] for name in found.before}
    words = (
        f"{name} {min(rows)}" + (f" to {max(rows)}" if max(rows) > min(rows) else "")
        for name, rows in counts.items()
    )
    return f"rows that have the figure before and after: {', '.join(words)}"


def _change(change: Comparison) -> str:
    if not np.isfinite(change.mean):
        return "not measured"
    return signed(change.mean, "+.3f") + interval_words(change, "+.3f")


def _cell(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return "not measured"
    return f"{value:.2f} [{low:.2f}, {high:.2f}]" if np.isfinite(low) else f"{value:.2f}"


def _bounded(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return "not measured"
    ends = f" [{signed(low, '.3f')}, {signed(high, '.3f')}]" if np.isfinite(low) else ""
    return f"{signed(value, '.3f')}{ends}"
