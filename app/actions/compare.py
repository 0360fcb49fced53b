"""What the Compare tab shows: every run with its numbers and settings, read from its folder."""

from typing import Any

from app.service import Service
from app.views.compare import compare_line
from app.words import NO_COMPARE


def runs(service: Service) -> dict[str, Any]:
    """The value of the runs view, newest first."""
    store = service.queue.store
    lines = []
    for state in service.queue.runs():
        run_id = state["run_id"]
        lines.append(compare_line(state, store.config(run_id), store.read_json(run_id, "probes.json")))
    return {"runs": lines, "empty": NO_COMPARE}
