"""What the Probe tab can do: show a run's probes, and put one free question to the model before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

from app.actions.depth import depth_value
from app.actions.done_to import begins, under_way
from app.actions.measure import found
from app.requests import MOST_TEXT, RunId, text
from app.service import Service
from app.views.probe import beside_figures, judged, probe_value
from app.views.run_settings import namesakes
from app.views.runs import run_line
from app.words import NO_CHOICE, NO_PROBE, RECORDED_CHOICE
from tokenunlearn.attacks import ATTACKS, check_attack
from tokenunlearn.errors import RunError
from tokenunlearn.experiments.planned import CONTROLS
from tokenunlearn.metrics.fluency import fluency
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.models.language_model import LONGEST
from tokenunlearn.probes.badges import Said, by_itself
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.evidence import judged as judge
from tokenunlearn.probes.one_question import asked_of_both, row_asking
from tokenunlearn.probes.report import FACT_GIVEN, fluency_bound, fluency_said
from tokenunlearn.runs.artifact import ADAPTER, adapter_words, read_artifact
from tokenunlearn.runs.attack_job import results_in, subject_of_run
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.run_probes import longest_in, probes_of
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.states import ENDED
from tokenunlearn.settings import to_dict

Runs = Sequence[Mapping[str, Any]]
NO_RUN_ID: Final = ""  # in the menu, while there is no run
TOLD_APART: Final = 30  # runs, the newest first: each needs its settings read


@dataclass(frozen=True, kw_only=True)
class Beside:
    """An entry of a registry, by its `name`, that shall be run on another run."""

    run_id: RunId
    name: Annotated[str, text(40)]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of the reader's own, to the model before and after a run."""

    run: RunId
    question: Annotated[str, text(MOST_TEXT)]


def run_choices(service: Service) -> list[tuple[str, str]]:
    """Return the runs to pick from, newest first: (label, run id); without any what stands there instead."""
    states = {state["run_id"]: state for state in _probed_runs(service)}
    if not states:
        return [(RECORDED_CHOICE if _recorded(service) else NO_CHOICE, NO_RUN_ID)]
    newest_of_all = list(states)[:TOLD_APART]
    apart = namesakes(
        {run_id: states[run_id]["name"] for run_id in newest_of_all},
        {run_id: service.queue.store.known_config(run_id) for run_id in newest_of_all},
    )
    return [
        (" · ".join(filter(None, (state["name"], run_id, apart.get(run_id), state["state"]))), run_id)
        for run_id, state in states.items()
    ]


def _probed_runs(service: Service, runs: Runs | None = None) -> list[Mapping[str, Any]]:
    """Return all runs with a result of their own, newest first: an attack's lies with the run it attacks."""
    kinds = ((state, run_kind(state)) for state in (service.queue.runs() if runs is None else runs))
    return [state for state, kind in kinds if kind.leaves or kind.finds]


def results(service: Service, runs: Runs | None = None) -> list[str]:
    """Return the ids of the runs that ended with results, the newest result first."""
    ended = [state for state in _probed_runs(service, runs) if state["state"] in ENDED]
    return [state["run_id"] for state in sorted(ended, key=lambda state: -(state.get("ended") or 0.0))]


def newest(service: Service, runs: Runs | None = None) -> str | None:
    """Return the id of the run to open on: that with the newest result, else the newest run; None without.

    A control is read beside the run that it was started with, so that one is opened in its place. `runs` are
    their states where they were looked at just now.
    """
    known = service.queue.runs() if runs is None else runs
    probed = {state["run_id"]: state for state in _probed_runs(service, known)}
    with_results = results(service, known)
    latest = next(iter([*with_results, *probed]), None)
    if latest is None or probed[latest].get("arm") not in CONTROLS:
        return latest
    among = set(with_results or probed)  # a control's result is more than none
    group = probed[latest].get("group")
    beside = [each for each, of in probed.items() if group and of.get("group") == group and each in among]
    return beside[-1] if beside else latest  # a start begins with its own tokens, whatever found them


def show(service: Service, run_id: str | None) -> dict[str, Any]:
    """Return the value of the probe view for a run; the recorded one, or a sentence, when there is none.

    `other` is the newest result where that is another run's: `{run_id, words, label}`, else None. Raises
    RunError for an unknown run.
    """
    if not run_id:
        if recorded := _recorded(service):
            run = {"run_id": "recorded", "name": "recorded example", "state": "finished"}
            rows = [asdict(row) for row in service.sessions.session.rows.forget]
            return probe_value(run, {"forget": rows}, recorded)
        return {"run": None, "answers": [], "empty": NO_PROBE}
    store = service.queue.store
    state = store.state(run_id)
    if run_kind(state).finds:
        line, (result, fault) = run_line(state), found(service, run_id, str(state["kind"]))
        empty = "" if result else f"{run_id}: {fault or line['text']}."
        other = _other(service, run_id, bool(empty))
        return {"run": line, "answers": [], "empty": empty, "other": other, "found": result}
    value = probe_value(run_line(state), store.config(run_id), store.probes(run_id))
    other = _other(service, run_id, bool(value["empty"]))
    beside = {"attacks": attacks(service, run_id), "depth": depth_value(service, run_id)}
    return {**value, "other": other, **beside}


def _recorded(service: Service) -> Mapping[str, Any] | None:
    """Return the probes of the recorded run; None where there is none."""
    return (service.recorded.get("run") or {}).get("probes") or None


