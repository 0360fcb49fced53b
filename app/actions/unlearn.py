"""The Unlearn tab: sum up the mask, start a run and its controls, press a run's buttons, follow it."""

import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np

from app.actions.draft import Draft, Plan
from app.actions.tokens import mask_of, with_signals
from app.actions.trained_before import Before, trained_before
from app.requests import Reader, RunId, read, record, text
from app.service import Service
from app.shown import ShownScores
from app.views.recorded_run import recorded_run
from app.views.run_settings import namesakes
from app.views.runs import (
    BROKEN,
    LIVE,
    live_answer,
    run_line,
    run_of_now,
    said_after,
    said_before,
    seconds_left,
    series,
    with_probes,
)
from app.words import CONTROLS as CONTROLS_LABEL
from app.words import (
    DISCARDED,
    EACH_AT_DEFAULT,
    FEW_ROWS_WORDS,
    NO_RUN,
    NOT_LIVE,
    ONE_OBJECTIVE,
    REMOVED,
    SAME_TOKENS,
    SWEEP,
    share_of_rows,
)
from tokenunlearn.data.rows import FORGET, Row, row_to_dict
from tokenunlearn.documents.words import listed, rule_words
from tokenunlearn.errors import InputError, MaskError, RunError, SettingError, TokenUnlearnError, did_you_mean
from tokenunlearn.experiments.arms import ARMS, CHOSEN, arm_words
from tokenunlearn.experiments.config import ARM_PROBES, CompareConfig
from tokenunlearn.experiments.entry import Seen
from tokenunlearn.experiments.planned import CONTROLS, EXAMPLE, FIGURES, Named, named
from tokenunlearn.masks import Mask, mask_hash
from tokenunlearn.modes import MODES
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.selection import Rule
from tokenunlearn.settings import describe, from_dict, to_dict
from tokenunlearn.training.config import TrainConfig, defaults_for, with_objective
from tokenunlearn.training.needs import refuse_rows

SHOWN_WORDS: Final = 24
SHOWN_RUNS: Final = 30
# Each comparison that the page offers to plan, by how it is written, with how it is called.
PLANNABLE: Final = {
    each.text: each.words for control in CONTROLS for probe in FIGURES for each in [Named(probe, control)]
}
_COMPARE: Final = {info.name: info for info in describe(CompareConfig)}


def plan_given(value: Any, name: str) -> Plan:
    """Return a plan. Raises MaskError for none, and what its readers raise."""
    if value is None:
        raise MaskError("There are no tokens to train yet", fix="Choose some on the Tokens tab")
    return read(Plan, value, name)


def settings_given(value: Any, name: str) -> TrainConfig:
    """Return the settings of a run. Raises InputError, SettingError."""
    return from_dict(TrainConfig, record(value, name))


def some_of(known: Collection[str], kind: str) -> Reader:
    """Return the reader of a list of names of that `kind`, each kept once; all must be `known`."""

    def reader(value: Any, name: str) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise InputError(f"{name} must be a list of names", f"There are {', '.join(known)}")
        for each in value:
            if each not in known:
                fix = did_you_mean(str(each), list(known))
                raise SettingError(f"There is no {kind} {str(each)[:40]!r}", fix=fix)
        return tuple(dict.fromkeys(value))

    return reader


def objectives_given(value: Any, name: str) -> tuple[str, ...]:
    """Return the objectives of a list, each once; letters that one alone begins with mean it.

    The menu gives what was typed, not the entry that it was narrowed to. Raises InputError, SettingError.
    """

    def meant(typed: Any) -> Any:
        begun = [each for each in OBJECTIVES if isinstance(typed, str) and each.startswith(typed.lower())]
        return begun[0] if typed not in OBJECTIVES and len(begun) == 1 else typed

    given = [meant(each) for each in value] if isinstance(value, list | tuple) else value
    return some_of(OBJECTIVES, "objective")(given, name)


def comparisons_given(value: Any, name: str) -> tuple[str, ...]:
    """Return the comparisons that are planned, each once, as they were picked or typed. Raises InputError.

    Whether each names one that is measured is asked with the rest of the form (`refuse_for_sweep`).
    """
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} must be a list of comparisons", f"For example {EXAMPLE!r}")
    return tuple(dict.fromkeys(text()(each, name) for each in value))


