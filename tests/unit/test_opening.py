"""Other rows and another model in a running service, on tiny models: the open ones stay until then."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.actions import compare, opening, probe, status, tokens
from app.actions.subjects import rescore, subject_choices
from app.service import Service
from app.sessions.session import Options, Session
from tests.asking import ask, start
from tests.page_service import first_summary
from tests.tiny_folder import make_tiny_folder
from tests.tiny_rows import RETAIN, ROWS, WORLD, write_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import ModelError, TokenUnlearnError
from tokenunlearn.models import loading
from tokenunlearn.runs.run_rows import rows_of

pytestmark = pytest.mark.slow

SECONDS = 60


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second tiny model."""
    return make_tiny_folder(tmp_path_factory.mktemp("other"))


def live_service(tiny_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A live service on three rows, whose workers do not start."""
    monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)
    rows = write_rows(folder / "rows.jsonl", (*ROWS[:3], WORLD), RETAIN[:1])
    made = Service(Options(str(tiny_folder), data=str(rows), runs=folder / "runs"))
    made.queue.command = lambda _: ["true"]
    made.sessions.load_now()
    assert made.sessions.stage.name == "live", made.sessions.stage.error
    return made


@pytest.fixture
def service(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service of the test's own."""
    return live_service(tiny_folder, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def unmoved(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A service for tests that change nothing."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return live_service(tiny_folder, tmp_path_factory.mktemp("unmoved"), monkeypatch)


@pytest.fixture
def other_rows(tmp_path: Path) -> str:
    """A file with columns of its own names, a bad row and one to keep."""
    path = tmp_path / "other.csv"
    path.write_text(
        "ask,reply,kind\nWho sang?,Bo sang.,\nWho ran?,,\nWho sat?,<b>Cy</b> sat.,\n"
        "Who ate?,Di ate.,retain\n",
        encoding="utf-8",
    )
    return str(path)


COLUMNS = {"question": "ask", "answer": "reply", "split": "kind"}


def settled(service: Service) -> Service:
    """The service once nothing moves; the test fails when that takes too long."""
    for thread in threading.enumerate():
        if thread.name == "load":
            thread.join(SECONDS)
    assert not service.sessions.moving
    return service


def shown_id(service: Service) -> str:
    return service.shelf.newest().scores_id


def test_other_rows_take_the_place_of_the_open_ones_under_the_same_model(
    service: Service, other_rows: str, tmp_path: Path
) -> None:
    model, first = service.sessions.model(), service.shelf.newest()
    plan = first_summary(service)["plan"]
    assert ask(opening.open_rows, service, {"path": other_rows, "columns": COLUMNS})["rows"] == 2
    settled(service)
    assert service.sessions.model() is model and shown_id(service) != first.scores_id
    payload = tokens.shown_payload(service)
    assert [row["answer"] for row in payload["rows"]] == ["Bo sang.", "<b>Cy</b> sat."]
    assert [row.answer for row in service.sessions.session.rows.retain] == ["Di ate."]
    chips = status.chips(service)
    assert chips["data"] == {"text": "2 forget · 1 retain", "detail": "other.csv"} and not chips["busy"]
    # a run of the scores that were shown before is of their rows
    (run_id,) = start(service, plan, {"steps": 1}, controls=[])
    config = service.queue.store.config(run_id)
    assert [row["id"] for row in config["forget"]] == [row.id for row in ROWS[:3]]
    assert config["retain"][0]["id"] == RETAIN[0].id
    # and the first rows, opened again, have the scores and so the drafts that they had
    ask(opening.open_rows, service, {"path": str(tmp_path / "rows.jsonl")})
    assert shown_id(settled(service)) == first.scores_id


def test_a_set_by_name_takes_the_place_of_the_open_rows(service: Service, tmp_path: Path) -> None:
    folder = tmp_path / "tofu"
    folder.mkdir()
    (folder / "forget01.json").write_text('{"question": "Who sang?", "answer": "Bo sang."}\n', "utf-8")
    (folder / "retain99.json").write_text('{"question": "Who ran?", "answer": "Cy ran."}\n', "utf-8")
    given = {"set": "tofu_forget01", "place": str(folder)}
    assert ask(opening.open_rows, service, given)["rows"] == 1
    payload = tokens.shown_payload(settled(service))
    assert [row["id"] for row in payload["rows"]] == ["forget01-0"]
    assert status.chips(service)["data"] == {"text": "1 forget · 1 retain", "detail": "tofu_forget01"}


def test_every_split_of_a_file_is_told_and_stands_in_its_runs(service: Service, tmp_path: Path) -> None:
    """What is held out and what has choices is probed with a run as on the command line."""
    asked = Row("which", "Which?", "x", choices=("x", "y"), correct=0, split="choice")
    held, unread = (replace(ROWS[at], split="holdout") for at in (3, 4))
    unread = replace(unread, answer="a" * 3_000, gold=())
    path = write_rows(tmp_path / "all.jsonl", [*ROWS[:2], held, unread, asked], RETAIN)
    assert ask(opening.preview_rows, service, {"path": str(path)})["choice"] == 1
    ask(opening.open_rows, service, {"path": str(path)})
    settled(service)
    told = status.chips(service)["data"]["text"]
    assert told == "2 forget · 4 retain · 1 held out · 1 with choices · 1 left out"
    (run_id,) = start(service, first_summary(service)["plan"], {"steps": 1}, controls=[])
    service.queue.store.change(run_id, state="finished")
    rival = ask(compare.start_rival, service, {"run_id": run_id, "name": "icul"})
    for each in (run_id, rival):
        rows = rows_of(service.queue.store.config(each))
        assert [row.id for row in rows.choice] == ["which"] and [row.id for row in rows.holdout] == [held.id]
    lines = {line["run_id"]: line["settings"] for line in compare.runs(service)["runs"]}
    assert list(lines[rival]["choice rows"])[:2] == ["Choice rows", "1"]
    assert list(lines[run_id]["holdout rows"])[:2] == ["Holdout rows", "1"]


def test_a_row_that_cannot_be_scored_is_left_out_with_its_reason_until_a_model_can_read_it(
    service: Service, tmp_path: Path
) -> None:
    long, kept = (replace(row, answer="a" * 3_000, gold=()) for row in (ROWS[1], RETAIN[1]))
    path = write_rows(tmp_path / "long.jsonl", [ROWS[0], long, ROWS[2]], [RETAIN[0], kept])
    ask(opening.open_rows, service, {"path": str(path)})
    payload = tokens.shown_payload(settled(service))
    assert service.sessions.stage.name == "live" and all(row["scored"] for row in payload["rows"])
    assert [row["id"] for row in payload["rows"]] == ["ada", "cleo"]
    assert [each["id"] for each in payload["left_out"]] == ["bob", kept.id]
    assert payload["left_out"][0]["reason"].startswith("Row bob has 3,0")
    assert status.chips(service)["data"]["text"] == "2 forget · 1 retain · 2 left out"
    plan = first_summary(service)["plan"]
    (run_id,) = start(service, plan, {"steps": 1}, controls=[])
    config = service.queue.store.config(run_id)
    assert [[row["id"] for row in config[part]] for part in ("forget", "retain")] == [
        ["ada", "cleo"],
        [RETAIN[0].id],
    ]
    # the subject of the row that stands last is asked for, not that of the one left out before it
    choices = ask(subject_choices, service, {"scores_id": shown_id(service), "row": 1})
    assert choices["given"] == ROWS[2].subject
    # another model, which may cut them into fewer tokens, is asked about all rows
    other = service.sessions.session.with_model(None, None, "auto")
    assert [row.id for row in other.forget] == ["ada", "bob", "cleo"]


def test_rows_of_which_none_can_be_scored_are_not_opened(service: Service, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "long.jsonl", [replace(row, answer="a" * 3_000, gold=()) for row in ROWS])
    before = shown_id(service)
    ask(opening.open_rows, service, {"path": str(path)})
    assert settled(service).sessions.opening is not None and shown_id(service) == before
    assert service.sessions.opening.stage.error.startswith("Row ada has 3,0")


def test_another_model_takes_over_and_the_old_scores_are_never_mixed_with_it(
    service: Service, other_folder: Path
) -> None:
    first = service.shelf.newest()
    ask(opening.open_model, service, {"source": "folder", "name": str(other_folder), "precision": "fp32"})
    settled(service)
    assert service.sessions.model().source == str(other_folder) and shown_id(service) != first.scores_id
    assert status.chips(service)["opening"] is None
    with pytest.raises(ModelError, match="no longer open"):
        ask(tokens.compute_signal, service, {"scores_id": first.scores_id, "name": "knowledge_subject"})
    with pytest.raises(TokenUnlearnError, match="no longer open"):
        ask(rescore, service, {"scores_id": first.scores_id, "changes": {"0": None}})
    plan = first_summary(service)["plan"]
    (run_id,) = start(service, plan, {"steps": 1}, controls=[])
    config = service.queue.store.config(run_id)
    assert (config["model"], config["precision"]) == (str(other_folder), "fp32")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"source": "folder", "name": "/no/such/folder"}, "no folder /no/such/folder. Check the path."),
        ({"source": "folder", "name": "a\0b"}, "The server has no folder"),
        ({"source": "folder", "name": "~nobody-at-all/x"}, "The server has no folder"),
        ({"source": "folder", "name": "x" * 300}, "The server has no folder"),
        ({"source": "folder", "name": " "}, "name is missing"),
        ({"source": "web", "name": "x"}, "source is web. It must be one of: embedded, folder, hub"),
        ({"source": "hub", "name": "."}, ". is a folder of this machine. Choose Folder"),
        ({"source": "folder", "name": ".", "precision": "fp8"}, "precision is 'fp8'"),
        ([], "must be an object"),
    ],
)
def test_a_model_that_cannot_be_meant_is_refused_at_once(unmoved: Service, asked: Any, words: str) -> None:
    with pytest.raises(TokenUnlearnError) as caught:
        ask(opening.open_model, unmoved, asked)
    assert words in str(caught.value)
    assert unmoved.sessions.opening is None and unmoved.sessions.stage.name == "live"


