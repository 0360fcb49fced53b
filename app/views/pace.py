"""How long runs take on this machine, by what runs, and arms of sweeps, that are alike took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.views.bench import bench_of, used_precision
from tokenunlearn.data.rows import CHOICE, HOLDOUT
from tokenunlearn.experiments.arms import tokens_of
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.runs.kinds import TRAINING
from tokenunlearn.runs.run_probes import probe_settings
from tokenunlearn.settings import from_dict
from tokenunlearn.training.config import TrainConfig, with_objective
from tokenunlearn.training.events import EvalDone, Event, StepDone, SweepAt, SweepStep

# The settings that do not decide how long all the steps of a run take; any other makes runs unlike.
FREE: Final = ("seed", "learning_rate", "lora_alpha", "retain_bound", "stop_fact_below")
LONGEST: Final = 30 * 86_400.0  # seconds; a longer time is damage
RUN, AROUND = "run", "around"  # beside the names of arms: a run alone; a sweep before and between its arms

Times = Mapping[tuple[Any, ...], Sequence[float]]
"""Seconds, the newest last, by all that decides them."""


@dataclass(frozen=True)
class Duration:
    """About how long it takes; `at_most`: it may well take less."""

    seconds: float
    at_most: bool = False


def times_of(state: Mapping[str, Any], config: Mapping[str, Any], events: Sequence[Event]) -> Times:
    """Return what a finished run took; nothing where it was paused or has no sensible time.

    A run that ended early counts with the steps that it did not make, at the mean of those that it made.
    """
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    seconds = state["ended"] - state["started"]
    if state.get("resume") or not _is_sensible(seconds):
        return {}
    if state["kind"] == "sweep":
        return _times_of_sweep(config, training, events, seconds)
    if state["kind"] != TRAINING:
        return {}
    missing = training.steps - state["step"]
    if missing:
        seconds += missing * _seconds_a_step(events)
    return {_run(config, training): [seconds]} if _is_sensible(seconds) else {}


def _seconds_a_step(events: Sequence[Event]) -> float:
    """Return what a step and the probes after it took on average; NaN without any step."""
    taken = [each.seconds or 0.0 for each in events if isinstance(each, StepDone | EvalDone)]
    steps = sum(isinstance(each, StepDone) for each in events)
    return sum(taken) / steps if steps else float("nan")


def _times_of_sweep(
    config: Mapping[str, Any], training: TrainConfig, events: Sequence[Event], seconds: float
) -> Times:
    compared = from_dict(CompareConfig, dict(config["sweep"]))
    found: dict[tuple[Any, ...], list[float]] = {}
    whole = False
    for each in events:
        if isinstance(each, SweepAt):
            whole = each.of_step == each.of_steps
        elif isinstance(each, SweepStep):
            seconds -= each.seconds
            if whole and _is_sensible(each.seconds):
                tokens, _, method = each.arm.partition(", ")
                found.setdefault(_arm(config, training, compared, tokens, method), []).append(each.seconds)
            whole = False
    return found | {_arm(config, training, compared, AROUND): [seconds]} if _is_sensible(seconds) else {}


def duration_of_runs(
    config: Mapping[str, Any], training: TrainConfig, runs: int, known: Times
) -> Duration | None:
    """Return how long some runs take; None where no such run was timed.

    `config` has rows and model. The first run on them measures the target as well, which later ones find on
    disk.
    """
    times = known.get(_run(config, training))
    if not times:
        return None
    return Duration(runs * times[-1], at_most=len(times) == 1 or training.stop_fact_below > 0)


def duration_of_sweep(
    config: Mapping[str, Any], training: TrainConfig, compared: CompareConfig, known: Times
) -> Duration | None:
    """Return how long a sweep takes; None where any of its arms was never timed, or ends by what it does."""
    total = 0.0
    arms = [(arm.tokens, arm.method) for _, arm in compared.runs(training)]
    for tokens, method in [(AROUND, ""), *arms]:
        times = known.get(_arm(config, training, compared, tokens, method))
        entry = tokens_of(tokens)
        if not times or (entry is not None and entry.stop):
            return None
        total += sum(times) / len(times)
    return Duration(total)


def _is_sensible(seconds: float) -> bool:
    return 0 < seconds < LONGEST  # NaN is not


def _alike(config: Mapping[str, Any], training: TrainConfig) -> tuple[Any, ...]:
    """Return all that decides how long the steps of a run and its measurements take."""
    bench = bench_of(config)
    settings = {name: value for name, value in vars(training).items() if name not in FREE}
    settings |= {"retain": training.retain_term, "objective_settings": repr(training.objective_of())}
    others = (len(config.get(split) or ()) for split in (HOLDOUT, CHOICE))
    place = (bench.rows, bench.start, used_precision(config))
    return (*place, *others, *settings.values())


def _run(config: Mapping[str, Any], training: TrainConfig) -> tuple[Any, ...]:
    return (RUN, repr(probe_settings(config)), *_alike(config, training))


def _arm(
    config: Mapping[str, Any], training: TrainConfig, compared: CompareConfig, tokens: str, method: str = ""
) -> tuple[Any, ...]:
    own = with_objective(training, method or training.objective)
    return (tokens, compared.equal_below, compared.kept_below, *_alike(config, own))
