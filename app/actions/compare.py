"""What the Compare tab shows: every run and sweep with its figures and settings, read from its folder."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from app.actions.probe import Beside
from app.actions.status import probed
from app.actions.unlearn import series_of
from app.requests import text
from app.service import Service
from app.sessions.session import DEMO, TARGET
from app.views.bench import bench_of, told_apart
from app.views.compare import compare_line, said
from app.views.figures import figures
from app.views.run_settings import Said, settings_words, titles, what_differs
from app.views.runs import run_line, seconds_left
from app.words import NO_COMPARE, ONE_SEED_EACH, RECORDED_SWEEP, RECORDED_SWEEP_SAYS
from tokenunlearn.data.rows import SPLITS
from tokenunlearn.documents.words import WORLD_KEPT
from tokenunlearn.errors import InputError, TokenUnlearnError
from tokenunlearn.experiments.arms import GOLD
from tokenunlearn.experiments.planned import CONTROLS
from tokenunlearn.probes.readings import SUCCESS
from tokenunlearn.rivals import RIVALS, check_rival
from tokenunlearn.runs.artifact import ADAPTER, read_artifact
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.notes import RunNote, note_version, read_note
from tokenunlearn.runs.run_rows import rows_of, world_kept
from tokenunlearn.runs.states import ENDED
from tokenunlearn.settings import to_dict

if TYPE_CHECKING:
    from tokenunlearn.experiments.planned import Plan
    from tokenunlearn.experiments.runner import ArmResult
    from tokenunlearn.training.origin import Origin

MOST_RUNS: Final = 500
RECORDED: Final = "recorded"
# What a rival takes over of the run that it is to stand beside.
SHARED: Final = ("set", "data_name", "model", "adapter", "weights", "precision", *SPLITS, "probes")


def ids_given(value: Any, name: str) -> tuple[str, ...]:
    """Return the ids of runs. Raises InputError."""
    if not isinstance(value, list) or len(value) > MOST_RUNS:
        raise InputError(f"{name} must be a list of runs", f"At most {MOST_RUNS} are taken")
    return tuple(dict.fromkeys(text(40)(each, "A run") for each in value))


@dataclass(frozen=True, kw_only=True)
class RunsGiven:
    """Some runs or sweeps, in the order in which they were ticked."""

    runs: Annotated[tuple[str, ...], ids_given]


def runs(service: Service) -> dict[str, Any]:
    """Return the value of the compare view, newest first."""
    states, aside = service.queue.runs(), service.queue.store.aside()
    lines = named([_line(service, state) for state in states if run_kind(state).leaves])
    sweeps = named([_sweep(service, state) for state in states if state.get("kind") == "sweep"])
    rivals = [
        {"name": name, "label": entry.label, "help": f"{entry.help}. Source: {entry.source}."}
        for name, entry in RIVALS.items()
    ]
    recorded = [] if lines or sweeps else _recorded(service)
    benches = iter(told_apart([each["bench"] for each in (*lines, *sweeps, *recorded)]))
    lines, sweeps, recorded = (
        [{**each, "bench": next(benches)} for each in part] for part in (lines, sweeps, recorded)
    )
    return {
        "runs": [_noted(service, line) for line in lines],
        "sweeps": [_noted(service, sweep) for sweep in sweeps] or recorded,
        "discarded": [{name: each[name] for name in ("run_id", "name", "state")} for each in aside],
        "figures": figures(),
        "success": SUCCESS,
        "rivals": rivals,
        "verdict": "" if sweeps or len(lines) < 2 else ONE_SEED_EACH,
        "empty": "" if sweeps or lines or recorded else NO_COMPARE,
    }


def named(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines with `title`, what each is called among them."""
    settings = {
        line["run_id"]: {key: Said(*words) for key, words in line["settings"].items()} for line in lines
    }
    found = titles({line["run_id"]: line["name"] for line in lines}, what_differs(settings))
    return [{**line, "title": found[line["run_id"]]} for line in lines]


def _noted(service: Service, line: dict[str, Any]) -> dict[str, Any]:
    """Return a line with what a person wrote on its run, and whether it has an adapter to take along."""
    directory = service.queue.store.root / line["run_id"]
    note, fault = read_note(directory)
    return {
        **line,
        "note": {**note_given(note, note_version(directory)), "fault": fault},
        "adapter": line["state"] in ENDED and _has_adapter(directory),
    }


def note_given(note: RunNote, version: str) -> dict[str, Any]:
    """Return a run's note as it crosses to the page, `{name, tags, text, version}`."""
    return {"name": note.name, "tags": list(note.tags), "text": note.text, "version": version}


def _has_adapter(directory: Path) -> bool:
    """Return whether a run left an adapter; a damaged folder is no reason to show no runs."""
    with suppress(TokenUnlearnError):
        artifact = read_artifact(directory)
        return artifact is not None and artifact.kind == ADAPTER
    return False