def count_given(value: Any, name: str) -> int:
    """Return how many seeds, bins or doses are wanted (a setting of CompareConfig). Raises InputError."""
    info = _COMPARE[name]
    if isinstance(value, float) and value.is_integer():  # as a number of the form comes
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not (info.low or 0) <= value <= (info.high or value):
        raise InputError(f"{name} is {str(value)[:40]}", f"It must be {info.allowed}")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The form of a run, and of the controls that follow it.

    With `others`, objectives beside that of the settings, with planned comparisons, seeds, bins or doses, a
    sweep of all.
    """

    settings: Annotated[TrainConfig, settings_given]
    controls: Annotated[tuple[str, ...], some_of(CONTROLS, "control")] = ()
    others: Annotated[tuple[str, ...], objectives_given] = ()
    planned: Annotated[tuple[str, ...], comparisons_given] = ()
    seeds: Annotated[int, count_given] = 1
    bins: Annotated[int, count_given] = 0
    doses: Annotated[int, count_given] = 0

    @property
    def is_sweep(self) -> bool:
        """Whether it is one run that measures all arms, as some need more than their own training."""
        several = self.seeds > 1 or self.bins or self.doses or self.objectives or self.planned
        return bool(several) or any(ARMS[arm].matched for arm in self.controls)

    @property
    def objectives(self) -> tuple[str, ...] | None:
        """The objectives that are compared, that of the settings first; None where it is the only one."""
        names = tuple(dict.fromkeys((self.settings.objective, *self.others)))
        return names if len(names) > 1 else None

    @property
    def compared(self) -> CompareConfig:
        """What its sweep runs: where a run alone would stop, each arm is measured and goes on."""
        return CompareConfig(
            arms=(CHOSEN, *self.controls),
            objectives=self.objectives,
            seeds=self.seeds,
            bins=self.bins,
            doses=self.doses,
            planned=self.planned or None,
            equal_below=self.settings.stop_fact_below or _COMPARE["equal_below"].default,
        )


@dataclass(frozen=True, kw_only=True)
class Start(Wanted):
    """A run to start: the form, and the tokens."""

    plan: Annotated[Plan, plan_given]


@dataclass(frozen=True, kw_only=True)
class Press:
    """A button of a run."""

    run_id: RunId
    action: Annotated[str, text(20)]


def summary(service: Service, draft: Draft) -> dict[str, Any]:
    """Return what will be trained, for the page: counts, hash, a few words, and the plan that makes it again.

    A draft with `hash` is refused when the server computes another one. Errors come back as `{error}`.
    """
    try:
        shown, mask = mask_of(service, draft)
        refuse_unfit(shown, mask, draft)
        refuse_untrainable(service, shown)
        plan = {"scores_id": draft.scores_id, **draft.decisions(), "hash": mask.hash}
        arm = own_arm(service, shown, draft.set, mask)
        same = same_tokens(shown, draft.set, mask)
        told = {"same": same_words(same), "left_out": list(same)}
        return {"plan": plan, "arm": arm, **counts(shown, draft.set, mask), **told}
    except TokenUnlearnError as error:
        return {"error": str(error)}


def refuse_unfit(shown: ShownScores, mask: Mask, draft: Draft) -> None:
    """Raise MaskError for another mask than the page's, rows without scores, or no token at all."""
    refuse_other_hash(mask, draft.hash)
    shown.refuse_waiting(draft.set)
    shown.refuse_failed(draft.set, mask.overrides)
    if not mask.selected.any():
        raise MaskError("No token is chosen", fix="Choose some on the Tokens tab")


def refuse_untrainable(service: Service, shown: ShownScores) -> None:
    """Refuse scores of a model whose adapter can be read but not trained on; ModelError."""
    model = service.sessions.of(shown).model
    if model is not None and model.untrainable is not None:
        raise model.untrainable


def refuse_other_hash(mask: Mask, shown: str) -> None:
    """Raise MaskError when the page showed a mask of another hash than this one."""
    if shown and shown != mask.hash:
        raise MaskError(
            f"The page showed mask {shown[:8]}, the server computes {mask.hash[:8]}",
            "What is trained must be what was seen",
            "Reload the page",
        )


