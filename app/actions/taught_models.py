"""The models that were taught on the page: what each knows, opened or discarded."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.actions.unlearn import is_open, refuse_in_use
from app.requests import RunId
from app.service import Service
from app.sessions.session import Session
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.documents.words import OWN_FACTS, rows_words
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.metrics.known import YES_FROM
from tokenunlearn.runs.artifact import read_artifact
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.states import DAMAGED, ENDED
from tokenunlearn.runs.teach_job import FILE, to_learn

KIND: Final = "teach"
MOST_NAMED: Final = 3
TEACH_ANEW: Final = "Discard it, and teach the rows again"


@dataclass(frozen=True, kw_only=True)
class TaughtModel:
    """The run that taught a model."""

    run_id: RunId


def lesson_config(service: Service, run_id: str) -> dict[str, Any]:
    """Return what a run was started with. Raises RunError where that cannot be read."""
    try:
        return service.queue.store.config(run_id)
    except RunError as error:
        raise RunError(f"What {run_id} taught is not known", error.said, TEACH_ANEW) from error


def learnt(service: Service, run_id: str) -> tuple[Row, ...]:
    """Return the rows that a lesson taught. Raises RunError where they cannot be read."""
    try:
        return to_learn(lesson_config(service, run_id))
    except InputError as error:
        raise RunError(f"What {run_id} taught is not known", error.said, TEACH_ANEW) from error


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
        if state.get("kind") == KIND and state["state"] in (*ENDED, DAMAGED) and state["saved_step"]:
            yield state


def _taught(service: Service, state: Mapping[str, Any]) -> dict[str, Any]:
    run_id, facts, fault = state["run_id"], list[str](), ""
    adapter = service.queue.store.root / run_id / "adapter"
    try:
        facts = [_fact_words(row) for row in learnt(service, run_id)]
        if read_artifact(adapter.parent) is None:
            raise RunError(
                f"The model of {run_id} is not whole", "A file of its adapter is missing", TEACH_ANEW
            )
    except RunError as error:
        fault = str(error)
    return {
        "run_id": run_id,
        "name": state["name"],
        "facts": facts[:MOST_NAMED],
        "more": max(0, len(facts) - MOST_NAMED),
        "words": fault or taught_words(service, run_id),
        "ended": state["ended"],
        "bytes": sum(file.stat().st_size for file in adapter.iterdir()) if adapter.is_dir() else None,
        "open": is_open(service, run_id),
        "broken": bool(fault),
    }


def _fact_words(row: Row) -> str:
    return "; ".join(row.answer[start:end] for start, end in row.gold) or row.answer


def list_taught(service: Service) -> dict[str, Any]:
    """Return the taught models for the dialog: `{models}`."""
    return {"models": taught_models(service)}


def open_taught(service: Service, given: TaughtModel) -> dict[str, Any]:
    """Return `{at}`: since when a taught model is being opened with its rows. Raises RunError, InputError."""
    run_id = given.run_id
    folder, config = service.queue.store.path(run_id), lesson_config(service, run_id)
    if not config.get(KIND) or read_artifact(folder) is None:
        raise RunError(f"{run_id} has taught no model yet", "Nothing is saved", "Wait for its end", run_id)
    learnt(service, run_id)
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
    return list_taught(service)
