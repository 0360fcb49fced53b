"""A comparison in figures and sentences, the same on the Compare tab and in a report."""

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tokenunlearn.data.rows import FORGET
from tokenunlearn.documents.series import series_view
from tokenunlearn.documents.words import listed
from tokenunlearn.experiments.arms import ARMS, CHOSEN, Arm, arm_words
from tokenunlearn.experiments.moments import EQUAL, LAST, MOMENTS, RETAINED
from tokenunlearn.experiments.planned import ENOUGH_SEEDS, FEWEST_SEEDS, Plan
from tokenunlearn.experiments.report import note_lines, planned_words, unknown_words
from tokenunlearn.experiments.results import BEFORE, missing, start_of
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.verdict import (
    Finding,
    arm_method,
    counted_words,
    findings,
    method_words,
    planned_findings,
    shown_words,
)
from tokenunlearn.probes import PROBES
from tokenunlearn.probes.kept import FACT, of_seeds, with_kept
from tokenunlearn.probes.readings import counted
from tokenunlearn.probes.report import with_badges
from tokenunlearn.text.numbers import p_words
from tokenunlearn.training.events import Event, SweepStep

_THE: Final = MappingProxyType({LAST: "the last step", EQUAL: EQUAL, RETAINED: RETAINED})
_DECIMALS: Final = 6
FLUENCY: Final = "fluency"
TOO_FEW: Final = "{moment}: nothing can be shown on fewer than {fewest} seeds, and this has {seeds}."
SOME_TOO_FEW: Final = " {few} of them {have} fewer than {fewest} seeds, of which nothing can be shown."
NOTHING: Final = "After {the} no {other}difference between the chosen tokens and a control is shown{few}."
NOTHING_ON_FEW: Final = ": {seeds} seeds can show only a very large one"
NO_SPREAD: Final = ": there is no spread to judge by"
EQUAL_IN_ALL: Final = ": they are equal in every figure"
NOT_JUDGED: Final = " – nothing is shown there, as {why}"
SHOWN: Final = (
    "{moment}: {counted} between the chosen tokens and the controls are shown (95 % interval over rows and "
    "seeds, p adjusted by Holm over these {of})."
)
EXPLORED: Final = "Exploratory: "
UNFINISHED: Final = (
    "Not all is measured: {done} of {of} runs of an arm are, and what follows is of these alone."
)


def sweep_view(
    results: Sequence[ArmResult], events: Sequence[Event], plan: Plan | None = None
) -> dict[str, Any]:
    """Return what a sweep measured: what is shown, what each control rules out, notes, and its arms.

    `planned` has the comparisons that were named, None without a plan; `verdicts` are of all others.

    `before` has the figures of the target itself, None where it was not measured.
    """
    # A sweep that was resumed comes to an arm once more: what counts is the last time.
    ended = {(each.arm, each.seed): each for each in events if isinstance(each, SweepStep)}
    skipped = [each for each in ended.values() if each.why]
    start = start_of(results)
    unknown = unknown_words(results)
    every = {moment: findings(results, moment, plan) for moment in MOMENTS}
    return {
        "planned": _planned(results, plan, unknown) if plan else None,
        "verdicts": [
            _verdict(others, moment, unknown)
            for moment, found in every.items()
            if (others := [each for each in found if not each.named])
        ],
        "controls": [f"{ARMS[name].label}: {ARMS[name].rules_out}." for name in _controls(results)],
        "notes": [
            *note_lines(results),
            *(f"{_skipped(each)}, seed {each.seed}: not measured. {each.why}" for each in skipped),
        ],
        "before": with_kept(start.summary if start else None),
        "lines": _lines(results, start),
        "series": series_view(results, plan),
    }


def _skipped(step: SweepStep) -> str:
    """Return the arm that a sweep left out; its events have it as `Arm.name`."""
    arm, _, method = step.arm.partition(", ")
    return arm_method(arm, method)


def unfinished_words(
    results: Sequence[ArmResult], runs: Sequence[tuple[int, Arm]], standing: str = ""
) -> str:
    """Return that a comparison is not whole, with how many of its `runs` are measured; "" for a whole one.

    `standing`: how its run stands.
    """
    lacking = len(missing(results, runs))
    told = UNFINISHED.format(done=len(runs) - lacking, of=len(runs)) if lacking else ""
    return " ".join(filter(None, [told, standing]))