def counts(shown: ShownScores, name: str, mask: Mask) -> dict[str, Any]:
    """Return the numbers and words of a mask."""
    rows = shown.rows_of(name)
    gold = np.nan_to_num(shown.columns["gold"]) == 1
    places = shown.places(name)
    unknown, trained = never_known(shown, mask)
    return {
        "hash": mask.hash,
        "chosen": int(mask.selected.sum()),
        "total": int(places.size),
        "rows": share_of_rows(trained, len(rows)),
        "few": few_words(len(rows)),
        "gold": int(gold[places].sum()),
        "gold_chosen": int((gold & mask.selected).sum()),
        "overrides": len(mask.overrides),
        "known": known_counts(rows),
        "never_known": unknown,
        "trained": trained,
        "asks": asks_first(unknown, trained),
        "rule": rule_words(mask.rule),
        "words": chosen_words(shown, mask)[:SHOWN_WORDS],
    }


def few_words(rows: int) -> str:
    """Return the sentence above the form where so many rows have defaults of their own, "" elsewhere."""
    own = defaults_for(rows)
    return FEW_ROWS_WORDS.format(below=f"{100 * own['stop_fact_below']:.0f} %") if own else ""


def known_counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Return how many rows the model knows: `{yes, partly, no}`; None where no row says so."""
    words = [row["known"]["word"] for row in rows if row.get("known")]
    return {word: words.count(word) for word in ("yes", "partly", "no")} if words else None


def never_known(shown: ShownScores, mask: Mask) -> tuple[int, int]:
    """Return how many rows a mask trains of which the model knows nothing to forget, and how many in all."""
    rows = [shown.payload["rows"][at] for at in np.unique(shown.columns["row"][mask.selected])]
    return sum((row.get("known") or {}).get("word") == "no" for row in rows), len(rows)


def asks_first(unknown: int, trained: int) -> bool:
    """Return whether a start is asked about first: at least half of the rows that it trains are not known."""
    return 0 < trained <= 2 * unknown


def rows_asked_about(service: Service, plan: Plan) -> int:
    """Return how many rows that the model never knew a start is asked about; 0: it begins at once.

    Raises MaskError.
    """
    unknown, trained = never_known(*mask_of(service, plan))
    return unknown if asks_first(unknown, trained) else 0


def chosen_words(shown: ShownScores, mask: Mask) -> list[str]:
    """Return the chosen stretches of text, in order, each once."""
    words: list[str] = []
    start, end, row = shown.offsets["start"], shown.offsets["end"], shown.columns["row"]
    places = np.flatnonzero(mask.selected)
    for group in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1):
        for at in np.unique(row[group]):
            piece = group[row[group] == at]
            words.append(shown.payload["rows"][at]["answer"][start[piece[0]] : end[piece[-1]]].strip())
    return list(dict.fromkeys(word for word in words if word))


def to_train(service: Service, plan: Plan) -> tuple[ShownScores, Mask]:
    """Return the live scores of a plan and its mask, which can be trained.

    Raises MaskError for a hash not the server's and for no token, ModelError while the model is loading.
    """
    service.sessions.model()
    shown, mask = mask_of(service, plan)
    refuse_unfit(shown, mask, plan)
    refuse_untrainable(service, shown)
    if not shown.live:
        raise MaskError(NOT_LIVE)
    return shown, mask


def start(service: Service, wanted: Start) -> list[str]:
    """Return the ids of the queued runs: the chosen arm and the controls that are wanted (`control`).

    An arm that has a run with these settings is not trained again (`trained_before`), unless all of them have
    one. A sweep (`Start.is_sweep`) is one run.
    Raises MaskError for a hash not the server's and for a control without a token, ModelError while the model
    is loading, InputError where an objective needs what the rows do not have, SettingError for what a sweep
    cannot take.
    """
    name, training = wanted.plan.set, wanted.settings
    refuse_for_sweep(wanted)
    shown, mask = to_train(service, wanted.plan)
    own = own_arm(service, shown, name, mask)
    same = same_tokens(shown, name, mask)
    wanted = replace(wanted, controls=tuple(arm for arm in wanted.controls if arm not in same))
    before = before_start(service, shown, wanted, {"set": name, "hash": mask.hash, "arm": own})
    arms = [own, *(arm for arm in wanted.controls if arm != own)]
    missing = arms if wanted.is_sweep else before.missing(arms)
    new_group = wanted.is_sweep or own in missing or not before.group
    group = uuid.uuid4().hex[:8] if new_group else before.group
    controls = [arm for arm in missing if arm != own]
    shown = with_signals(service, shown.scores_id, *(each for arm in controls for each in ARMS[arm].signals))
    rows, retain = trained_rows(service, shown, name), service.sessions.of(shown).retain
    for objective in wanted.objectives or (training.objective,):
        refuse_rows(rows, retain, with_objective(training, objective))
    drawn = [(arm, control(shown, name, mask, arm)) for arm in controls if not ARMS[arm].matched]
    if wanted.is_sweep:
        to_the_end = replace(training, stop_fact_below=0.0)
        config = run_config(service, shown, name, CHOSEN, mask, to_the_end, group)
        return [service.queue.start_run(config | _sweep(name, wanted), mask, shown.table)]
    trained = [(own, mask)] * (own in missing) + drawn
    return [
        service.queue.start_run(
            run_config(service, shown, name, arm, each, training, group), each, shown.table
        )
        for arm, each in trained
    ]


def before_start(service: Service, shown: ShownScores, wanted: Wanted, tokens: Mapping[str, Any]) -> Before:
    """Return the runs that a start of the form would train once more.

    `tokens`: the set, the mask's hash and its arm.
    """
    config = {**bench_config(service, shown, tokens["set"]), "training": to_dict(wanted.settings)}
    return trained_before(service, config, tokens["arm"], tokens["hash"])


def _sweep(name: str, wanted: Start) -> dict[str, Any]:
    """Return what the config of a sweep has beside that of its chosen arm. Raises SettingError."""
    return {
        "name": f"{name or 'rows'}, {SWEEP}",
        "sweep": to_dict(wanted.compared),
        "arm": "",
        "steps": len(wanted.compared.runs(wanted.settings)),
        "probes": to_dict(ARM_PROBES),
    }


def refuse_for_sweep(wanted: Wanted) -> None:
    """Raise SettingError for a setting that a sweep does not take, naming it."""
    _refuse_unticked(wanted)
    if wanted.is_sweep:
        _ = wanted.compared  # what it does not measure
    if wanted.objectives and not at_defaults(wanted.settings):
        label = OBJECTIVES[wanted.settings.objective].label
        raise SettingError(
            f"{label} is not at its default settings", EACH_AT_DEFAULT, ONE_OBJECTIVE, "objective_settings"
        )


def _refuse_unticked(wanted: Wanted) -> None:
    """Raise SettingError for a planned text that names no comparison, or one whose control is not ticked."""
    for each in named(wanted.planned):
        if each.control not in wanted.controls:
            label = arm_words(each.control)
            raise SettingError(
                f"The planned comparison “{each.words}” needs the control “{label}”",
                "It is not ticked",
                f"Tick it under “{CONTROLS_LABEL}”, or take the comparison out",
                "planned",
            )


def at_defaults(training: TrainConfig) -> bool:
    """Return whether the objective has its default settings."""
    return training.objective_of() == OBJECTIVES[training.objective].settings()


def own_arm(service: Service, shown: ShownScores, name: str, mask: Mask) -> str:
    """Return the arm that a mask is: that of its mode, but `chosen` where a hand changed what the mode takes.

    A control whose tokens are all forced in (`control`) is the one that was last started with them.
    """
    arm = mask.rule.mode if mask.rule.mode in ARMS else CHOSEN
    if arm == CHOSEN or shown.mask(name, mask.rule, {}).hash == mask.hash:
        return arm
    if not _forced(mask.rule):
        return CHOSEN
    same = (run["arm"] for run in service.queue.runs() if run["mask_hash"] == mask.hash)
    return next((arm for arm in same if arm in CONTROLS), "random")


def same_tokens(shown: ShownScores, name: str, mask: Mask) -> tuple[str, ...]:
    """Return the controls that are the very tokens of a mask, whatever found them: they rule out nothing.

    Those that draw, that are matched, or that need a signal of their own are not among them.
    """
    places = shown.places(name)
    seen = Seen(
        {key: values[places] for key, values in shown.columns.items()}, mask.weights[places], mask.rule
    )
    fixed = (
        arm for arm in CONTROLS if not ARMS[arm].seeded and not ARMS[arm].matched and not ARMS[arm].signals
    )
    return tuple(arm for arm in fixed if np.array_equal(ARMS[arm].weights(seen), seen.weights))


def same_words(arms: Sequence[str]) -> str:
    """Return the sentence about controls that are the chosen tokens, "" where none is."""
    named = listed([f"“{arm_words(arm)}”" for arm in arms])
    return SAME_TOKENS.format(controls=named) if arms else ""


def control(shown: ShownScores, name: str, chosen: Mask, arm: str) -> Mask:
    """Return a control of a mask, whose rule and overrides give it again.

    Where no rule of that mode takes the same tokens, each of them is forced in. No rule gives soft weights on
    other tokens than its own: that control keeps the rule that it is of. Raises MaskError where no token is
    left.
    """
    places = shown.places(name)
    cut = {key: values[places] for key, values in shown.columns.items()}
    weights = np.zeros(chosen.weights.size)
    own = chosen.weights[places]
    weights[places] = ARMS[arm].weights(Seen(cut, own, chosen.rule))
    if not weights.any():
        raise MaskError(f"The control “{arm_words(arm)}” has no token", fix="Leave it out")
    if arm in MODES:
        mask = shown.mask(name, replace(chosen.rule, mode=arm), {})
        if mask.hash == mask_hash(weights):
            return mask
    rule, overrides = replace(chosen.rule, mode="random", fraction=0.0), {}
    if np.isin(weights, (0, 1)).all():
        overrides = {int(at): "in" for at in np.flatnonzero(weights)}
    else:
        rule = chosen.rule
    return Mask(rule, overrides, weights, weights > 0, mask_hash(weights), chosen.scores_id)


def _forced(rule: Rule) -> bool:
    """Return whether a rule takes no token of its own."""
    return rule.mode == "random" and rule.fraction == 0


def trained_rows(service: Service, shown: ShownScores, name: str) -> tuple[Row, ...]:
    """Return the rows of a set that a run trains.

    They have the subjects that a person gave, so that the run can be made again; a row that the model fails
    on would end the run.
    """
    scored = [each for each in shown.scores.rows if not each.failure] if shown.scores else []
    rows = tuple(each.info.row for each in scored if each.info.row.set == name)
    return rows or service.sessions.of(shown).of_set(name)


def run_config(
    service: Service, shown: ShownScores, name: str, arm: str, mask: Mask, training: TrainConfig, group: str
) -> dict[str, Any]:
    """Return the config.json of a run, complete: rows, target, settings; a command line can run it again."""
    bench = bench_config(service, shown, name)
    rows = bench[FORGET]
    return {
        "name": f"{name or 'rows'}, {arm_words(arm)}",
        "arm": arm,
        "group": group,
        "rule": to_dict(mask.rule),
        "training": to_dict(training),
        "watch": rows[0]["id"] if rows else None,
        **bench,
    }


def _precision_of(shown: ShownScores) -> str:
    """Return the precision that scores were made in, as a setting takes it; "" where it is not known."""
    made = shown.scores.provenance.get("precision") if shown.scores else ""
    return str(made or "").partition(" ")[0]  # beside it stands the device


def _weights_of(shown: ShownScores) -> dict[str, str]:
    """Return what the files of the scored model contained: other ones are not trained in its place."""
    weights = shown.scores.provenance.get("weights") if shown.scores else None
    return {"weights": str(weights)} if weights else {}


def bench_config(service: Service, shown: ShownScores, name: str) -> dict[str, Any]:
    """Return what the config of a run on a set says of rows, starting model and probes."""
    session, rows = service.sessions.of(shown), trained_rows(service, shown, name)
    return {
        "set": name,
        "data_name": session.data_name,
        "model": session.model_name,
        "adapter": str(Path(session.adapter).resolve()) if session.adapter else None,
        "precision": _precision_of(shown) or session.precision,
        **_weights_of(shown),
        "probes": to_dict(ProbeSettings()),
        **{
            key: [row_to_dict(row) for row in values]
            for key, values in vars(replace(session.fitting, forget=rows)).items()
        },
    }


def act(service: Service, press: Press) -> None:
    """Do what a button of a run says. Raises RunError when the run's state does not allow it."""
    run_id, action, queue = press.run_id, press.action, service.queue
    acts = {"resume": queue.resume, "keep": queue.keep, "discard": queue.discard}
    if action in ("pause", "stop", "force"):
        queue.request(run_id, action)
    elif action in acts:
        if action == "discard":
            refuse_in_use(service, run_id)
        acts[action](run_id)
    else:
        raise RunError(f"{action!r} is nothing a run can do", fix="Reload the page", where=run_id)