@pytest.mark.parametrize(("adapter", "meant"), [(None, "target"), ("", None), ("/a/b", "b")])
def test_the_embedded_model_comes_with_its_adapter_another_or_none(
    unmoved: Service, monkeypatch: pytest.MonkeyPatch, adapter: str | None, meant: str | None
) -> None:
    asked: list[Session] = []
    monkeypatch.setattr(unmoved.sessions, "open", asked.append)
    ask(opening.open_model, unmoved, {"source": "embedded", "name": "", "adapter": adapter})
    assert asked[0].model_name is None
    assert (asked[0].adapter and Path(asked[0].adapter).name) == meant


def test_a_model_that_cannot_be_loaded_leaves_the_old_one(service: Service, tmp_path: Path) -> None:
    model, first = service.sessions.model(), service.shelf.newest()
    ask(opening.open_model, service, {"source": "folder", "name": str(tmp_path)})
    settled(service)
    failed = status.chips(service)["opening"]
    assert (failed["state"], failed["keeps"]) == ("error", True)
    assert f"The folder {tmp_path} holds no model. It has no config.json." in failed["error"]
    assert (
        service.sessions.model() is model
        and service.shelf.newest() is first
        and service.sessions.stage.name == "live"
    )
    ask(tokens.compute_signal, service, {"scores_id": first.scores_id, "name": "knowledge_subject"})
    opening.cancel_opening(service)
    assert status.chips(service)["opening"] is None