def _planned(results: Sequence[ArmResult], plan: Plan, unknown: str) -> dict[str, Any]:
    """Return how many of the comparisons that were named are shown, and each in full.

    `unknown`: that the target did not know the facts; then that is the first sentence.
    """
    found = planned_findings(results, plan)
    last = [each for each in found if each.moment == LAST]
    return {
        "role": plan.role,
        "when": plan.when,
        "beforehand": plan.beforehand,
        "named": [each.text for each in plan.named],
        "words": [each.words for each in plan.named],
        "counted": shown_words(found),
        "headline": unknown or (headline(last, LAST) if plan.beforehand else ""),
        "text": _begun(planned_words(found, plan)),
        "lines": [{"text": _begun(each.words), "shown": each.shown, "better": each.better} for each in found],
    }


def _verdict(every: Sequence[Finding], moment: str, unknown: str) -> dict[str, Any]:
    """Return what is shown at a moment: a sentence, one for each control, and each difference in full.

    `unknown`: that the target did not know the facts; then that is the first sentence.
    """
    found = [each for each in every if np.isfinite(each.comparison.mean)]
    counted = counted_words(found)
    shown = [each.words for each in found if each.shown]
    seeds = max((each.comparison.seeds for each in found), default=0)
    explored = any(each.role for each in found)
    said = (EXPLORED if explored else "") + said if (said := headline(found, moment)) else ""
    other = "other " if explored else ""
    if not shown and seeds < FEWEST_SEEDS:
        text = TOO_FEW.format(moment=moment, seeds=seeds, fewest=FEWEST_SEEDS)
    else:
        text = SHOWN.format(moment=moment, counted=counted, of=len(found))
        few = sum(each.comparison.seeds < FEWEST_SEEDS for each in found)
        have = "has" if few == 1 else "have"
        text += SOME_TOO_FEW.format(few=few, have=have, fewest=FEWEST_SEEDS) if few else ""
        only = NOTHING_ON_FEW.format(seeds=seeds) if seeds < ENOUGH_SEEDS else ""
        if not any(each.comparison.high > each.comparison.low for each in found):
            only = NO_SPREAD if any(each.comparison.mean for each in found) else EQUAL_IN_ALL
        said = said or NOTHING.format(the=_THE[moment], few=only, other=other)
    against = dict.fromkeys((each.control, each.method) for each in found) if seeds >= FEWEST_SEEDS else ()
    return {
        "moment": moment,
        "headline": unknown or said,
        "counted": counted,
        "text": f"Exploratory, {text}" if explored else _begun(text),
        "against": [
            against_words([each for each in found if (each.control, each.method) == name]) for name in against
        ],
        "shown": shown,
        "all": [each.words for each in found],
    }


def headline(found: Sequence[Finding], moment: str) -> str:
    """Return what is shown at a moment in one sentence for everyone, without figures; "" for nothing.

    Whether the fact is forgotten further, what else of it falls further, and what is kept: all that is shown,
    each with the controls that it is shown against.
    """
    shown = [each for each in found if each.shown]
    controls = dict.fromkeys(_control(each) for each in shown)
    said = []
    for better, forget, keep in ((True, "further", "more"), (False, "less far", "less")):
        part = [each for each in shown if each.better is better]
        facts = [f"“{_control(each)}”" for each in part if each.probe == FACT]
        if facts:
            said.append(f"forget the fact {forget} than {listed(facts)}")
        for control in controls:
            own = [each.probe for each in part if _control(each) == control and each.probe != FACT]
            lower = [f"“{PROBES[name].label}”" for name in own if PROBES[name].wanted == "down"]
            kept = [PROBES[name].label for name in own if PROBES[name].wanted == "up"]
            said += [f"lower {listed(lower)} {forget} than “{control}”"] if lower else []
            said += [f"keep {keep} of {listed(kept)} than “{control}”"] if kept else []
    return f"After {_THE[moment]} the chosen tokens {'; they '.join(said)}." if said else ""


def against_words(found: Sequence[Finding]) -> dict[str, str]:
    """Return what is shown of the chosen tokens against one control: with whom, better, worse, and not shown.

    `better` and `worse` name each figure with its difference, interval and p-value, in the order of PROBES.
    So does `open` where the interval misses 0, for there the p-value decides; at its end stands why else
    nothing is shown. `counts`: over how many seeds and rows most figures are; one that is over others has its
    own behind it.
    """
    usual = Counter(each.counts for each in found).most_common(1)[0][0]

    def listing(part: Sequence[Finding], bare: bool = False) -> str:
        words = [_bare(each) if bare else _difference(each) for each in part]
        own = [f" ({each.counts})" if each.counts != usual else "" for each in part]
        return "; ".join(map("".join, zip(words, own, strict=True)))

    shown = [each for each in found if each.shown]
    unjudged = dict.fromkeys(each.unequal or each.departs for each in found if each.unequal or each.departs)
    why = NOT_JUDGED.format(why="; ".join(unjudged)) if unjudged else ""
    return {
        "control": _control(found[0]),
        "counts": usual,
        "better": listing([each for each in shown if each.better]),
        "worse": listing([each for each in shown if not each.better]),
        "open": listing([each for each in found if not each.shown], bare=True) + why,
    }


