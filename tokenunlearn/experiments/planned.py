"""Comparisons that are named before anything is measured, so that Holm adjusts over these alone.

A table holds many differences, and the more of them are looked at, the less each can show. What was named
beforehand is judged by itself, once, on as many seeds as were planned: who looks at 3, at 4 … at 10 seeds and
stops where something is shown finds in 12 of 100 tables without an effect one that is none. Everything else
is exploratory and is adjusted by itself as well. What is named after an arm was measured may have been picked
by its figures: it is told as *named afterwards*.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tokenunlearn.errors import RunError, SettingError, did_you_mean
from tokenunlearn.experiments.arms import ARMS, CHOSEN, arm_words, tokens_of
from tokenunlearn.experiments.moments import LAST, MOMENTS
from tokenunlearn.probes import COMPARED, PROBES

# How many seeds it takes to show a difference; these seldom show even a large one, ENOUGH_SEEDS mostly do.
FEWEST_SEEDS, ENOUGH_SEEDS = 3, 5
EXAMPLE: Final = "fact_joint: chosen - random"
FIGURES: Final = tuple(name for name in COMPARED if PROBES[name].wanted)
CONTROLS: Final = tuple(name for name in ARMS if name != CHOSEN)
_FORM: Final = re.compile(rf"(\w+) *: *(\w+) *[-−] *(\w+)(?: +at +({'|'.join(MOMENTS)}))?")


@dataclass(frozen=True)
class Named:
    """One comparison: the chosen tokens minus a control, in one figure at one moment."""

    probe: str
    control: str
    moment: str = LAST

    @property
    def text(self) -> str:
        """How it is written as a setting."""
        return f"{self.probe}: {CHOSEN} - {self.control}{self._at}"

    @property
    def words(self) -> str:
        """What it is called."""
        return f"{PROBES[self.probe].label}, {difference_words(CHOSEN, self.control)}{self._at}"

    @property
    def _at(self) -> str:
        return "" if self.moment == LAST else f" at {self.moment}"


def difference_words(arm: str, control: str, method: str = "") -> str:
    """Return one arm minus another by their names for people: `chosen tokens − “random, same count”`."""
    first = arm_words(arm) if arm == CHOSEN else f"“{arm_words(arm)}”"
    return f"{first} − “{arm_words(control)}”" + (f" ({method})" if method else "")


@dataclass(frozen=True)
class Plan:
    """The comparisons that were named for a file of measurements.

    `time`: when, as `2026-11-30 22:10 UTC`, "" where that is not recorded. `measured`: how many runs of arms
    were measured by then; 0 of a plan, more of what was named afterwards. `seeds`: on how many seeds of each
    arm they are to be judged; None where that is not recorded, as by older versions.
    """

    named: tuple[Named, ...]
    time: str
    measured: int
    seeds: int | None = None

    @property
    def beforehand(self) -> bool:
        """Whether no arm was measured when the comparisons were named."""
        return self.measured == 0

    @property
    def role(self) -> str:
        """What a comparison of it is called: planned, or named afterwards."""
        return "planned" if self.beforehand else "named afterwards"

    @property
    def when(self) -> str:
        """When they were named, in words."""
        runs = f"{self.measured} {'run was' if self.measured == 1 else 'runs were'} measured already"
        seeds = "seeds not recorded" if self.seeds is None else f"for {_seeds(self.seeds)}"
        told = f"before the first arm was measured, {seeds}" if self.beforehand else f"when {runs}"
        return f"{self.time}, {told}" if self.time else told

    def departs(self, seeds: int) -> str:
        """Return that a comparison on so many seeds is not the planned one, "" where it is.

        A look at fewer is one before the end, and one at more comes after another.
        """
        if not self.beforehand or self.seeds in (None, seeds):
            return ""
        return f"exploratory, as {_seeds(self.seeds or 0)} were planned and this has {seeds}"


def _seeds(count: int) -> str:
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def named(texts: Sequence[str]) -> tuple[Named, ...]:
    """Return the comparisons that some texts name, each once.

    Raises SettingError for a text that names none, saying which part of it.

    >>> named(["fact_joint: chosen - random", "other: chosen - words at equal forgetting"])[1].moment
    'equal forgetting'
    """
    return tuple(dict.fromkeys(map(_named, texts)))


def _named(text: str) -> Named:
    found = _FORM.fullmatch(text.strip())
    if not found:
        moments = ", ".join(f"“at {moment}”" for moment in MOMENTS[1:])
        raise _refused(
            f"{text[:60]!r} names no comparison",
            f"It must read FIGURE: chosen - CONTROL; {moments} may follow, else it is after the {LAST}",
            f"For example {EXAMPLE!r}",
        )
    probe, first, control, moment = found.groups()
    if probe not in FIGURES:
        raise _refused(f"There is no figure {probe!r} to compare", text, did_you_mean(probe, FIGURES))
    if first != CHOSEN:
        raise _refused(
            f"{first!r} is not compared with a control", text, f"Name the chosen tokens first: {CHOSEN}"
        )
    if control not in CONTROLS:
        raise _refused(f"There is no control {control!r}", text, did_you_mean(control, CONTROLS))
    entry = tokens_of(control)
    if entry and entry.at_end_alone and moment not in (None, LAST):
        raise _refused(f"{control} is measured after the {LAST} alone", text, f"Leave out “at {moment}”")
    return Named(probe, control, moment or LAST)


def _refused(what: str, why: str, fix: str) -> SettingError:
    return SettingError(what, why, fix, "planned")


def among(texts: Sequence[str], arms: Sequence[str]) -> tuple[str, ...]:
    """Return those of the texts that name a control among the arms; none where the chosen ones are not."""
    return tuple(text for text in texts if {CHOSEN, _named(text).control} <= set(arms))


def plan_for(
    texts: Sequence[str] | None,
    kept: Plan | None,
    measured: int,
    seeds: int | None,
    time: str,
    where: str = "",
) -> Plan | None:
    """Return the plan of a file that goes on: the one that is `kept` in it, else the one that is asked for.

    `measured`: how many runs of arms the file holds. `seeds`: on how many it goes on now; once something is
    measured the plan keeps those that it was named for. Raises RunError where the file holds something and
    was begun under other comparisons: what was named first stays named.
    """
    asked = named(texts or ())
    if kept is None:
        return Plan(asked, time, measured, seeds) if asked else None
    same = not asked or set(asked) == set(kept.named)
    if same and (measured or seeds == kept.seeds):
        return kept
    if measured:
        raise RunError(
            "The file has other planned comparisons",
            f"{'; '.join(each.text for each in kept.named)}: named {kept.when}",
            "Leave them as they are, or give another file",
            where,
        )
    return Plan(asked or kept.named, time, measured, seeds)


def plan_record(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON values."""
    return asdict(plan) | {"named": [each.text for each in plan.named]}


def plan_from(record: Any, where: str) -> Plan | None:
    """Return the inverse of `plan_record`; None of a file without one. Raises RunError for a damaged one."""
    if record is None:
        return None
    fits = (
        isinstance(record, Mapping)
        and isinstance(record.get("named"), list)
        and all(isinstance(each, str) for each in record["named"])
        and isinstance(record.get("time"), str)
        and type(record.get("measured")) is int
        and type(record.get("seeds")) in (int, type(None))
    )
    try:
        if fits:
            return Plan(named(record["named"]), record["time"], record["measured"], record.get("seeds"))
        why = "It has another form"
    except SettingError as error:
        why = str(error)
    raise RunError("The planned comparisons of the file cannot be read", why, "Give another file", where)
