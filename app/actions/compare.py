"""What the Compare tab shows: every run with its numbers and settings, read from its folder."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from app.actions.probe import Beside
from app.actions.status import probed
from app.service import Service
from app.views.compare import compare_line
from app.views.probe import columns
from app.views.runs import seconds_left
from app.words import NO_COMPARE
from tokenunlearn.data.rows import SPLITS
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.rivals import RIVALS, check_rival
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.settings import to_dict

if TYPE_CHECKING:
    from tokenunlearn.experiments.runner import ArmResult

# What a rival takes over of the run that it is to stand beside.
SHARED: Final = ("set", "model", "adapter", "precision", *SPLITS, "probes")


def runs(service: Service) -> dict[str, Any]:
    """Return the value of the runs view, newest first."""
    lines = [_line(service, state) for state in service.queue.runs() if run_kind(state).leaves]
    rivals = [
        {"name": name, "label": entry.label, "help": f"{entry.help}. Source: {entry.source}."}
        for name, entry in RIVALS.items()
    ]
    sweeps = [_sweep(service, state) for state in service.queue.runs() if state.get("kind") == "sweep"]
    return {
        "runs": lines,
        "sweeps": sweeps,
        "columns": columns(),
        "rivals": rivals,
        "empty": "" if sweeps else NO_COMPARE,
    }


def start_rival(service: Service, wanted: Beside) -> str:
    """Return the id of the queued run of a rival on the model and rows of another run.

    Raises RunError for an unknown run, SettingError and InputError as the rival says.
    """
    name, config = wanted.name, service.queue.store.config(wanted.run_id)
    settings = to_dict(check_rival(name, rows_of(config), {}))
    kept: dict[str, Any] = {key: config[key] for key in SHARED if key in config}
    label = f"{config.get('set') or 'rows'}, {RIVALS[name].label}"
    return service.queue.start_run(
        {**kept, "name": label, "arm": name, "rival": {"name": name, "settings": settings}}
    )


def _sweep(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return one sweep; its measurements are read again only when the run has changed."""
    run_id = state["run_id"]
    now = [state[name] for name in ("created", "state", "step", "message")]
    known, value = service.compared.get(run_id, (None, {}))
    if known != now:
        from app.views.sweeps import sweep_view
        from tokenunlearn.experiments.results import stored_results
        from tokenunlearn.runs.sweep_job import FILE

        file, fault = service.queue.store.path(run_id) / FILE, ""
        results: list[ArmResult] = []
        try:
            if file.is_file():
                results = stored_results(file.read_bytes().decode(errors="replace"), str(file))
        except TokenUnlearnError as error:
            fault = str(error)
        events = service.results.events(run_id)
        value = sweep_view(state, results, events, seconds_left(state, events))
        value["notes"] = [*([fault] if fault else []), *value["notes"]]
        service.compared[run_id] = (now, value)
    return value


def _line(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return one run's line; its files are read again only when the run has changed."""
    run_id = state["run_id"]
    now = [state["created"], state["state"], state["step"], probed(service, run_id)]
    known, line = service.compared.get(run_id, (None, {}))
    if known != now:
        store = service.queue.store
        line = compare_line(state, store.config(run_id), store.read_json(run_id, "probes.json"))
        service.compared[run_id] = (now, line)
    return line
