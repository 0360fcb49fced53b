"""How long a run takes on this machine, by what finished runs of the same rows, model and settings took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.views.bench import bench_of
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.runs.kinds import TRAINING
from tokenunlearn.settings import from_dict
from tokenunlearn.training.config import TrainConfig, with_objective
from tokenunlearn.training.events import EvalDone, Event, StepDone, SweepStep

# The settings that decide how long a step takes.
COSTLY: Final = ("objective", "retain_term", "forget_batch", "retain_batch", "layer_share")
ARM, RUN = "arm", "run"


@dataclass(frozen=True)
class Pace:
    """What a run took, in seconds: each step, each look at the rows between two steps, and all the rest."""

    rest: float
    step: float = 0.0
    look: float = 0.0


Paces = Mapping[tuple[Any, ...], Pace]
"""By what decides it: an arm of a sweep with its steps, or a run; rows, model and COSTLY settings."""


def paces_of(state: Mapping[str, Any], config: Mapping[str, Any], events: Sequence[Event]) -> Paces:
    """Return what a finished run says of the next ones; nothing where it was paused or not timed."""
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    if state["kind"] == "sweep":
        timed: dict[str, list[float]] = {}
        for each in events:
            if isinstance(each, SweepStep) and not each.why:
                timed.setdefault(each.arm.partition(", ")[2], []).append(each.seconds)
        place = _place(config)
        return {
            _arm(place, with_objective(training, method or training.objective)): Pace(sum(each) / len(each))
            for method, each in timed.items()
        }
    steps = [each.seconds for each in events if isinstance(each, StepDone)]
    looks = [each.seconds for each in events if isinstance(each, EvalDone)]
    known = [each for each in looks if each is not None]
    if state["kind"] != TRAINING or state.get("resume") or not steps or len(known) < len(looks):
        return {}
    rest = state["ended"] - state["started"] - sum(steps) - sum(known)
    look = sum(known) / len(known) if known else 0.0
    return {_run(_place(config), training): Pace(max(0.0, rest), sum(steps) / len(steps), look)}


def seconds_of(
    bench: Mapping[str, Any], training: TrainConfig, compared: CompareConfig | None, runs: int, known: Paces
) -> float | None:
    """Return how long some runs take, or the sweep of `compared`; None where any of it was never timed.

    `bench` is a config with the rows and the model.
    """
    place = _place(bench)
    if compared is None:
        pace = known.get(_run(place, training))
        return None if pace is None else runs * _seconds(pace, training.steps, training.eval_every)
    total = 0.0
    counts = Counter(arm.method or training.objective for _, arm in compared.runs(training))
    for objective, count in counts.items():
        own = with_objective(training, objective)
        # By a run where no sweep was timed: an arm of a sweep looks at the rows after every step.
        pace = known.get(_arm(place, own)) or known.get(_run(place, own))
        if pace is None:
            return None
        total += count * _seconds(pace, training.steps, 1)
    return total


def _seconds(pace: Pace, steps: int, every: int) -> float:
    return pace.rest + steps * pace.step + steps // every * pace.look


def _place(config: Mapping[str, Any]) -> tuple[str, ...]:
    bench = bench_of(config)
    return (bench.rows, bench.start, str(config.get("precision") or "auto"))


def _run(place: tuple[str, ...], training: TrainConfig) -> tuple[Any, ...]:
    return (RUN, *place, *(getattr(training, name) for name in COSTLY))


def _arm(place: tuple[str, ...], training: TrainConfig) -> tuple[Any, ...]:
    return (ARM, training.steps, *_run(place, training)[1:])
