"""Another subject for a row, asked for from the page: on the tiny model, through files and a restart."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.actions import masks, tokens
from app.actions.subjects import rescore, subject_choices
from app.service import Service
from app.sessions.session import Options
from tests.asking import ask, start
from tests.page_service import first_summary
from tests.tiny_rows import ROWS, write_rows
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.models.loading import load_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three rows."""
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", ROWS[:3])


@pytest.fixture
def service(tiny_folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A live service whose workers do not start."""
    return loaded(tiny_folder, data, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def unmoved(tiny_folder: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A live service for tests that change nothing."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return loaded(tiny_folder, data, tmp_path_factory.mktemp("unmoved"), monkeypatch)


def loaded(tiny_folder: Path, data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)
    service = Service(Options(str(tiny_folder), data=str(data), runs=folder / "runs"))
    service.queue.command = lambda _: ["true"]
    service.sessions.load_now()
    assert service.sessions.stage.name == "live", service.sessions.stage.error
    return service


def asked(service: Service, **changes: Any) -> dict[str, Any]:
    return {
        "scores_id": service.shelf.newest().scores_id,
        "changes": {name[1:]: to for name, to in changes.items()},
    }


def columns(value: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(each, dtype=float) for name, each in json.loads(value["columns"]).items()}


def test_only_the_row_that_changed_is_scored_and_the_way_back_is_exact(service: Service) -> None:
    before = tokens.shown_payload(service)
    asked_for = ask(
        tokens.compute_signal, service, {"scores_id": before["scores_id"], "name": "knowledge_subject"}
    )
    assert "knowledge_subject" in {entry["signal"] for entry in asked_for["leaderboard"]}
    after = ask(rescore, service, asked(service, r1={"subject": "born", "names": ["seen", " raised "]}))
    row = after["rows"][1]
    assert (row["subject"], row["subject_source"], row["names"]) == ("born", "edited", ["seen", "raised"])
    assert after["scores_id"] != before["scores_id"] and after["state"] == "live"
    assert "knowledge_subject" in {entry["signal"] for entry in after["leaderboard"]}
    was, now = columns(tokens.shown_payload(service) | {"columns": before["columns"]}), columns(after)
    first, last = row["first"], row["first"] + row["count"]
    for name in was:
        np.testing.assert_array_equal(
            np.delete(was[name], np.s_[first:last]), np.delete(now[name], np.s_[first:last])
        )
    assert not np.array_equal(
        was["knowledge_swap"][first:last], now["knowledge_swap"][first:last], equal_nan=True
    )
    # what had been asked for later is there too, in the row that changed and in the others
    assert np.isfinite(now["knowledge_subject"]).any() and "knowledge_subject" in after["signals"]

    back = ask(rescore, service, asked(service, r1=None))
    assert back["scores_id"] == before["scores_id"]
    for name in ("knowledge_swap", "entropy", "log_prob"):
        np.testing.assert_array_equal(columns(back)[name], columns(before)[name])


def test_a_restart_finds_the_subject_again_and_a_run_records_it(
    service: Service, tiny_folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = ask(rescore, service, asked(service, r0={"subject": "born", "names": []}))
    again = loaded(tiny_folder, data, tmp_path, monkeypatch)
    found = tokens.shown_payload(again)
    assert found["scores_id"] == edited["scores_id"] and found["rows"][0]["subject"] == "born"
    plan = first_summary(again)
    (run_id,) = start(again, plan["plan"], {"steps": 1}, controls=[])
    forget = again.queue.store.config(run_id)["forget"]
    assert [row["subject"] for row in forget] == ["born", ROWS[1].subject, ROWS[2].subject]


def test_draft_and_masks_stay_where_they_are_when_a_subject_changes(service: Service) -> None:
    before = {"scores_id": service.shelf.newest().scores_id, "text_id": service.shelf.newest().text_id}
    draft = {**before, "set": "tiny", "rule": {}, "overrides": {"2": "in"}, "base": 0}
    answer = ask(masks.save_draft, service, draft)
    assert answer == {"taken": True, "draft": ask(masks.kept, service, before)["draft"], "newer": False}
    named = ask(masks.save_mask, service, {**draft, "name": "Ada"})["saved"]
    ask(rescore, service, asked(service, r0={"subject": "born", "names": []}))
    after = {**before, "scores_id": service.shelf.newest().scores_id}
    assert after != before and service.shelf.newest().text_id == before["text_id"]
    kept = ask(masks.kept, service, after)
    assert kept["draft"] == answer["draft"]
    (listed,) = kept["masks"]
    assert (listed["name"], listed["overrides"], listed["other_scores"]) == ("Ada", 1, True)
    # Its rule chooses among the numbers of now; how many tokens that changes is what the weights say.
    loaded = ask(masks.load_mask, service, {**after, "id": named["id"]})
    assert loaded["moved"] == len(set(loaded["chosen"]) ^ set(named["chosen"]))
    assert ask(masks.save_draft, service, {**draft, "base": answer["draft"]["version"]})["newer"]
    ask(rescore, service, asked(service, r0=None))
    assert service.shelf.newest().scores_id == before["scores_id"]
    assert ask(masks.load_mask, service, {**before, "id": named["id"]}) == named


def test_the_text_is_the_same_under_other_settings_and_precision_and_another_without(
    service: Service, tiny_folder: Path, tmp_path: Path
) -> None:
    from tokenunlearn.rescoring import unscored
    from tokenunlearn.scoring import ScoreConfig, Scores, new_scores

    rows = service.sessions.session.forget

    def scores(model: Any, given: Any = rows, **settings: Any) -> Scores:
        config = ScoreConfig(**settings)
        made = new_scores(model, given, config)
        made.rows = unscored(model, given, config)
        return made

    model = service.sessions.model()
    here = scores(model)
    assert here.text_id == service.shelf.newest().text_id == here.table.attrs["tokenunlearn"]["text_id"]
    moved = shutil.copytree(tiny_folder, tmp_path / "moved")
    same = [
        scores(model, signals=("knowledge_swap", "entropy"), swap_count=1, seed=3),
        scores(load_model(str(moved), None, "bf16")),
        scores(model, [replace(row, subject="born") for row in rows]),
    ]
    assert {each.text_id for each in same} == {here.text_id}
    assert len({here.scores_id, *(each.scores_id for each in same)}) == 4
    loud = load_model(str(moved), None, "fp32").model
    with torch.no_grad():
        loud.get_output_embeddings().weight.mul_(2)
    loud.save_pretrained(moved)
    other = [
        scores(load_model(str(moved), None, "fp32")),
        scores(model, rows[:2]),
        scores(model, [rows[1], rows[0], rows[2]]),
        *(
            scores(model, [replace(rows[0], **{name: "Other text."}), *rows[1:]])
            for name in ("question", "answer", "id")
        ),
    ]
    assert len({here.text_id, *(each.text_id for each in other)}) == 7
    # a tokenizer that gives these texts other ids
    here.rows = [
        replace(row, table=row.table.assign(token_id=row.table["token_id"] + 1)) for row in here.rows
    ]
    assert here.text_id not in {service.shelf.newest().text_id, *(each.text_id for each in other)}


def test_what_could_be_a_subject_is_the_datas_own_and_the_names_found(unmoved: Service) -> None:
    question = {"scores_id": unmoved.shelf.newest().scores_id, "row": 2}
    assert ask(subject_choices, unmoved, question) == {
        "given": "Cleo Marchetti",
        "proposed": ["Cleo Marchetti"],
    }


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"0": {"subject": "Nobody", "names": []}}, InputError, "neither in the question nor in the answer"),
        ({"0": {"subject": "born", "names": ["born late"]}}, InputError, "shares a word"),
        ({"0": {"subject": "", "names": []}}, InputError, "subject is missing"),
        ({"0": {"subject": "born", "names": "Bo"}}, InputError, "list of names"),
        ({"9": None}, InputError, "from 0 to 2"),
        ({"x": None}, InputError, "is not a row"),
        ([], InputError, "must be an object"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_changes(
    unmoved: Service, changes: Any, error: type, words: str
) -> None:
    before = unmoved.shelf.newest()
    with pytest.raises(error, match=words):
        ask(rescore, unmoved, {"scores_id": before.scores_id, "changes": changes})
    assert unmoved.shelf.newest() is before


def test_what_another_page_changed_stays_changed(service: Service) -> None:
    first = asked(service, r0={"subject": "born", "names": []})
    ask(rescore, service, first)
    after = ask(rescore, service, {**first, "changes": {"1": {"subject": "Reed", "names": []}}})
    assert [row["subject"] for row in after["rows"]] == ["born", "Reed", ROWS[2].subject]


def test_a_change_waits_for_the_rows_that_are_still_being_scored(service: Service) -> None:
    service.sessions.current.scored.clear()
    service.sessions.stage.name = "scoring"

    def end() -> None:
        service.sessions.stage.name = "live"
        service.sessions.current.scored.set()

    threading.Timer(0.3, end).start()
    assert ask(rescore, service, asked(service, r0={"subject": "born", "names": []}))["state"] == "live"


def test_rows_that_are_never_scored_are_left_alone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sessions.sessions.SCORING_PATIENCE", 0.1)
    service.sessions.current.scored.clear()
    with pytest.raises(MaskError, match="Not all rows are scored yet"):
        ask(rescore, service, asked(service, r0=None))
