"""The states of a run, and what a page may show for each: pure functions of `state.json`.

queued → running → finished | failed | diverged | interrupted
                 ↘ pausing → paused        ↘ stopping → kept
paused, interrupted, failed → queued (resume); paused, interrupted, diverged → kept

A run whose state or config cannot be read is `damaged`, with the `file` and the `fault`: it can be discarded.
A run that diverged is not resumed: its checkpoint holds what made it diverge, and it would do so again.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.runs.kinds import run_kind

STATES: Final = (
    "queued", "running", "pausing", "stopping",
    "paused", "interrupted", "finished", "kept", "failed", "diverged",
)  # fmt: skip
DAMAGED: Final = "damaged"  # stands for the state of a run whose files cannot be read; in no file
ACTIVE: Final = ("running", "pausing", "stopping")
ENDED: Final = ("finished", "kept")  # what was learnt is saved and measured
RESUMABLE: Final = ("paused", "interrupted", "failed")
KEEPABLE: Final = (*RESUMABLE, "diverged")
FORCE_AFTER_SECONDS: Final = 30.0
CLOCK_STEP_SECONDS: Final = 2.0  # two processes may read the clock that far apart

State = Mapping[str, Any]


def buttons(state: State, now: float | None = None) -> list[str]:
    """Return the labels of the buttons for this state, in order (USERS 5.7).

    `now` is in seconds since the epoch and decides only whether a pause or stop has taken so long that
    it may be forced. What needs a saved adapter is offered only where `saved_step` says there is one.
    """
    name = state["state"]
    if state.get("fault"):
        return ["Discard…"]
    saved = int(state.get("saved_step") or 0)
    kind = run_kind(state)
    edit = ["Edit settings"] if kind.form else []
    keeps = kind.leaves or kind.opens
    keep = ["Keep as is"] if saved and keeps else []
    if name == "queued":
        return ["Cancel"]
    if name == "running":
        return ["Pause and save", *(["Stop and keep"] if keeps else []), "Discard…"]
    if name in ("pausing", "stopping"):
        since = seconds_since_request(state, now)
        return ["Force stop"] if since is None or since >= FORCE_AFTER_SECONDS else []
    if name in ("paused", "interrupted"):
        return ["Resume", *keep, "Discard…"]
    if name in ENDED and kind.opens:
        return ["Open the taught model", "Discard…"]
    if name in ENDED:
        again = ["Run again with changes"] if kind.form else []
        return [*(["Probe", "Compare"] if kind.leaves else [kind.shown_on]), *again]
    if name == "failed":
        return [*([f"Resume from {saved}"] if saved else []), *edit, "Copy error", "Discard…"]
    if name == "diverged":
        return [*keep, *edit, "Copy error", "Discard…"]
    raise ValueError(f"unknown state {name!r}; known are {', '.join(STATES)}")


def status_text(state: State, place: int = 0, after: str = "", now: float | None = None) -> str:
    """Return one line on where the run stands; `place` counts from 1 in the queue, `after` is a run id."""
    name, step, steps = state["state"], state.get("step", 0), state.get("steps", 0)
    if state.get("fault"):
        return str(state["fault"])
    saved = int(state.get("saved_step") or 0)
    kind = run_kind(state)
    unit = kind.unit
    of = f" of {steps}" if steps else ""  # a lesson does not know before it has looked at its rows
    kept = f"{kind.saved}, {unit} {saved}{of}" if saved else "nothing saved yet"
    if name == "queued":
        line = f"{_ordinal(place)} in line" if place else "in line"
        return line + (f", starts after {after}" if after else "")
    if name == "running":
        message = state.get("message") or ""
        # Before the first step nothing else moves.
        since = _seconds_since(state.get("started"), now) if message and not step else None
        waited = f", {since:.0f} s so far" if since and since >= 1 else ""
        stands = f"{unit} {step}{of}" if step or steps else ""
        return ", ".join(filter(None, (stands, f"{message}{waited}"))) or "starting"
    if name in ("pausing", "stopping"):
        doing, since = state.get("message") or f"saving at {unit} {step}", seconds_since_request(state, now)
        ago = "before the clock was set back" if since is None else f"{since:.0f} s ago"
        return f"{doing}, asked {ago}"
    if name == "paused":
        return f"paused: {state['message']}; {kept}" if state.get("message") else f"paused, {kept}"
    if name == "interrupted":
        return f"{state.get('message') or f'the worker died at {unit} {step}'}; {kept}"
    if name == "kept":
        return f"kept, {kept}"
    if name == "finished":
        early = f": {state['message']}" if state.get("message") else ""
        return f"{kind.done}, {unit} {step}{of}{early}"
    return f"{name} at {unit} {step}: {state.get('message') or 'see the log'}; {kept}"


def seconds_since_request(state: State, now: float | None = None) -> float | None:
    """Return how long ago a pause or stop was asked for, in seconds; 0 when none was.

    None where it is not known: the clock was set back since.
    """
    return _seconds_since(state.get("requested"), now)


def _seconds_since(moment: float | None, now: float | None) -> float | None:
    since = (time.time() if now is None else now) - float(moment) if moment else 0.0
    return None if since < -CLOCK_STEP_SECONDS else max(0.0, since)


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
