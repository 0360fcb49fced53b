"""A lesson: which model is taught what, the run that teaches it, and how far the newest one is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from app.actions.fact_form import FactGiven, check_fact, facts_given, row_of
from app.actions.taught_models import (
    KIND,
    MOST_NAMED,
    discard_taught,
    lesson_config,
    list_taught,
    open_taught,
    taught_words,
)
from app.actions.unlearn import is_open, refuse_untrainable
from app.requests import Truth
from app.service import Service
from app.sessions.session import Session
from app.views.runs import LIVE, run_line, seconds_left
from tokenunlearn.data.rows import RETAIN, Row, row_to_dict
from tokenunlearn.documents.words import OWN_FACTS, rows_words
from tokenunlearn.errors import InputError, ModelError, RunError
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.runs.artifact import adapter_words
from tokenunlearn.runs.run_rows import rows_from
from tokenunlearn.runs.states import ENDED
from tokenunlearn.settings import to_dict
from tokenunlearn.training.teach import TeachConfig


@dataclass(frozen=True, kw_only=True)
class FactsGiven:
    """Facts to teach; without any, the open rows that the model does not know (`open_rows`)."""

    facts: Annotated[tuple[FactGiven, ...], facts_given] = field(default=())
    open_rows: Truth = False


def offer(service: Service) -> dict[str, Any]:
    """Return `{words, why_not, unknown}`: which model is taught, and why none can be.

    `unknown` is what *Teach these rows* would teach: `{count, words}`, None where every open row is known.
    """
    session, why_not, kept = service.sessions.session, "", 0
    try:
        _refuse(service)
        kept = len(_kept(service, ()))
    except (ModelError, RunError, InputError) as error:
        why_not = str(error)
    rows = _unknown(service)
    names = [f"“{row.question}”" for row in rows[:MOST_NAMED]]
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return {
        "words": f"A copy of {_model_words(session)} is taught; the model itself stays as it is. "
        f"Of the {rows_words(kept)} beside, those that it knows are taught again, so that they stay.",
        "why_not": why_not,
        "unknown": {"count": len(rows), "words": ", ".join(names) + more} if rows else None,
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
    return rows_from(lesson_config(service, folder.name).get("keep") or [], RETAIN)


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
        rows = tuple({row.question: row for row in map(row_of, given.facts)}.values())
        opens = replace(session.fitting, forget=rows, retain=_without(session.fitting.retain, rows))
        name = f"Teach {len(rows)} {'fact' if len(rows) == 1 else 'facts'}"
    if not rows:
        why = "The model knows every open row" if given.open_rows else "No fact was written"
        raise InputError("There is nothing to teach", why, "Write a fact of your own")
    config = {
        "name": name,
        "teach": to_dict(TeachConfig()),
        "learn": [row.id for row in rows],
        "keep": _records(_kept(service, rows)),
        "data_name": session.data_name if given.open_rows else OWN_FACTS,
        "model": session.model_name,
        "adapter": str(Path(session.adapter).resolve()) if session.adapter else None,
        "precision": session.precision,
        **{key: _records(values) for key, values in vars(opens).items()},
    }
    return {"run_id": service.queue.start_run(config)}


def _without(kept: Sequence[Row], rows: Sequence[Row]) -> tuple[Row, ...]:
    asked = {row.question for row in rows}
    return tuple(row for row in kept if row.question not in asked)


def _records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [row_to_dict(row) for row in rows]


def teaching(service: Service, states: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the newest lesson for the chips: `{run_id, state, live, text, share, opens, open}`.

    None without any. `opens`: it has left a model, which is not the one that is open; `open`: it is that one.
    """
    state = next((state for state in states if state.get("kind") == KIND), None)
    if state is None:
        return None
    run_id, ended = state["run_id"], state["state"] in ENDED
    opened = ended and is_open(service, run_id)
    return {
        "run_id": run_id,
        "state": state["state"],
        "live": state["state"] in LIVE,
        "text": (taught_words(service, run_id) if ended else "") or _progress_words(service, state),
        "share": state["step"] / state["steps"] if state["steps"] else 0,
        "opens": bool(state["saved_step"]) and ended and not opened,
        "open": opened,
    }


def _progress_words(service: Service, state: Mapping[str, Any]) -> str:
    """Return how far a lesson is; it may end before its last step, so what is left is an upper bound."""
    left = None
    if state["state"] == "running":
        left = seconds_left(state, service.results.events(state["run_id"]))
    return run_line(state)["text"] + (f", at most about {left:.0f} s left" if left and left >= 1 else "")


# The names that the page calls them by.
ASKED: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "check_fact": check_fact,
        "teach_offer": offer,
        "teach": teach,
        "taught_models": list_taught,
        "open_taught": open_taught,
        "discard_taught": discard_taught,
    }
)
