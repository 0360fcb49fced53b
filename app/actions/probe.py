"""What the Probe tab can do: show a run's probes, and put one free question to the model before and after."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from app.actions.checks import MOST_TEXT, text
from app.service import Service
from app.views.probe import probe_value
from app.views.runs import run_line
from app.words import NO_PROBE
from tokenunlearn.errors import RunError
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.runs.states import ENDED

MOST_NEW_TOKENS: Final = 64


def run_choices(service: Service) -> list[tuple[str, str]]:
    """The runs to pick from, newest first: (label, run id)."""
    return [
        (f"{state['name']} · {state['run_id']} · {state['state']}", state["run_id"])
        for state in service.queue.runs()
    ]


def newest(service: Service) -> str | None:
    """The id of the newest run that was probed to its end, else of the newest one; None without runs."""
    states = service.queue.runs()
    ended = [state["run_id"] for state in states if state["state"] in ENDED]
    return next(iter([*ended, *(state["run_id"] for state in states)]), None)


def show(service: Service, run_id: str | None) -> dict[str, Any]:
    """The value of the probe view for a run; the recorded one, or a sentence, when there is none.

    Raises RunError for an unknown run.
    """
    if not run_id:
        recorded = service.recorded.get("run") or {}
        if recorded.get("probes"):
            run = {"run_id": "recorded", "name": "recorded example", "state": "finished"}
            rows = [asdict(row) for row in service.rows.forget]
            return probe_value(run, {"forget": rows}, recorded["probes"])
        return {"run": None, "answers": [], "empty": NO_PROBE}
    store = service.queue.store
    state = store.state(run_id)
    return probe_value(run_line(state), store.config(run_id), store.read_json(run_id, "probes.json"))


def ask(service: Service, run_id: Any, question: Any) -> dict[str, str]:
    """The greedy answers of the model before and after a run: `{question, before, after}`.

    Raises InputError for an empty or overlong question, RunError and ModelError where a model is missing or
    another one than the run's is open.
    """
    values = {"run": run_id, "question": question}
    asked = text(values, "question", MOST_TEXT).strip()
    before = service.model()
    refuse_other_model(service, text(values, "run", 40))
    after = service.run_model(text(values, "run", 40))
    with service.model_lock:
        answers = [model.generate([asked], MOST_NEW_TOKENS)[0] for model in (before, after)]
    return {"question": asked, "before": answers[0], "after": answers[1]}


def refuse_other_model(service: Service, run_id: str) -> None:
    """Nothing; raises RunError when the open model is not the one that the run began with."""
    config, session = service.queue.store.config(run_id), service.session
    began = (config.get("model", session.model_name), _folder(config.get("adapter", session.adapter)))
    if began != (session.model_name, _folder(session.adapter)):
        name = f"{began[0] or EMBEDDED_NAME}" + (f" with {began[1].name}" if began[1] else "")
        raise RunError(
            f"{run_id} began with {name}", "Another model is open, so there is no before", f"Open {name}"
        )


def _folder(adapter: str | None) -> Path | None:
    return Path(adapter).resolve() if adapter else None