def is_open(service: Service, run_id: str) -> bool:
    """Return whether the open model is the one that a run left."""
    opened, adapter = service.sessions.session.adapter, service.queue.store.root / run_id / "adapter"
    return opened is not None and Path(opened).resolve() == adapter.resolve()


def refuse_in_use(service: Service, run_id: str) -> None:
    """Raise RunError where the model that a run left is open, or a run that goes on begins with it."""
    adapter = (service.queue.store.path(run_id) / "adapter").resolve()
    if is_open(service, run_id):
        raise RunError(
            f"The model of {run_id} is open", fix="Open another one, then discard it", where=run_id
        )
    for state in service.queue.runs():
        begun = state["state"] in LIVE and service.queue.store.known_config(state["run_id"]).get("adapter")
        if begun and Path(begun).resolve() == adapter:
            what = f"{state['run_id']} begins with the model of {run_id}"
            raise RunError(what, fix="Wait for its end, then discard it", where=run_id)


def gone_words(service: Service, shown: str | None, states: Sequence[Mapping[str, Any]]) -> str:
    """Return that a run which a page shows was discarded, perhaps on another page; "" where it was not."""
    if not shown or shown in [each["run_id"] for each in states]:
        return ""
    aside = [each["run_id"] for each in service.queue.store.aside()]
    return (DISCARDED if shown in aside else REMOVED).format(run=shown)


