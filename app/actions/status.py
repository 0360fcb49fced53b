"""The chips and the pulse: what has changed since the page last asked."""

import time
from pathlib import Path
from typing import Any

from app.service import Service
from app.views.runs import LIVE, run_chip, run_news


def chips(service: Service) -> dict[str, Any]:
    """The value of the status chips."""
    rows, runs = service.rows, service.queue.runs()
    return {
        "model": model_chip(service),
        "data": {"text": f"{len(rows.forget)} forget · {len(rows.retain)} retain"},
        "run": {**run_chip(runs), **run_news(runs)},
        "at": time.time(),
        "busy": busy(service),
    }


def model_chip(service: Service) -> dict[str, Any]:
    """Model, adapter and precision, or how far loading has come, or why it failed."""
    stage = service.stage
    if stage.name == "live":
        made = service.model().provenance()
        adapter = made["adapter"].split("@")[0]
        name = Path(made["model"]).name
        text = f"{name} + {adapter}" if adapter != "none" else name
        return {"text": f"{text} · {made['precision']}", "detail": made["adapter"], "state": "live"}
    if stage.name == "error":
        return {"text": "model not loaded", "detail": stage.error, "state": "error"}
    if stage.name == "recorded":
        return {"text": "no model loaded", "detail": "Started with --no-model", "state": "recorded"}
    words = {"loading": "loading the model", "scoring": f"scoring, {stage.share:.0%}".replace("%", " %")}
    return {"text": f"{words[stage.name]} · {stage.seconds:.0f} s", "detail": "", "state": stage.name}


def busy(service: Service) -> bool:
    """Whether anything may change by itself: then the page has to ask again."""
    if service.stage.name in ("loading", "scoring"):
        return True
    return any(state["state"] in LIVE for state in service.queue.runs())


def runs_signature(service: Service) -> list[list[str]]:
    """What decides the lists of runs: ids and states."""
    return [[state["run_id"], state["state"]] for state in service.queue.runs()]
