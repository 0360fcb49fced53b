"""What the Compare tab shows: every run with its numbers and settings, read from its folder."""

from collections.abc import Mapping
from typing import Any

from app.actions.status import probed
from app.service import Service
from app.views.compare import compare_line
from app.views.probe import columns
from app.words import NO_COMPARE


def runs(service: Service) -> dict[str, Any]:
    """The value of the runs view, newest first."""
    lines = [_line(service, state) for state in service.queue.runs()]
    return {"runs": lines, "columns": columns(), "empty": NO_COMPARE}


def _line(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """One run's line; its files are read again only when the run is another one than it was."""
    run_id = state["run_id"]
    now = [state["created"], state["state"], state["step"], probed(service, run_id)]
    known, line = service.compared.get(run_id, (None, {}))
    if known != now:
        store = service.queue.store
        line = compare_line(state, store.config(run_id), store.read_json(run_id, "probes.json"))
        service.compared[run_id] = (now, line)
    return line
