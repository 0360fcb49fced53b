"""What is done to a run by a run of its own, such as an attack: its line while it goes on."""

from typing import Any

from app.service import Service
from app.views.runs import BROKEN, run_line
from tokenunlearn.runs.kinds import done_to
from tokenunlearn.runs.states import ENDED


def under_way(service: Service, run_id: str, kind: str, name: str | None = None) -> dict[str, Any] | None:
    """Return the line of what goes on of a kind on a run, or of the newest one if that is broken.

    `name`: which of its kind, such as the attack's.
    """
    of_run = []
    for state in service.queue.runs():
        if state.get("kind") != kind:  # its config, with all its rows, need not be read
            continue
        config = service.queue.store.known_config(state["run_id"])
        if done_to(config) == run_id and config[kind].get("name") == name:
            of_run.append(state)
    goes_on = [state for state in of_run if state["state"] not in (*ENDED, *BROKEN)]
    broken = [state for state in of_run[:1] if state["state"] in BROKEN]
    return next((run_line(state) for state in (*goes_on, *broken)), None)


def begins(line: dict[str, Any] | None) -> bool:
    """Return whether another one may begin: none goes on."""
    return line is None or line["state"] in BROKEN


def run_of(service: Service, run_id: str) -> str:
    """Return the run to show where this one is named: what is done to another run has its result there."""
    return done_to(service.queue.store.config(run_id)) or run_id
