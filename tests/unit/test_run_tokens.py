"""What a run did to the tokens on the page: which runs count, and whose numbers stand where."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.actions.run_tokens import run_tokens, runs_of_rows
from app.service import Service
from tests.asking import ask
from tests.page_service import live_service
from tokenunlearn.errors import RunError
from tokenunlearn.runs.store import RunStore

BEFORE = {"row_id": "r0", "kind": "forget", "starts": [0, 3, 9], "ends": [3, 9, 13], "log_probs": [0.0] * 3}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A service whose page shows "Ada likes tea" as row r0."""
    return live_service(tmp_path)


def run(store: RunStore, state: str, row: dict[str, str], arm: str = "chosen") -> str:
    run_id = store.create({"name": f"one, {arm}", "arm": arm, "forget": [row]})
    store.change(run_id, state=state)
    return run_id


def test_only_ended_runs_that_had_these_rows_are_offered_newest_first(service: Service) -> None:
    store, mine = service.queue.store, {"id": "r0", "answer": "Ada likes tea"}
    first = run(store, "kept", mine)
    run(store, "failed", mine)
    run(store, "finished", {"id": "r0", "answer": "Ada likes coffee"})
    last = run(store, "finished", mine, "random")
    assert ask(runs_of_rows, service, {"scores_id": "s1"}) == {
        "runs": [
            {"run_id": last, "name": "one, random", "arm": "random"},
            {"run_id": first, "name": "one, chosen", "arm": "chosen"},
        ]
    }


def test_probabilities_stand_beside_the_places_that_were_trained(service: Service) -> None:
    store = service.queue.store
    run_id = run(store, "finished", {"id": "r0", "answer": "Ada likes tea"})
    question = {"run_id": run_id}
    assert ask(run_tokens, service, question) == {"rows": {}}  # not probed yet
    after = {**BEFORE, "log_probs": [0.0, 0.0, -1000.0]}
    retain = {**BEFORE, "kind": "retain", "row_id": "k0"}
    probes: dict[str, Any] = {"before": {"tokens": [BEFORE, retain]}, "after": {"tokens": [after, retain]}}
    store.write_json(run_id, "probes.json", probes)
    shown = {"starts": [0, 3, 9], "ends": [3, 9, 13], "before": [1.0] * 3, "after": [1.0, 1.0, 0.0]}
    assert ask(run_tokens, service, question) == {
        "rows": {"r0": {**shown, "trained": []}}
    }  # no mask was kept

    lines = [{"format": "tokenunlearn mask"}, {"row_id": "r0", "position": 2, "weight": 1.0}]
    mask = store.path(run_id) / "mask.jsonl"
    mask.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert ask(run_tokens, service, question)["rows"]["r0"]["trained"] == [2]
    mask.write_text("no mask", encoding="utf-8")
    assert ask(run_tokens, service, question)["rows"]["r0"]["trained"] == []


def test_an_unknown_run_is_refused(service: Service) -> None:
    with pytest.raises(RunError, match="no run"):
        ask(run_tokens, service, {"run_id": "../../etc"})