def curves(service: Service, ticked: RunsGiven) -> dict[str, Any]:
    """Return the curves of some runs, `{series}`. Raises RunError for an unknown run."""
    store = service.queue.store
    return {
        "series": [
            series_of(service, store.state(run_id), store.known_probes(run_id)) for run_id in ticked.runs
        ]
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


def measured(service: Service, run_id: str) -> "list[ArmResult]":
    """Return what a sweep has measured so far. Raises RunError for a damaged file."""
    from tokenunlearn.experiments.results import read_results
    from tokenunlearn.runs.sweep_job import FILE

    return read_results(service.queue.store.path(run_id) / FILE)


def origin_of(service: Service, run_id: str) -> "Origin":
    """Return what the measurements of a sweep share. Raises RunError for a damaged file."""
    from tokenunlearn.experiments.results import read_head
    from tokenunlearn.runs.sweep_job import FILE

    return read_head(service.queue.store.path(run_id) / FILE)[0]


def planned(service: Service, run_id: str) -> "Plan | None":
    """Return the comparisons that were named for a sweep. Raises RunError for a damaged file."""
    from tokenunlearn.experiments.results import read_plan
    from tokenunlearn.runs.sweep_job import FILE

    return read_plan(service.queue.store.path(run_id) / FILE)


def _recorded(service: Service) -> list[dict[str, Any]]:
    """Return the recorded sweep, which stands there before anyone has trained; none where there is none."""
    file = service.options.sweep
    results: list[ArmResult] = []
    known, value = service.compared.get(RECORDED, (None, {}))
    if known is None and file is not None:
        from tokenunlearn.documents.summary import sweep_view
        from tokenunlearn.experiments.results import how_measured, read_head, read_results

        length = ""
        with suppress(TokenUnlearnError):  # a damaged one is no reason to show no page
            results = read_results(file)
            length = f" {how_measured(read_head(file)[0], results)}." if results else ""
        value = {
            **sweep_view(results, []),
            "run_id": RECORDED,
            "name": RECORDED_SWEEP,
            "state": "recorded",
            "text": RECORDED_SWEEP_SAYS + length,
            "settings": {},
            "bench": bench_of({"data_name": DEMO, "adapter": str(TARGET)}),
            "recorded": True,
        }
        service.compared[RECORDED] = (True, value)
    return [value] if value and value["lines"] else []


def _sweep(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return one sweep; its measurements are read again only when the run has changed."""
    run_id = state["run_id"]
    now = [state[name] for name in ("created", "state", "step")]
    known, value = service.compared.get(run_id, (None, {}))
    if _changed(service, known, now):
        from tokenunlearn.documents.summary import sweep_view
        from tokenunlearn.experiments.results import how_measured

        plan: Plan | None = None
        results, faults, config = [], list[str](), service.queue.store.known_config(run_id)
        length: list[str] = []
        try:
            results, plan = measured(service, run_id), planned(service, run_id)
            length = [how_measured(origin_of(service, run_id), results)] if results else []
        except TokenUnlearnError as error:
            faults.append(str(error))
        value = {
            **sweep_view(results, service.results.events(run_id), plan),
            "settings": said(settings_words(config)),
            "bench": bench_of(config),
            "created": state.get("created"),
        }
        same = [WORLD_KEPT] if world_kept(config) else []
        value["notes"] = [*faults, *same, *value["notes"], *length]
        service.compared[run_id] = (now, value)
    line = run_line(state, seconds_left(state, service.results.events(run_id)))
    return _with_faults(service, {**line, **value})


def _line(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return one run's line; its files are read again only when the run has changed."""
    run_id = state["run_id"]
    # The state too: probes.json is there from before the first step, and whole at the end.
    now = [state["created"], state["state"], state["step"], probed(service, run_id)]
    known, line = service.compared.get(run_id, (None, {}))
    if _changed(service, known, now):
        store = service.queue.store
        config, probes = store.known_config(run_id), store.known_probes(run_id)
        line = {**compare_line(state, config, probes), "bench": bench_of(config)}
        line["says"] = [
            *([WORLD_KEPT] if world_kept(config) else []),
            *_trains_the_fact(service, run_id, config),
        ]
        service.compared[run_id] = (now, line)
    return _with_faults(service, {**run_line(state), **line})


def _trains_the_fact(service: Service, run_id: str, config: Mapping[str, Any]) -> list[str]:
    """Return how many of the tokens of a control are the fact: one that trains it as well is none.

    Of the marked facts that needs no saying.
    """
    if config.get("arm") not in CONTROLS or config.get("arm") == GOLD:
        return []
    from tokenunlearn.documents.sources import facts_of_run

    with suppress(TokenUnlearnError):  # a damaged mask is told where it is opened
        if found := facts_of_run(service.queue.store.path(run_id), config):
            return [f"{found[0]} of the {found[1]} tokens that it trains are the fact itself"]
    return []


def _changed(service: Service, known: Any, now: Any) -> bool:
    """Return whether a run has to be read again; what was read stands while the folder of runs is gone."""
    return bool(known != now and (known is None or service.queue.store.root.is_dir()))


def _with_faults(service: Service, line: dict[str, Any]) -> dict[str, Any]:
    """Return a line with what is wrong with the files of its run, which may have changed since."""
    faults = service.results.faults(line["run_id"])
    said = dict.fromkeys([line["text"], *faults, *line.get("says", ())])
    return {**line, "faults": faults, "text": ". ".join(said)}
