"""What a press on the start button would do: how many runs, about how long, and what stands in its way."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from app.actions.trained_before import Before
from app.actions.unlearn import Wanted, before_start, bench_config, refuse_for_sweep
from app.service import Service
from app.views.pace import Duration, Times, duration_of_runs, duration_of_sweep, times_of
from app.words import ALL_AGAIN, SWEEP_AGAIN, SWEEP_GOES_ON, TAKEN_AS_THEY_ARE, start_words
from tokenunlearn.documents.words import listed
from tokenunlearn.errors import SettingError, TokenUnlearnError
from tokenunlearn.experiments.arms import CHOSEN, arm_words

LOOKED_AT: Final = 30  # finished runs, the newest first


@dataclass(frozen=True)
class Forecast:
    """What stands on the button, and by the name of a setting why it cannot be as it is, or what it does."""

    label: str
    refused: Mapping[str, str]
    told: Mapping[str, str]


def forecast(service: Service, wanted: Wanted, plan: Mapping[str, Any] | None) -> Forecast:
    """Return what a start of the form would do; `plan` is the summary of the tokens, None without any."""
    refused = {}
    try:
        refuse_for_sweep(wanted)
    except SettingError as error:
        refused[error.where] = f"{error.said} {error.fix}."
        wanted = replace(wanted, planned=()) if error.where == "planned" else wanted
    own, same = (plan or {}).get("arm") or CHOSEN, (plan or {}).get("left_out") or ()
    wanted = replace(wanted, controls=tuple(arm for arm in wanted.controls if arm not in same))
    arms = [own, *(arm for arm in wanted.controls if arm != own)]
    before = _before(service, wanted, plan)
    missing = before.missing(arms)
    runs = len(wanted.compared.runs(wanted.settings)) if wanted.is_sweep else len(missing)
    time = _duration(service, wanted, plan, runs)
    alone = not wanted.is_sweep and own not in missing
    seconds, at_most = (time.seconds, time.at_most) if time else (None, False)
    words = start_words(runs, seconds, at_most, alone)
    below = wanted.settings.stop_fact_below
    told = {"stop_fact_below": SWEEP_GOES_ON.format(below=f"{below:g}")} if wanted.is_sweep and below else {}
    if again := _again_words(wanted, arms, before):
        told["controls"] = again
    return Forecast(words, refused, told)


def _before(service: Service, wanted: Wanted, plan: Mapping[str, Any] | None) -> Before:
    """Return the runs that are there already; none while there is nothing to start."""
    shown = service.shelf.newest()
    if not plan or not plan.get("plan") or shown is None or not shown.live:
        return Before()
    name = str(plan["plan"].get("set") or "")
    tokens = {"set": name, "hash": plan["plan"].get("hash"), "arm": plan.get("arm") or CHOSEN}
    return before_start(service, shown, wanted, tokens)


def _again_words(wanted: Wanted, arms: Sequence[str], before: Before) -> str:
    """Return what a start does with the runs that are there already; "" where there is none of these."""
    there = [before.runs[arm] for arm in arms if arm in before.runs]
    if not there:
        return ""
    runs = listed(there)
    if wanted.is_sweep:
        return SWEEP_AGAIN.format(run=before.runs[arms[0]])
    missing = before.missing(arms)
    if len(missing) == len(arms):
        return ALL_AGAIN.format(runs=runs)
    return TAKEN_AS_THEY_ARE.format(runs=runs, arms=listed([f"“{arm_words(arm)}”" for arm in missing]))


def _duration(service: Service, wanted: Wanted, plan: Mapping[str, Any] | None, runs: int) -> Duration | None:
    shown = service.shelf.newest()
    if not plan or not plan.get("plan") or shown is None or not shown.live:
        return None
    bench, known = bench_config(service, shown, str(plan["plan"].get("set") or "")), _known(service)
    if wanted.is_sweep:
        return duration_of_sweep(bench, wanted.settings, wanted.compared, known)
    return duration_of_runs(bench, wanted.settings, runs, known)


def _known(service: Service) -> Times:
    """Return what the finished runs of this machine took. Each is read once."""
    finished = [state for state in service.queue.runs() if state["state"] == "finished"][:LOOKED_AT]
    known: dict[tuple[Any, ...], list[float]] = {}
    for state in reversed(finished):
        name = (state["run_id"], state["created"])
        if name not in service.times:
            service.times[name] = {}
            with suppress(TokenUnlearnError, TypeError, KeyError):  # damaged, or of another version
                config = service.queue.store.config(state["run_id"])
                service.times[name] = times_of(state, config, service.results.events(state["run_id"]))
        for alike, seconds in service.times[name].items():
            known.setdefault(alike, []).extend(seconds)
    return known
