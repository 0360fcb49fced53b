"""The chips and the beat: what has changed since the page last asked."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from app.actions.lesson import teaching
from app.service import Service
from app.sessions.load import Stage
from app.views.runs import LIVE, run_chip, run_line, run_news, seconds_left
from app.words import DISK_FULL, NO_TEMPLATE
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.runs.notes import note_version

LEAST_FREE: Final = 65_536  # bytes; a run's state is written beside the old one


def chips(service: Service) -> dict[str, Any]:
    """Return the value of the status chips."""
    return chips_of(service, service.queue.runs())


def chips_of(service: Service, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the value of the chips, of runs that were looked at just now."""
    session = service.sessions.session
    rows, why = session.fitting, trouble(service)
    more = f" · {len(rows.holdout)} held out" if rows.holdout else ""
    more += f" · {len(rows.choice)} with choices" if rows.choice else ""
    left_out = f" · {len(session.left_out)} left out" if session.left_out else ""
    return {
        "model": model_chip(service),
        "data": {
            "text": f"{len(rows.forget)} forget · {len(rows.retain)} retain{more}{left_out}",
            "detail": session.data_name,
        },
        "opening": opening(service),
        "held": service.sessions.stage.name == "held",
        "run": {**run_chip(runs), **run_news(runs), "line": live_line(service, runs)},
        "teaching": teaching(service, runs),
        "at": time.time(),
        # Where a disk takes nothing the page asks on: it has to hear when that is over.
        "busy": service.sessions.moving or _any_live(runs) or bool(why),
        "trouble": why,
        "ailments": service.health.found,
    }


def trouble(service: Service) -> str:
    """Return why the folder of runs cannot be read or written now, in a sentence; "" where it can."""
    if service.queue.trouble:
        return service.queue.trouble
    try:
        free = shutil.disk_usage(service.queue.store.root).free
    except OSError:
        return ""
    return "" if free >= LEAST_FREE else DISK_FULL.format(free=free)


def beat(service: Service) -> dict[str, Any]:
    """Return the chips, and a `stamp` that changes as soon as anything else on the page does.

    A page asks for it each second while something moves, and for the rest only where the stamp is another.
    """
    return beat_of(service, service.queue.runs())


def beat_of(service: Service, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the same of runs that were looked at just now."""
    # The chips first: where they say that nothing moves, the stamp is the last there is.
    return {**chips_of(service, runs), "stamp": _stamp(service, runs)}


def _stamp(service: Service, runs: Sequence[Mapping[str, Any]]) -> str:
    # But for the seconds of a wait, which the chips carry: a clock alone is no reason to draw all else.
    lines = [run_line(state) | {"text": run_line(state, now=0.0)["text"]} for state in runs]
    shown = [[line, probed(service, line["run_id"]), noted(service, line["run_id"])] for line in lines]
    live = [len(service.results.events(state["run_id"])) for state in runs if state["state"] in LIVE]
    return json.dumps([scores_signature(service), shown, live])


def scores_signature(service: Service) -> Any:
    """Return what changes when other scores are to be shown."""
    scores = service.shelf.newest()
    if scores is None:
        return service.sessions.stage.error or "none"
    return [scores.scores_id, scores.payload["state"], scores.known, scores.failures, dict(scores.fits)]


def probed(service: Service, run_id: str) -> bool:
    """Return whether the run has its probes."""
    return (service.queue.store.root / run_id / "probes.json").is_file()


def noted(service: Service, run_id: str) -> str:
    """Return what changes with each save of a run's note."""
    return note_version(service.queue.store.root / run_id)


def model_chip(service: Service) -> dict[str, Any]:
    """Return the model, adapter and precision, or how far loading has come, or why it failed."""
    stage, model = service.sessions.stage, service.sessions.session.model
    if stage.name in ("live", "held") and model is not None:
        made = model.provenance()
        adapter = _run_of(service) or made["adapter"].split("@")[0]
        name = Path(made["model"]).name
        text = f"{name} + {adapter}" if adapter != "none" else name
        plain = "" if model.tokenizer.chat_template else f". {NO_TEMPLATE}"
        detail = ". ".join((f"Adapter: {made['adapter']}{plain}", *model.notes))
        stopped = " · scoring stopped" if stage.name == "held" else ""
        return {"text": f"{text} · {made['precision']}{stopped}", "detail": detail, "state": "live"}
    if stage.name == "error":
        return {"text": "model not loaded", "detail": stage.error, "state": "error"}
    if stage.name == "recorded":
        return {"text": "no model loaded", "detail": "Open one here", "state": "recorded"}
    return {"text": stage_words(stage), "detail": "", "state": stage.name}


def _run_of(service: Service) -> str:
    """Return the run whose adapter is open, "" where it is another one: all of them are called `adapter`."""
    adapter = service.sessions.session.adapter
    folder = Path(adapter).resolve().parent if adapter else None
    return folder.name if folder is not None and folder.parent == service.queue.store.root else ""


def stage_words(stage: Stage) -> str:
    """Return the stage as a person reads it, with its seconds: `scoring, 40 %, 3 s so far`."""
    share = f"{stage.share:.0%}".replace("%", " %")
    words = {"loading": "loading the model", "scoring": f"scoring, {share}"}
    if stage.name == "loading" and 0 < stage.share < 1:
        words["loading"] = f"fetching the model, {share}"
    return f"{words.get(stage.name, stage.name)}, {stage.seconds:.0f} s so far"


def opening(service: Service) -> dict[str, Any] | None:
    """Return what is being opened or failed: `{text, state, error, model, data, keeps}`; None for nothing.

    `keeps` says whether a model can be used meanwhile. The session that the page starts with counts until it
    has its model.
    """
    load = service.sessions.opening
    if (
        load is None
        and service.sessions.session.model is None
        and service.sessions.stage.name in ("loading", "error")
    ):
        load = service.sessions.current
    if load is None:
        return None
    stage, session = load.stage, load.session
    name = session.model_name or EMBEDDED_NAME
    return {
        "text": stage_words(stage) if stage.moving else "",
        "state": stage.name,
        "error": stage.error,
        "model": Path(name).name if Path(name).is_absolute() else name,
        "data": session.data_name,
        "keeps": service.sessions.session.model is not None,
    }


def busy(service: Service) -> bool:
    """Return whether anything may change by itself: then the page has to ask again."""
    return service.sessions.moving or _any_live(service.queue.runs())


def live_line(service: Service, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the line of the run under way as it is at this moment; None where none is."""
    active = next((state for state in runs if state["state"] in LIVE[1:]), None)
    if active is None:
        return None
    return run_line(active, seconds_left(active, service.results.events(active["run_id"])))


def _any_live(runs: Sequence[Mapping[str, Any]]) -> bool:
    return any(state["state"] in LIVE for state in runs)


def steps_signature(runs: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return what else decides what is said of runs under way: how far each has come, and with what."""
    live = [state for state in runs if state["state"] in LIVE]
    return [[state["run_id"], state["step"], state.get("message") or ""] for state in live]


def arms_signature(runs: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return how many arms each sweep under way has measured: its table grows with each."""
    live = [state for state in runs if state["state"] in LIVE]
    return [[state["run_id"], state["step"]] for state in live if state.get("kind") == "sweep"]


def runs_signature(service: Service, runs: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return what decides the lists of runs: ids, states, whether they have their probes, and their notes."""
    ids = [(state["run_id"], state["state"]) for state in runs]
    return [[run_id, state, probed(service, run_id), noted(service, run_id)] for run_id, state in ids]