def _control(finding: Finding) -> str:
    control = arm_words(finding.control)
    return f"{control} ({method_words(finding.method)})" if finding.method else control


def _difference(finding: Finding) -> str:
    return f"{PROBES[finding.probe].label} {finding.figure('+.2f', p_words(finding.p_value))}"


def _bare(finding: Finding) -> str:
    """Return a finding that is not shown: in full where a reader would ask why, else with its p-value."""
    if finding.probe == FACT or finding.misses_zero or np.isnan(finding.p_value):
        return _difference(finding)
    return f"{PROBES[finding.probe].label} {p_words(finding.p_value)}"


def _controls(results: Sequence[ArmResult]) -> list[str]:
    measured = {each.arm for each in results}
    return [name for name in ARMS if name in measured and name != CHOSEN]


def _lines(results: Sequence[ArmResult], start: ArmResult | None) -> list[dict[str, Any]]:
    """Return one line an arm, method and moment, in the order in which they were measured."""
    groups: dict[tuple[str, str, str], list[ArmResult]] = {}
    for each in results:
        if each.arm != BEFORE:
            groups.setdefault((each.arm, each.method, each.moment), []).append(each)
    arms = list(dict.fromkeys((arm, method) for arm, method, _ in groups))
    return [
        {**_line(group, start), "hue": _hue(arm, method, arms.index((arm, method)))}
        for (arm, method, _), group in groups.items()
    ]


def _hue(arm: str, method: str, place: int) -> int:
    """Return which colour is an arm's own: that of its place in ARMS, the same in every sweep.

    Where objectives are compared, an arm has another one with each: that of its `place` in the sweep.
    """
    if method:
        return place
    names = list(ARMS)
    return names.index(arm) if arm in names else len(names) + place


def _line(group: Sequence[ArmResult], start: ArmResult | None) -> dict[str, Any]:
    """Return one arm at one moment. `values`: each figure by seed, without those that have a note instead.

    `figures`: of each figure the mean over the seeds that have it and its 95 % interval; None where it is not
    measured, and for an interval of fewer than three seeds or of equal ones. `badges`: how many answers have
    each reading, all seeds together of which they were kept, `answered`.
    """
    first = group[0]
    measured = [each for each in group if each.summary]
    columns: dict[str, list[float | None]] = {}
    found = [with_kept(each.summary) or {} for each in measured]
    for name in dict.fromkeys(name for summary in found for name in summary):
        values = [summary.get(name) for summary in found]
        if any(value is not None for value in values):
            columns[name] = values
    return {
        "arm": first.arm,
        "label": arm_method(first.arm, first.method),
        "moment": first.moment,
        "seeds": [each.seed for each in measured],
        "costs": {
            name: _rounded(_mean(_known([getattr(each, name) for each in measured])))
            for name in ("step", "norm", "tokens", "seconds")
        },
        "badges": badges_of(start, group),
        "answered": [each.seed for each in group if each.answers],
        "values": {name: list(map(_rounded, values)) for name, values in columns.items()},
        "figures": {
            name: list(map(_rounded, of_seeds(name, _known(values)))) for name, values in columns.items()
        },
    }


def badges_of(start: ArmResult | None, group: Sequence[ArmResult]) -> dict[str, int] | None:
    """Return how many answers to forget of some measurements together have each reading (readings.py).

    Judged against the target's; None where the answers were not kept.
    """
    said = [each for each in group if each.answers]
    if start is None or not start.answers or not said:
        return None
    before = report_of_arm(start)
    lines = (line for each in said for line in with_badges(before, report_of_arm(each))["answers"])
    return counted(line for line in lines if line["kind"] == FORGET)


def report_of_arm(result: ArmResult) -> dict[str, Any]:
    """Return what was kept of a measurement as a report, to be judged: all of it but the tokens."""
    return {"answers": result.answers, "summary": result.summary, "by_row": result.by_row}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and np.isfinite(value)]


def _rounded(value: float | None) -> float | None:
    return round(float(value), _DECIMALS) if value is not None and np.isfinite(value) else None


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]
