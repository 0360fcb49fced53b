"""Parts of the page that follow the server: each is made anew only where what it depends on is another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from app.actions import probe, status
from app.actions.unlearn import gone_words
from app.service import Service


@dataclass(frozen=True)
class Now:
    """The server as one open page has to see it at a moment.

    `scores`, `runs` and `steps` change when other scores are to be shown, when the lists of runs change, and
    with each step of a run under way; `arms` with each measured arm of a sweep. `shown` is the run that the
    page follows, None for the one of now; `probed` is the run whose answers it shows, `gone` says that the
    one which was picked is there no more.
    """

    at: float
    chips: dict[str, Any]
    scores: Any
    runs: list[list[Any]]
    steps: list[list[Any]]
    arms: list[list[Any]]
    shown: str | None
    probed: str | None
    gone: str


@dataclass(frozen=True)
class Part:
    """A component, what its value depends on, and how its value is made."""

    component: Any
    stamp: Callable[[Now], Any]
    value: Callable[[Now], Any]


def look(service: Service, shown: str | None = None, picked: str | None = None) -> Now:
    """Return what the page with the run `shown`, and `picked` for its answers, has to see now."""
    # First: where the chips say that nothing moves, what is read after them is the last there is.
    states = service.queue.runs()
    chips = status.beat_of(service, states)
    runs = status.runs_signature(service, states)
    known = [run_id for run_id, *_ in runs]
    return Now(
        at=time.time(),
        chips=chips,
        scores=status.scores_signature(service),
        runs=runs,
        steps=status.steps_signature(states),
        arms=status.arms_signature(states),
        shown=shown,
        probed=picked if picked in known else probe.newest(service, states),
        gone=gone_words(service, picked, states),
    )


def stamps(parts: Sequence[Part], now: Now) -> list[Any]:
    """Return what each part depends on."""
    return [part.stamp(now) for part in parts]


def anew(parts: Sequence[Part], now: Now, seen: Sequence[Any]) -> dict[Any, Any]:
    """Return the values, by component, of the parts whose stamp is no longer the one in `seen`."""
    return {
        part.component: part.value(now)
        for part, stamp, before in zip(parts, stamps(parts, now), seen, strict=True)
        if stamp != before
    }
