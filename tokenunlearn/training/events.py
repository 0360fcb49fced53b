"""What a run tells its caller: frozen events, JSON both ways, importable without torch.

`train(...)` yields the first five, an attack the next two, a sweep two more, a measurement the last; the
worker writes them, one a line, into `metrics.jsonl`; the page reads them back. A number that is not finite
crosses as the string "NaN", "Infinity" or "-Infinity", because strict JSON has no such number and a diverged
loss is exactly what must be reported truly.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, get_args

from tokenunlearn.data.json_text import misfit


@dataclass(frozen=True)
class StepDone:
    """One optimiser step: losses in nats per token, wall time of this step in seconds, forget tokens in it.

    `loss` is what was minimised; `retain_loss` is the retain rows' cross-entropy, also where the term is KL
    or the objective has none; `retain_start` is the one of the run's first step, of the untrained weights.
    `tokens`: the forget tokens with weight above 0 in its batch, a trained end of turn included.
    """

    step: int
    steps: int
    loss: float
    forget_loss: float
    retain_loss: float
    seconds: float
    retain_start: float | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class EvalDone:
    """Probe values after `step` steps, in 0..1, and the seconds that took; None means not measured."""

    step: int
    fact_joint: float | None = None
    other: float | None = None
    paraphrased: float | None = None
    retain: float | None = None
    world: float | None = None
    answer_id: str | None = None
    answer_text: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Saved:
    """The adapter of `step` is complete on disk at `path`."""

    step: int
    path: str


@dataclass(frozen=True)
class Diverged:
    """Training was stopped by the guard; the adapter of `kept_step` is the one kept.

    `retain_loss` is the retain rows' cross-entropy that the guard saw, `retain_start` the one at the start.
    """

    step: int
    reason: str
    kept_step: int
    retain_loss: float | None = None
    retain_start: float | None = None


@dataclass(frozen=True)
class Finished:
    """The last event of a run that ended by itself."""

    step: int
    reason: str


@dataclass(frozen=True)
class AttackStep:
    """One measurement of an attack, the `step`-th of `steps`: after `taken` steps of its own on `model`.

    `figures` by name; None = not measured. `diverged`: the guard stopped this model, so that it has no more.
    """

    step: int
    steps: int
    model: str
    taken: int
    figures: Mapping[str, float | None]
    seconds: float
    diverged: bool = False


@dataclass(frozen=True)
class AttackDone:
    """The result of an attack, for attacks.json, after all `step` measurements."""

    step: int
    result: Mapping[str, Any]


@dataclass(frozen=True)
class SweepStep:
    """An arm of a sweep is measured and kept, the `step`-th of `steps`, which took `seconds`.

    `why` it was left out, where its objective needs what is not there.
    """

    step: int
    steps: int
    arm: str
    seed: int
    seconds: float
    why: str = ""


@dataclass(frozen=True)
class SweepAt:
    """Where a sweep is after `step` measured arms: which one it trains, and how far that has come."""

    step: int
    arm: str
    seed: int
    of_step: int
    of_steps: int


@dataclass(frozen=True)
class MeasuredPart:
    """The `part`-th part of a measurement is done; all is on disk at its end, as step 1."""

    part: int
    parts: int
    step: int = 0


@dataclass(frozen=True)
class Measured:
    """The end of such a measurement: its report, ready for JSON, None = not measured. No line of a run."""

    report: Mapping[str, Any]


Measuring = Iterator[MeasuredPart | Measured]


Event = (
    StepDone
    | EvalDone
    | Saved
    | Diverged
    | Finished
    | AttackStep
    | AttackDone
    | SweepStep
    | SweepAt
    | MeasuredPart
)
# What such an event tells of is on disk when it comes; a run that goes on does not do it again.
WRITTEN: Final = (AttackStep, SweepStep)

EVENTS: Final = MappingProxyType({kind.__name__: kind for kind in get_args(Event)})


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as a dict that strict JSON can hold; its class name is under `event`."""
    record: dict[str, Any] = {"event": type(event).__name__}
    for entry in fields(event):
        value = getattr(event, entry.name)
        if isinstance(value, float) and not math.isfinite(value):
            value = "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        record[entry.name] = value
    return record


def from_json(record: Mapping[str, Any]) -> Event:
    """Return the event that `to_json` wrote.

    Raises ValueError when the class name is unknown, a field is missing or there is one too many.
    """
    kind = EVENTS.get(str(record.get("event")))
    if kind is None:
        raise ValueError(f"unknown event {record.get('event')!r}; known are {', '.join(EVENTS)}")
    values = {name: value for name, value in record.items() if name != "event"}
    for entry in fields(kind):
        value = values.get(entry.name)
        if entry.type in (float, float | None) and isinstance(value, str):
            values[entry.name] = float(value)
    try:
        event: Event = kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__} does not fit its fields: {error}") from error
    return event


def known_events(records: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Return the events that this version knows; those of a newer one, and damaged ones, are passed over."""
    known = []
    for record in records:
        with suppress(ValueError):
            if not misfit(lambda _: (), record):
                known.append(from_json(record))
    return known
