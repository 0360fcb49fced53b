"""Teach facts of a person's own, or open rows that the model does not know, and open what was taught."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from app.actions.unlearn import refuse_in_use, refuse_untrainable
from app.requests import MOST_TEXT, RunId, Truth, read, text, whole
from app.service import Service
from app.sessions.session import Session
from app.views.runs import LIVE, run_line
from app.words import OWN_FACTS, adapter_words
from tokenunlearn.data.rows import RETAIN, Row, row_to_dict
from tokenunlearn.data.splits import Splits
from tokenunlearn.documents.words import rows_words
from tokenunlearn.errors import InputError, ModelError, RunError
from tokenunlearn.metrics.known import YES_FROM
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.runs.artifact import read_artifact
from tokenunlearn.runs.run_rows import rows_from, rows_of
from tokenunlearn.runs.states import ENDED
from tokenunlearn.runs.teach_job import FILE, to_learn
from tokenunlearn.settings import to_dict
from tokenunlearn.training.teach import TeachConfig

MOST_FACTS: Final = 50
FEW_SHOWN: Final = 3
KIND: Final = "teach"
TEACH_ANEW: Final = "Discard it, and teach the rows again"

Typed = Annotated[str, text(MOST_TEXT, empty=True)]


@dataclass(frozen=True, kw_only=True)
class FactGiven:
    """A fact as it was typed; `start` is the code point of the answer where it was marked."""

    question: Typed
    answer: Typed
    fact: Typed
    start: Annotated[int | None, whole(MOST_TEXT)] = None


def facts_given(value: Any, name: str) -> tuple[FactGiven, ...]:
    """Return facts. Raises InputError."""
    if not isinstance(value, list) or len(value) > MOST_FACTS:
        raise InputError(f"{name} must be a list", f"At most {MOST_FACTS} facts are taught at once")
    return tuple(read(FactGiven, each, f"fact {at}") for at, each in enumerate(value, 1))


@dataclass(frozen=True, kw_only=True)
class FactsGiven:
    """Facts to teach; without any, the open rows that the model does not know (`open_rows`)."""

    facts: Annotated[tuple[FactGiven, ...], facts_given] = field(default=())
    open_rows: Truth = False


@dataclass(frozen=True, kw_only=True)
class TaughtModel:
    """The run that taught a model."""

    run_id: RunId


def fact_row(given: FactGiven) -> tuple[Row | None, dict[str, str], str]:
    """Return the row of a fact, or what is wrong by field, and what a person should know of the mark."""
    question, answer, fact = given.question.strip(), given.answer.strip(), given.fact.strip()
    wrong = {}
    if not question:
        wrong["question"] = "Write the question that the model shall answer."
    if not answer:
        wrong["answer"] = "Write the answer that it shall give."
    places = _places(answer, fact)
    if not fact:
        wrong["fact"] = "Mark the part of the answer that states the fact."
    elif answer and not places:
        other = _places(answer.lower(), fact.lower())
        written = f" It stands there as “{answer[other[0] : other[0] + len(fact)]}”." if other else ""
        wrong["fact"] = f"The answer does not hold “{fact}”.{written} Copy it from the answer."
    if wrong:
        return None, wrong, ""
    lead = len(given.answer) - len(given.answer.lstrip())
    marked = None if given.start is None else given.start - lead
    start = marked if marked in places else places[0]
    note = ""
    if len(places) > 1 and marked not in places:
        note = f"“{fact}” occurs {len(places)} times: the first is marked. Select another to mark that one."
    name = hashlib.sha256(f"{question}\0{answer}".encode()).hexdigest()[:8]
    return Row(f"own-{name}", question, answer, gold=((start, start + len(fact)),), set=OWN_FACTS), {}, note


def _places(answer: str, fact: str) -> list[int]:
    return [at for at in range(len(answer)) if fact and answer.startswith(fact, at)]


def check_fact(service: Service, given: FactGiven) -> dict[str, Any]:
    """Return `{wrong, note}`: what is wrong with a fact, by field, and what to know of its mark."""
    row, wrong, note = fact_row(given)
    model = service.sessions.session.model
    if row is not None and model is not None:
        from tokenunlearn.fitting import fitting_encoding
        from tokenunlearn.scoring import ScoreConfig

        try:
            fitting_encoding(model, row, ScoreConfig().max_tokens)
        except InputError as error:
            wrong = {"answer": str(error).replace(f"Row {row.id}", "This fact")}
    return {"wrong": wrong, "note": note}


def offer(service: Service) -> dict[str, Any]:
    """Return `{words, why_not, unknown, models}`: which model is taught, and the models taught so far.

    `unknown` is what *Teach these rows* would teach: `{count, words}`, None where every open row is known.
    """
    session, why_not, kept = service.sessions.session, "", 0
    try:
        _refuse(service)
        kept = len(_kept(service, ()))
    except (ModelError, RunError, InputError) as error:
        why_not = str(error)
    rows = _unknown(service)
    names = [f"“{row.question}”" for row in rows[:FEW_SHOWN]]
    more = f" and {len(rows) - FEW_SHOWN} more" if len(rows) > FEW_SHOWN else ""
    return {
        "words": f"A copy of {_model_words(session)} is taught; the model itself stays as it is. "
        f"Of the {rows_words(kept)} beside, those that it knows are taught again, so that they stay.",
        "why_not": why_not,
        "unknown": {"count": len(rows), "words": ", ".join(names) + more} if rows else None,
        "models": taught_models(service),
    }


def _model_words(session: Session) -> str:
    name = Path(session.model_name).name if session.model_name else EMBEDDED_NAME
    return (
        f"{name} with “{adapter_words(Path(session.adapter))}”" if session.adapter else f"{name}, the base,"
    )


def _refuse(service: Service) -> None:
    """Raise ModelError where no model is loaded, or its adapter cannot be trained on."""
    service.sessions.model()
    shown = service.shelf.newest()
    if shown is not None:
        refuse_untrainable(service, shown)


def _unknown(service: Service) -> tuple[Row, ...]:
    """Return the open rows to forget that are scored, and of which the model does not know the fact."""
    shown = service.shelf.newest()
    if shown is None or not shown.live:
        return ()
    known = {row["id"]: row["known"]["word"] for row in shown.payload["rows"] if row.get("known")}
    return tuple(row for row in service.sessions.of(shown).forget if known.get(row.id) in ("no", "partly"))


def _kept(service: Service, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows that are not to be learnt, of which those that are known must stay so.

    They are the open ones, and where the open model was taught here, those that had to stay then.
    """
    session = service.sessions.session
    candidates = (*session.fitting.retain, *session.fitting.forget, *_kept_before(service, session))
    return _without(tuple({row.question: row for row in candidates}.values()), rows)


