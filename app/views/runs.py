"""Run folders become what the run card, the curves and the chip show; nothing is read from a form."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.views.probe import judged
from tokenunlearn.experiments.arms import CHOSEN, arm_words
from tokenunlearn.probes.report import counts_of, with_badges
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.states import ENDED, buttons, status_text
from tokenunlearn.training.events import WRITTEN, Diverged, EvalDone, Event, Finished, StepDone

LIVE: Final = ("queued", "running", "pausing", "stopping")
MEASURED: Final = ("fact_joint", "other", "paraphrased", "retain", "world", "fluency")
MOST_TEXTS: Final = 40
BROKEN: Final = ("failed", "interrupted")  # the log may say more than the message


def run_line(state: Mapping[str, Any], left: float | None = None, now: float | None = None) -> dict[str, Any]:
    """Return one run of the list: name, colour, state, step, sentence, buttons; from its state.json.

    `left` in seconds.
    """
    text = status_text(state, int(state.get("place") or 0), str(state.get("after") or ""), now)
    return {
        "run_id": state["run_id"],
        "name": state["name"],
        "hue": hue_of_run(state["run_id"]),
        "arm": state["arm"],
        "state": state["state"],
        "step": state["step"],
        "steps": state["steps"],
        "message": state.get("message") or "",
        "text": text + (f", about {left:.0f} s to the last {run_kind(state).unit}" if left else ""),
        "buttons": buttons(state, now),
    }


def hue_of_run(run_id: str) -> int:
    """Return which of the colours of runs is that of one: its number, which is never given twice.

    What was recorded has none, and takes the first.
    """
    number = run_id.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def seconds_left(state: Mapping[str, Any], events: Sequence[Event]) -> float | None:
    """Return the seconds to the last step, or measurement, at the pace so far.

    None while it is not known, and when training has ended, perhaps before its last step.
    """
    if events and isinstance(events[-1], Finished):
        return None
    timed = [event for event in events if isinstance(event, (StepDone, EvalDone, *WRITTEN))]
    steps = sum(not isinstance(event, EvalDone) for event in timed)
    if state["state"] != "running" or not steps or not 0 < state["step"] < state["steps"]:
        return None
    return sum(event.seconds or 0 for event in timed) / steps * (state["steps"] - state["step"])


def series(run: Mapping[str, Any], events: Sequence[Event]) -> dict[str, Any]:
    """Return the curves of one run (its state) as columns; numbers that are not finite become None."""
    steps = [event for event in events if isinstance(event, StepDone)]
    looks = [event for event in events if isinstance(event, EvalDone)]
    broken = [event for event in events if isinstance(event, Diverged)]
    return {
        "run_id": run["run_id"],
        "hue": hue_of_run(run["run_id"]),
        "arm": run["arm"],
        "total": run["steps"],
        "label": run["name"],
        "stopped": {"step": broken[-1].step, "kept": broken[-1].kept_step} if broken else None,
        "steps": [event.step for event in steps],
        "loss": [_finite(event.loss) for event in steps],
        "retain_loss": _retain_loss(steps, broken),
        "eval_steps": [event.step for event in looks],
        **{key: [_finite(getattr(event, key, None)) for event in looks] for key in MEASURED},
    }


def _retain_loss(steps: Sequence[StepDone], broken: Sequence[Diverged]) -> dict[str, float | None]:
    """Return what the guard looks at, in nats: the retain loss now and at the start; None = not measured."""
    last = broken[-1] if broken else steps[-1] if steps else None
    start = last.retain_start if last else None
    if start is None and steps and steps[0].step == 1:  # a run of an earlier version did not write it down
        start = steps[0].retain_loss
    return {"now": _finite(last.retain_loss) if last else None, "start": _finite(start)}


def with_probes(curves: dict[str, Any], probes: Mapping[str, Any] | None, last_step: int) -> dict[str, Any]:
    """Return the curves with the full probes: `probed` is `{before, after}`, each `{step, …}` or None.

    They are another measure than the curve: a live point is of the last training pass over each row, a probe
    of all rows at one step. So they are no points of it.
    """
    probed = {}
    for key, step in (("before", 0), ("after", last_step)):
        summary = ((probes or {}).get(key) or {}).get("summary")
        probed[key] = {"step": step} | {name: summary.get(name) for name in MEASURED} if summary else None
    return {**curves, "probed": probed, "garbled": _garbled_words(probes)}


def _garbled_words(probes: Mapping[str, Any] | None) -> str:
    """Return how many answers after the run are garbled, as a loop is fluent; "" where none is."""
    before, after = ((probes or {}).get(key) or {} for key in ("before", "after"))
    if not before.get("answers") or not after.get("answers"):
        return ""
    counts = counts_of(with_badges(before, after))
    garbled = counts.get("garbled", 0)
    return f"{garbled} of {sum(counts.values())} garbled" if garbled else ""


def live_answer(
    config: Mapping[str, Any],
    events: Sequence[Event],
    before: str | None,
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return the watched question with its answer before, at each look and after; only where it changed.

    `after` is that of `said_after`: where there is one it is the last. None without a watched row.
    """
    looks = [event for event in events if isinstance(event, EvalDone) and event.answer_text is not None]
    wanted = looks[-1].answer_id if looks else config.get("watch")
    row = next((each for each in _rows(config) if each.get("id") == wanted), None)
    if row is None:
        return None
    texts: list[Mapping[str, Any]] = [{"step": 0, "text": before}] if before is not None else []
    said: list[Mapping[str, Any]] = [{"step": event.step, "text": event.answer_text} for event in looks]
    said += [after] if after else []
    for each in said:
        if not texts or texts[-1]["text"] != each["text"] or each is said[-1]:
            texts.append(each)
    return {
        "question": row["question"],
        "expected": row["answer"],
        "gold": [list(span) for span in row.get("gold") or ()],
        "texts": texts[:1] + texts[1:][-MOST_TEXTS:],
    }


