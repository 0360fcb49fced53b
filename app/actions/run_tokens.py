"""What ended runs did to the tokens on the page: which runs had these rows, each token before and after."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.requests import Id, RunId
from app.service import Service
from app.views.probe import token_changes
from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.runs.kinds import run_kind
from tokenunlearn.runs.states import ENDED


@dataclass(frozen=True, kw_only=True)
class ScoresShown:
    """The scores that the page shows."""

    scores_id: Id


@dataclass(frozen=True, kw_only=True)
class RunOf:
    """One run."""

    run_id: RunId


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs."""

    first: RunId
    second: RunId


def runs_of_rows(service: Service, page: ScoresShown) -> dict[str, Any]:
    """Return the ended runs that had a row the page shows, newest first: `{runs: [{run_id, name, arm}]}`.

    Raises MaskError for scores that are no longer held.
    """
    shown = service.shelf.find(page.scores_id)
    answers = {row["id"]: row["answer"] for row in shown.payload["rows"]}
    store = service.queue.store
    return {
        "runs": [
            {name: state[name] for name in ("run_id", "name", "arm")}
            for state in service.queue.runs()
            if state["state"] in ENDED
            and run_kind(state).leaves
            and _shares(store.known_config(state["run_id"]), answers)
        ]
    }


def run_tokens(service: Service, run: RunOf) -> dict[str, Any]:
    """Return each row of one run, `{rows: {row id: {starts, ends, before, after, trained}}}`.

    `before` and `after` are probabilities, `trained` the places of the tokens that the run unlearned.
    Raises RunError for an unknown run.
    """
    store = service.queue.store
    probes = store.probes(run.run_id) or {}
    if not probes.get("before") or not probes.get("after"):
        return {"rows": {}}
    trained = _trained(store.path(run.run_id) / "mask.jsonl")
    changes = token_changes(probes["before"], probes["after"])
    rows = {
        name.removeprefix("forget/"): each for name, each in changes.items() if name.startswith("forget/")
    }
    return {"rows": {row: {**each, "trained": trained.get(row, [])} for row, each in rows.items()}}


def token_difference(service: Service, pair: Pair) -> dict[str, Any]:
    """Return the answers that two runs were both probed on, token by token.

    `{rows: [{row_id, kind, question, expected, gold, starts, ends, first, second}], why}`; `first` and
    `second` are probabilities after the runs. Rows whose tokens are others are left out; `why` says why none
    is left, "" where some are. Raises RunError for an unknown run.
    """
    store = service.queue.store
    first, second = ((store.probes(run) or {}).get("after") for run in (pair.first, pair.second))
    if not first or not second:
        return {"rows": [], "why": "Both runs have to be probed before their tokens can be compared."}
    texts = [{(each["kind"], each["row_id"]): each for each in side["answers"]} for side in (first, second)]
    gold = {
        row["id"]: [list(span) for span in row.get("gold") or ()]
        for row in store.config(pair.second).get("forget") or ()
        if isinstance(row, Mapping)
    }
    rows = []
    for name, tokens in token_changes(first, second).items():
        kind, _, row_id = name.partition("/")
        said = [each.get((kind, row_id)) for each in texts]
        if said[0] is None or said[1] is None or said[0]["expected"] != said[1]["expected"]:
            continue
        rows.append(
            {
                "row_id": row_id,
                "kind": kind,
                "question": said[1]["question"],
                "expected": said[1]["expected"],
                "gold": gold.get(row_id, []) if kind == "forget" else [],
                "starts": tokens["starts"],
                "ends": tokens["ends"],
                "first": tokens["before"],
                "second": tokens["after"],
            }
        )
    why = "" if rows else "The two runs have no answer in common: other rows, or other tokens."
    return {"rows": rows, "why": why}


def _shares(config: Mapping[str, Any], answers: Mapping[str, str]) -> bool:
    """Return whether the run had a row with this id and answer."""
    rows = config.get("forget") or ()
    return any(
        isinstance(row, Mapping) and answers.get(row.get("id", "")) == row.get("answer") for row in rows
    )


def _trained(path: Path) -> dict[str, list[int]]:
    """Return the chosen places of each row, from the run's own mask file; none where it cannot be read."""
    places: dict[str, list[int]] = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        _header, *lines = text_of(path).split("\n")
        for entry in map(from_json, filter(None, lines)):
            places.setdefault(entry["row_id"], []).append(int(entry["position"]))
    return places