def test_a_load_can_be_given_up_and_its_model_never_appears(
    service: Service, other_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, load = threading.Event(), loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda *given: (gate.wait(SECONDS), load(*given))[1])
    model, first = service.sessions.model(), service.shelf.newest()
    ask(opening.open_model, service, {"source": "folder", "name": str(other_folder)})
    chips = status.chips(service)
    assert chips["busy"] and chips["opening"]["text"].startswith("loading the model, ")
    # the old model answers meanwhile
    ask(tokens.compute_signal, service, {"scores_id": first.scores_id, "name": "knowledge_subject"})
    opening.cancel_opening(service)
    assert not status.chips(service)["busy"] and status.chips(service)["opening"] is None
    gate.set()
    settled(service)
    assert service.sessions.model() is model and shown_id(service) == first.scores_id


def test_the_first_model_can_be_given_up_and_another_opened(
    tiny_folder: Path, other_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)
    gate, load = threading.Event(), loading.load_model

    def held(name: str, *given: Any) -> Any:
        assert name != str(tiny_folder) or gate.wait(SECONDS)
        return load(name, *given)

    monkeypatch.setattr(loading, "load_model", held)
    rows = write_rows(tmp_path / "rows.jsonl", ROWS[:1])
    service = Service(Options(str(tiny_folder), data=str(rows), runs=tmp_path / "runs"))
    service.sessions.start()
    assert status.chips(service)["opening"]["keeps"] is False
    opening.cancel_opening(service)
    assert not service.sessions.moving and tokens.shown_payload(service) == {"rows": [], "message": ""}
    with pytest.raises(ModelError, match="None was loaded"):
        service.sessions.model()
    load_of_other = service.sessions.open(
        service.sessions.session.with_model(str(other_folder), None, "fp32")
    )
    while service.sessions.current is not load_of_other and not load_of_other.stage.error:
        threading.Event().wait(0.01)
    gate.set()
    assert settled(service).sessions.model().source == str(other_folder)


def test_rows_opened_while_the_first_model_is_loading_wait_for_it(
    tiny_folder: Path, other_rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)
    gate, load, loads = threading.Event(), loading.load_model, list[Any]()

    def held(*given: Any) -> Any:
        loads.append(given[0])
        assert gate.wait(SECONDS)
        return load(*given)

    monkeypatch.setattr(loading, "load_model", held)
    rows = write_rows(tmp_path / "rows.jsonl", ROWS)
    service = Service(Options(str(tiny_folder), data=str(rows), runs=tmp_path / "runs"))
    service.sessions.start()
    ask(opening.open_rows, service, {"path": other_rows, "columns": COLUMNS})
    # Given up, the first session goes on; opened once more, they wait again.
    opening.cancel_opening(service)
    assert service.sessions.moving and service.sessions.opening is None
    ask(opening.open_rows, service, {"path": other_rows, "columns": COLUMNS})
    gate.set()
    assert len(settled(service).sessions.session.rows.forget) == 2 and service.sessions.stage.name == "live"
    assert loads == [str(tiny_folder)]


def test_a_run_of_another_model_has_no_before_here(service: Service, other_folder: Path) -> None:
    plan = first_summary(service)["plan"]
    (run_id,) = start(service, plan, {"steps": 1}, controls=[])
    with pytest.raises(TokenUnlearnError, match="has saved no adapter yet"):
        ask(probe.ask, service, {"run": run_id, "question": "Who?"})
    ask(opening.open_model, service, {"source": "folder", "name": str(other_folder), "precision": "fp32"})
    settled(service)
    with pytest.raises(TokenUnlearnError, match=f"{run_id} began with .* Another model is open"):
        ask(probe.ask, service, {"run": run_id, "question": "Who?"})
