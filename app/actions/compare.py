"""What the Compare tab shows: every run and sweep with its figures and settings, read from its folder."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from app.actions.probe import Beside
from app.actions.status import probed
from app.service import Service
from app.views.compare import compare_line, said
from app.views.figures import figures
from app.views.run_settings import Said, settings_words, titles, what_differs
from app.views.runs import run_line, seconds_left
from app.words import NO_COMPARE, ONE_SEED_EACH
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
    """Return the value of the compare view, newest first."""
    states = service.queue.runs()
    lines = named([_line(service, state) for state in states if run_kind(state).leaves])
    sweeps = named([_sweep(service, state) for state in states if state.get("kind") == "sweep"])
    rivals = [
        {"name": name, "label": entry.label, "help": f"{entry.help}. Source: {entry.source}."}
        for name, entry in RIVALS.items()
    ]
    return {
        "runs": lines,
        "sweeps": sweeps,
        "figures": figures(),
        "rivals": rivals,
        "verdict": "" if sweeps or len(lines) < 2 else ONE_SEED_EACH,
        "empty": "" if sweeps or lines else NO_COMPARE,
    }


def named(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines with `title`, what each is called among them."""
    settings = {
        line["run_id"]: {key: Said(*words) for key, words in line["settings"].items()} for line in lines
    }
    found = titles({line["run_id"]: line["name"] for line in lines}, what_differs(settings))
    return [{**line, "title": found[line["run_id"]]} for line in lines]


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


def measured(service: Service, run_id: str) -> "list[ArmResult]":
    """Return what a sweep has measured so far. Raises RunError for a damaged file."""
    from tokenunlearn.experiments.results import read_results
    from tokenunlearn.runs.sweep_job import FILE

    return read_results(service.queue.store.path(run_id) / FILE)


def _sweep(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return one sweep; its measurements are read again only when the run has changed."""
    run_id = state["run_id"]
    now = [state[name] for name in ("created", "state", "step")]
    known, value = service.compared.get(run_id, (None, {}))
    if known != now:
        from tokenunlearn.documents.summary import sweep_view

        results, fault = [], ""
        try:
            results = measured(service, run_id)
        except TokenUnlearnError as error:
            fault = str(error)
        config = service.queue.store.config(run_id)
        value = {
            **sweep_view(results, service.results.events(run_id)),
            "settings": said(settings_words(config)),
            "created": state.get("created"),
        }
        value["notes"] = [*([fault] if fault else []), *value["notes"]]
        service.compared[run_id] = (now, value)
    return {**run_line(state, seconds_left(state, service.results.events(run_id))), **value}


def _line(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return one run's line; its files are read again only when the run has changed."""
    run_id = state["run_id"]
    now = [state["created"], state["step"], probed(service, run_id)]
    known, line = service.compared.get(run_id, (None, {}))
    if known != now:
        store = service.queue.store
        line = compare_line(state, store.config(run_id), store.read_json(run_id, "probes.json"))
        service.compared[run_id] = (now, line)
    return {**run_line(state), **line}
