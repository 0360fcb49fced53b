"""Another subject for a row, asked for from the page: on the tiny model, through files and a restart."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import masks, tokens, unlearn
from app.actions.subjects import rescore, subject_choices
from app.service import Options, Service
from tests.page_service import first_summary
from tests.tiny_rows import ROWS, write_rows
from tokenunlearn.errors import InputError, MaskError


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
    monkeypatch.setattr("app.loading.measure_before", lambda *_: None)
    service = Service(Options(str(tiny_folder), data=str(data), runs=folder / "runs"))
    service.queue.command = lambda _: ["true"]
    service._load()
    assert service.stage.name == "live", service.stage.error
    return service


def asked(service: Service, **changes: Any) -> dict[str, Any]:
    return {
        "scores_id": service.scores().scores_id,
        "changes": {name[1:]: to for name, to in changes.items()},
    }


def columns(value: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(each, dtype=float) for name, each in json.loads(value["columns"]).items()}


def test_only_the_row_that_changed_is_scored_and_the_way_back_is_exact(service: Service) -> None:
    before = tokens.shown_payload(service)
    asked_for = tokens.compute_signal(
        service, {"scores_id": before["scores_id"], "name": "knowledge_subject"}
    )
    assert "knowledge_subject" in {entry["signal"] for entry in asked_for["leaderboard"]}
    after = rescore(service, asked(service, r1={"subject": "born", "names": ["seen", " raised "]}))
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

    back = rescore(service, asked(service, r1=None))
    assert back["scores_id"] == before["scores_id"]
    for name in ("knowledge_swap", "entropy", "log_prob"):
        np.testing.assert_array_equal(columns(back)[name], columns(before)[name])


def test_a_restart_finds_the_subject_again_and_a_run_records_it(
    service: Service, tiny_folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = rescore(service, asked(service, r0={"subject": "born", "names": []}))
    again = loaded(tiny_folder, data, tmp_path, monkeypatch)
    found = tokens.shown_payload(again)
    assert found["scores_id"] == edited["scores_id"] and found["rows"][0]["subject"] == "born"
    plan = first_summary(again)
    (run_id,) = unlearn.start(again, plan["plan"], {"steps": 1}, controls=False)
    forget = again.queue.store.config(run_id)["forget"]
    assert [row["subject"] for row in forget] == ["born", ROWS[1].subject, ROWS[2].subject]


def test_the_draft_moves_along_and_an_older_page_hears_of_the_newer_scores(service: Service) -> None:
    before = service.scores().scores_id
    draft = {"scores_id": before, "set": "tiny", "rule": {}, "overrides": {"2": "in"}, "base": 0}
    assert masks.save_draft(service, draft) == {
        "taken": True,
        "draft": masks.kept(service, {"scores_id": before})["draft"],
        "newer": False,
    }
    named = masks.save_mask(service, {**draft, "name": "Ada"})["saved"]
    after = rescore(service, asked(service, r0={"subject": "born", "names": []}))["scores_id"]
    (moved,) = masks.kept(service, {"scores_id": after})["masks"]
    assert (moved["name"], moved["overrides"], moved["elsewhere"]) == ("Ada", 1, True)
    carried = masks.kept(service, {"scores_id": after})["draft"]
    assert carried["overrides"] == {"2": "in"} and carried["carried"] == {"scores_id": before, "version": 1}
    assert masks.save_draft(service, {**draft, "base": 1})["newer"]
    saved = masks.save_draft(service, {**draft, "scores_id": after, "base": carried["version"]})
    assert saved["taken"] and "carried" not in saved["draft"]
    # the way back to the scores before carries what was decided meanwhile
    masks.save_draft(service, {**draft, "scores_id": after, "base": 2, "overrides": {"3": "out"}})
    assert rescore(service, asked(service, r0=None))["scores_id"] == before
    assert masks.kept(service, {"scores_id": before})["draft"]["overrides"] == {"3": "out"}
    (own,) = masks.kept(service, {"scores_id": before})["masks"]
    assert (own["hash"], own["elsewhere"]) == (named["hash"], False)


def test_what_could_be_a_subject_is_the_datas_own_and_the_names_found(unmoved: Service) -> None:
    question = {"scores_id": unmoved.scores().scores_id, "row": 2}
    assert subject_choices(unmoved, question) == {"given": "Cleo Marchetti", "proposed": ["Cleo Marchetti"]}


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"0": {"subject": "Nobody", "names": []}}, InputError, "neither in question nor answer"),
        ({"0": {"subject": "born", "names": ["born late"]}}, InputError, "shares a word"),
        ({"0": {"subject": "", "names": []}}, InputError, "subject is missing"),
        ({"0": {"subject": "born", "names": "Bo"}}, InputError, "list of names"),
        ({"9": None}, InputError, "from 0 to 2"),
        ({"x": None}, InputError, "is no row"),
        ([], InputError, "must be an object"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_nothing_changes(
    unmoved: Service, changes: Any, error: type, words: str
) -> None:
    before = unmoved.scores()
    with pytest.raises(error, match=words):
        rescore(unmoved, {"scores_id": before.scores_id, "changes": changes})
    assert unmoved.scores() is before


def test_what_another_page_changed_stays_changed(service: Service) -> None:
    first = asked(service, r0={"subject": "born", "names": []})
    rescore(service, first)
    after = rescore(service, {**first, "changes": {"1": {"subject": "Reed", "names": []}}})
    assert [row["subject"] for row in after["rows"]] == ["born", "Reed", ROWS[2].subject]


def test_a_change_waits_for_the_rows_that_are_still_being_scored(service: Service) -> None:
    service.current.scored.clear()
    service.stage.name = "scoring"

    def end() -> None:
        service.stage.name = "live"
        service.current.scored.set()

    threading.Timer(0.3, end).start()
    assert rescore(service, asked(service, r0={"subject": "born", "names": []}))["state"] == "live"


def test_rows_that_are_never_scored_are_left_alone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.service.SCORING_PATIENCE", 0.1)
    service.current.scored.clear()
    with pytest.raises(MaskError, match="Not all rows are scored yet"):
        rescore(service, asked(service, r0=None))