def attacks(service: Service, run_id: str) -> list[dict[str, Any]]:
    """Return what each attack found on an ended run.

    `[{name, label, help, under_way, begins, results, fault}]`.

    Empty where nothing can be attacked: before the run has ended, and on a rival, which changes no weights.
    `under_way` is the line of an attack that has not ended, with its buttons; beside one that is broken
    another `begins`. `fault` says why the results cannot be read, "" where they can.
    """
    store = service.queue.store
    state, artifact = store.state(run_id), read_artifact(store.path(run_id))
    if state["state"] not in ENDED or artifact is None or artifact.kind != ADAPTER:
        return []
    found, fault = [], ""
    try:
        found = results_in(store.path(run_id))[::-1]
    except RunError as error:  # what was probed is shown all the same
        fault = str(error)
    lines = {name: under_way(service, run_id, "attack", name) for name in ATTACKS}
    return [
        {
            "name": name,
            "label": entry.label,
            "help": f"{entry.help}. Source: {entry.source}.",
            "under_way": line,
            "begins": begins(line),
            "fault": fault,
            "results": [each for each in found if each.get("attack") == name],
        }
        for (name, line), entry in zip(lines.items(), ATTACKS.values(), strict=True)
    ]


def attack(service: Service, wanted: Beside) -> str:
    """Return the id of the queued run that attacks another one with the defaults.

    Raises RunError where that run has no adapter, SettingError and InputError as the attack says.
    """
    of, name = wanted.run_id, wanted.name
    store = service.queue.store
    config = store.config(of)
    subject = subject_of_run(store.path(of), config, store.path(of))
    settings = to_dict(check_attack(name, subject.rows, {}))
    label = ATTACKS[name].label
    return service.queue.start_run(
        {"name": f"{of}, {label.lower()}", "attack": {"name": name, "settings": settings, "of": of}}
    )


def _other(service: Service, shown: str, empty: bool) -> dict[str, str] | None:
    """Return the newest result, offered beside an older one, and in the place of a run that has none."""
    latest = next(iter(results(service)), None)
    if latest is None or latest == shown:
        return None
    if empty:
        state = service.queue.store.state(latest)["state"]
        return {"run_id": latest, "words": "", "label": f"Show {latest}, {state}"}
    return {"run_id": latest, "words": f"Newer result: {latest}.", "label": "Show it"}


def ask(service: Service, wanted: Question) -> dict[str, Any]:
    """Return the greedy answers of the model before and after a run.

    `{run, question, row, given, before, after}`: `given` says what the probability of a fact is. Each answer
    is `{text, cut, fluency, fact_joint, fact_said, fluency_said}`: `cut` is the number of tokens at which it
    was, 0 where it ended by itself; the fluency is in nats per token; None is not measured. The one after has
    its badge (`judged`). `row`: which row asks this, "" where none does: then there is no fact to judge by.

    Raises RunError and ModelError where a model is missing or another one than the run's is open.
    """
    asked = wanted.question.strip()
    store = service.queue.store
    if run_kind(store.state(wanted.run)).finds:
        what, why = f"{wanted.run} has left no model", "It measured and trained nothing"
        raise RunError(what, why, "Pick a run that has trained")
    before = service.sessions.model()
    refuse_other_model(service, wanted.run)
    after = service.results.model(wanted.run)
    config, probes = store.config(wanted.run), store.known_probes(wanted.run) or {}
    settings = _as_probed(config, probes)
    longest = settings.max_new_tokens or LONGEST
    bound = fluency_bound(probes["before"]) if probes.get("before") else None
    asking = row_asking(rows_of(config), asked)
    with service.sessions.model_lock:
        if asking:
            lines = asked_of_both((before, after), asking, asked, settings, bound)
            sides = [_side(line, longest) for line in lines]
            sides[1] |= judged(lines[1])
        else:
            sides = [_said(model, asked, longest) for model in (before, after)]
            alone = by_itself(Said(sides[1]["text"], None, sides[1]["fluency"]), bound)
            sides[1] |= judged({"badge": alone, "kind": ""})
    row = asking[1].id if asking else ""
    given = f"{FACT_GIVEN}." if any(side.get("fact_joint") is not None for side in sides) else ""
    both = {"before": sides[0], "after": sides[1]}
    return {"run": wanted.run, "question": asked, "row": row, "given": given, **both}


def _as_probed(config: Mapping[str, Any], probes: Mapping[str, Any]) -> ProbeSettings:
    """Return the settings that a run was probed with, and the longest answer that it was given."""
    longest = longest_in(probes.get("after") or probes.get("before") or {}, config)
    return replace(probes_of(config), max_new_tokens=longest)


def _side(line: Mapping[str, Any], longest: int) -> dict[str, Any]:
    found = {name: line.get(name) for name in ("fluency", "fact_joint")}
    text = {"text": line["answer"], "cut": longest if line.get("cut") else 0}
    return {**text, **found, **beside_figures(line)}


def _said(model: Any, question: str, longest: int) -> dict[str, Any]:
    said = model.generate([question], longest)[0]
    under_base, _ = judge(model, [(question, said.text)])
    found = next((fluency(tokens.log_probs) for tokens in under_base.values()), None)
    return {
        "text": said.text,
        "cut": longest if said.cut else 0,
        "fluency": found,
        "fluency_said": fluency_said({"answer": said.text, "fluency": found}),
    }


def refuse_other_model(service: Service, run_id: str) -> None:
    """Raise RunError when the open model is not the one that the run began with."""
    config, session = service.queue.store.config(run_id), service.sessions.session
    began = (config.get("model", session.model_name), _folder(config.get("adapter", session.adapter)))
    if began != (session.model_name, _folder(session.adapter)):
        name = f"{began[0] or EMBEDDED_NAME}" + (f" with {adapter_words(began[1])}" if began[1] else "")
        raise RunError(
            f"{run_id} began with {name}", "Another model is open, so there is no before", f"Open {name}"
        )


def _folder(adapter: str | None) -> Path | None:
    return Path(adapter).resolve() if adapter else None