def said_before(config: Mapping[str, Any], probes: Any) -> str | None:
    """Return what the model said to the watched question before the run."""
    line = _watched(config, (probes or {}).get("before"))
    return line["answer"] if line else None


def said_after(config: Mapping[str, Any], probes: Any, last_step: int) -> dict[str, Any] | None:
    """Return what the probe after the run was told to the watched question; None before there is one.

    `{step, text, after}`, and in `after` its badge as key, words and tone.
    """
    before, after = ((probes or {}).get(key) or {} for key in ("before", "after"))
    line = _watched(config, after)
    if line is None:
        return None
    if before:  # the badge of this version, as on the Probe tab, with what its other wordings say
        of_row = [each for each in after["answers"] if each["row_id"] == line["row_id"]]
        line = _watched(config, with_badges(before, after | {"answers": of_row})) or line
    return {"step": last_step, "text": line["answer"], "after": judged(line)}


def _watched(config: Mapping[str, Any], report: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a report's answer to the watched question."""
    watched = ("forget", config.get("watch"))
    lines = (report or {}).get("answers", ())
    return next((line for line in lines if (line["kind"], line["row_id"]) == watched), None)


def run_of_now(states: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the run under way, else the one last heard of, whatever its number; None without runs."""
    active = next((state for state in states if state["state"] in LIVE[1:]), None)
    return active or max(states, key=_last_heard, default=None)


def _last_heard(state: Mapping[str, Any]) -> float:
    return float(state.get("ended") or state.get("queued") or 0.0)


def run_chip(states: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the chip: which run is current, and how far it is; `no run` without any."""
    shown = run_of_now(states)
    if shown is None:
        return {"text": "no run", "state": "", "run_id": ""}
    active = shown["state"] in LIVE[1:]
    waiting = sum(state["state"] == "queued" for state in states)
    more = f" · {waiting} waiting" if waiting else ""
    place = (
        f"{run_kind(shown).unit} {shown['step']} of {shown['steps']}"
        if shown["step"]
        else shown.get("message") or "starting"
    )
    stands = f"{run_kind(shown).done} ✓" if shown["state"] == "finished" else shown["state"]
    text = f"{shown['run_id']}: {place}" if active else f"{shown['run_id']} {stands}"
    return {"text": text + more, "state": str(shown["state"]), "run_id": str(shown["run_id"])}


def run_news(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the page tells beside the chip: `done` and `ended` runs, and `live`, the run under way.

    `done` are those that finished by themselves, `{run_id, see, on}` with where to see what came of it, in a
    sentence and by the tab; `ended` are the ids of these and of those that were kept;
    `live` is `{id, mask, control}`, the mask's hash in full and what the control is called that it is of, or
    None.
    """
    active = next((state for state in states if state["state"] in LIVE[1:]), None)
    return {
        "done": [
            {"run_id": state["run_id"], "see": run_kind(state).see, "on": run_kind(state).shown_on.lower()}
            for state in states
            if state["state"] == "finished"
        ],
        "ended": [state["run_id"] for state in states if state["state"] in ENDED],
        "live": _live(active) if active else None,
    }


def _live(state: Mapping[str, Any]) -> dict[str, str]:
    arm = state.get("arm") or CHOSEN
    control = "" if arm == CHOSEN else arm_words(arm)
    return {"id": state["run_id"], "mask": state.get("mask_hash") or "", "control": control}


def _rows(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = config.get("forget")
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