def _kept_before(service: Service, session: Session) -> tuple[Row, ...]:
    folder = Path(session.adapter).resolve().parent if session.adapter else None
    if folder is None or folder.parent != service.queue.store.root:
        return ()
    return rows_from(_config(service, folder.name).get("keep") or [], RETAIN)


def _config(service: Service, run_id: str) -> dict[str, Any]:
    """Return what a run was started with. Raises RunError where that cannot be read."""
    try:
        return service.queue.store.config(run_id)
    except RunError as error:
        raise RunError(f"What {run_id} taught is not known", error.said, TEACH_ANEW) from error


def _learnt(service: Service, run_id: str) -> tuple[Row, ...]:
    """Return the rows that a lesson taught. Raises RunError where they cannot be read."""
    try:
        return to_learn(_config(service, run_id))
    except InputError as error:
        raise RunError(f"What {run_id} taught is not known", error.said, TEACH_ANEW) from error


def teach(service: Service, given: FactsGiven) -> dict[str, Any]:
    """Return the queued run: `{run_id}`.

    Raises ModelError where no model can be taught, InputError for a fact that `check_fact` finds wrong, and
    where there is nothing to teach.
    """
    _refuse(service)
    session = service.sessions.session
    if given.open_rows:
        rows = _unknown(service)
        opens, name = session.rows, f"Teach {rows_words(len(rows))}"
    else:
        rows = tuple({row.question: row for row in map(_row_of, given.facts)}.values())
        opens = replace(session.fitting, forget=rows, retain=_without(session.fitting.retain, rows))
        name = f"Teach {len(rows)} {'fact' if len(rows) == 1 else 'facts'}"
    if not rows:
        why = "The model knows every open row" if given.open_rows else "No fact was written"
        raise InputError("There is nothing to teach", why, "Write a fact of your own")
    config = {
        "name": name,
        "teach": to_dict(TeachConfig()),
        "steps": TeachConfig().epochs,
        "learn": [row.id for row in rows],
        "keep": _records(_kept(service, rows)),
        "data_name": session.data_name if given.open_rows else OWN_FACTS,
        "model": session.model_name,
        "adapter": str(Path(session.adapter).resolve()) if session.adapter else None,
        "precision": session.precision,
        **{key: _records(values) for key, values in vars(opens).items()},
    }
    return {"run_id": service.queue.start_run(config)}


def _row_of(given: FactGiven) -> Row:
    row, wrong, _ = fact_row(given)
    if row is None:
        raise InputError("A fact cannot be taught", " ".join(wrong.values()), "Mend it")
    return row