def follow(service: Service, shown: str | None = None) -> dict[str, Any]:
    """Return the value of the curves view: all runs, and card, answer and curves of one and its siblings.

    `shown` None follows: the run that the chip names; before the first run the recorded one, which says so.
    `at` orders answers that overtake each other; `gone` says that the one which was shown is there no more.
    """
    at = time.time()
    every = service.queue.runs()
    gone = gone_words(service, shown, every)
    states = every[:SHOWN_RUNS]
    by_id = {state["run_id"]: state for state in states}
    if shown not in by_id:
        shown = (run_of_now(states) or {}).get("run_id")
    if shown is None:
        nothing = {
            "at": at,
            "gone": gone,
            "runs": [],
            "shown": None,
            "empty": NO_RUN,
            "series": [],
            "answer": None,
        }
        return nothing | recorded_run(service.recorded.get("run"), service.sessions.session.rows.forget)
    store = service.queue.store
    configs = {run_id: store.known_config(run_id) for run_id in by_id}
    group = configs[shown].get("group")
    # In the order in which they were started, whichever is shown: a curve keeps its place in the legend.
    family = [
        each for each in reversed(by_id) if each == shown or (group and configs[each].get("group") == group)
    ]
    # What leaves no model of its own has neither curves nor answers here.
    family = [each for each in family if run_kind(by_id[each]).leaves]
    probes = {run_id: store.known_probes(run_id) for run_id in family}
    left = seconds_left(by_id[shown], service.results.events(shown))
    apart = namesakes({run_id: state["name"] for run_id, state in by_id.items()}, configs)
    lines = {
        each: run_line(state, left if each == shown else None) | {"apart": apart[each]}
        for each, state in by_id.items()
    }
    said = dict.fromkeys([lines[shown]["text"], *service.results.faults(shown)])
    lines[shown] = {**lines[shown], "text": ". ".join(said)}
    return {
        "at": at,
        "gone": gone,
        "runs": list(lines.values()),
        "shown": shown,
        "empty": "",
        "log": store.log_end(shown) if by_id[shown]["state"] in BROKEN else "",
        "series": [series_of(service, by_id[run_id], probes[run_id]) for run_id in family],
        "answer": live_answer(
            configs[shown],
            service.results.events(shown),
            said_before(configs[shown], probes[shown]),
            said_after(configs[shown], probes[shown], int(by_id[shown]["step"])),
        )
        if shown in family
        else None,
    }


def series_of(service: Service, state: Mapping[str, Any], probes: Any) -> dict[str, Any]:
    """Return the curves of a run (its state), with its full probes."""
    curves = series(state, service.results.events(state["run_id"]))
    # At which step a run ended whose state cannot be read is not known, so nor is the place of its probes.
    return with_probes(curves, None if state.get("fault") else probes, int(state["step"]))