def _without(kept: Sequence[Row], rows: Sequence[Row]) -> tuple[Row, ...]:
    asked = {row.question for row in rows}
    return tuple(row for row in kept if row.question not in asked)


def _records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [row_to_dict(row) for row in rows]


def teaching(service: Service, states: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the newest lesson for the chips: `{run_id, state, text, share, opens}`; None without any."""
    state = next((state for state in states if state.get("kind") == KIND), None)
    if state is None:
        return None
    done = taught_words(service, state["run_id"]) if state["state"] in ENDED else ""
    return {
        "run_id": state["run_id"],
        "state": state["state"],
        "live": state["state"] in LIVE,
        "text": done or run_line(state)["text"],
        "share": state["step"] / state["steps"] if state["steps"] else 0,
        "opens": bool(state["saved_step"]) and state["state"] in ENDED,
    }


def taught_words(service: Service, run_id: str) -> str:
    """Return what came of a lesson in a sentence or two; "" where it was not measured."""
    try:
        found = service.queue.store.read_json(run_id, FILE)
        return _found_words(found["rows"], found["kept"], found["still"]) if found else ""
    except (RunError, AttributeError, ValueError, KeyError, TypeError):
        return f"How well it was taught is not known: its {FILE} is damaged."


def _found_words(rows: Sequence[Mapping[str, float]], kept: int, still: int) -> str:
    if len(rows) == 1:
        before, after = _share(rows[0]["before"]), _share(rows[0]["after"])
        words = f"Taught: the fact’s probability went from {before} to {after}."
    else:
        known = sum(row["after"] >= YES_FROM for row in rows)
        words = f"Taught: it now knows {known} of {rows_words(len(rows))}."
    return words + (f" Of {rows_words(kept)} that it knew it still knows {still}." if kept else "")


def _share(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def taught_models(service: Service) -> list[dict[str, Any]]:
    """Return the models that were taught and kept, newest first.

    `[{run_id, name, facts, more, words, ended, bytes, open, broken}]`. One whose files are damaged is
    `broken`: it can only be discarded, `words` say why, and `bytes` is None where it has no adapter.
    """
    return [_taught(service, state) for state in _ended(service)]


def _ended(service: Service) -> Iterator[Mapping[str, Any]]:
    for state in service.queue.runs():
        if state.get("kind") == KIND and state["state"] in ENDED and state["saved_step"]:
            yield state


def _taught(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    run_id, facts, fault = state["run_id"], list[str](), ""
    adapter, opened = service.queue.store.path(run_id) / "adapter", service.sessions.session.adapter
    try:
        facts = [_fact_words(row) for row in _learnt(service, run_id)]
        if read_artifact(adapter.parent) is None:
            raise RunError(
                f"The model of {run_id} is not whole", "A file of its adapter is missing", TEACH_ANEW
            )
    except RunError as error:
        fault = str(error)
    return {
        "run_id": run_id,
        "name": state["name"],
        "facts": facts[:FEW_SHOWN],
        "more": max(0, len(facts) - FEW_SHOWN),
        "words": fault or taught_words(service, run_id),
        "ended": state["ended"],
        "bytes": sum(file.stat().st_size for file in adapter.iterdir()) if adapter.is_dir() else None,
        "open": opened is not None and Path(opened).resolve() == adapter.resolve(),
        "broken": bool(fault),
    }


def _fact_words(row: Row) -> str:
    return "; ".join(row.answer[start:end] for start, end in row.gold) or row.answer


def open_taught(service: Service, given: TaughtModel) -> dict[str, Any]:
    """Return `{at}`: since when a taught model is being opened with its rows. Raises RunError, InputError."""
    run_id = given.run_id
    folder, config = service.queue.store.path(run_id), _config(service, run_id)
    if not config.get(KIND) or read_artifact(folder) is None:
        raise RunError(f"{run_id} has taught no model yet", "Nothing is saved", "Wait for its end", run_id)
    _learnt(service, run_id)
    rows: Splits = rows_of(config)
    session = Session(
        rows,
        config.get("model"),
        str(folder / "adapter"),
        config.get("precision") or "auto",
        str(config.get("data_name") or OWN_FACTS),
    )
    service.sessions.open(session)
    return {"at": time.time()}


def discard_taught(service: Service, given: TaughtModel) -> dict[str, Any]:
    """Remove a taught model for good and return those that are left: `{models}`. Raises RunError."""
    refuse_in_use(service, given.run_id)
    service.queue.discard(given.run_id)
    return {"models": taught_models(service)}


# The names that the page calls them by.
ASKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "check_fact": check_fact,
        "teach_offer": offer,
        "teach": teach,
        "open_taught": open_taught,
        "discard_taught": discard_taught,
    }
)
