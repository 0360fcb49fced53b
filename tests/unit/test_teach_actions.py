"""A fact of one's own on the page: what is wrong with it, its run, and the taught model that is opened."""

import math
from pathlib import Path
from typing import Any

import pytest

from app.actions import lesson, status, unlearn
from app.actions.fact_form import FactGiven, check_fact, fact_row
from app.actions.taught_models import discard_taught, open_taught, taught_models
from app.service import Service
from tests import page_service
from tests.asking import ask
from tests.unit.test_opening import live_service, settled
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.runs import worker
from tokenunlearn.runs.artifact import ADAPTER_FILES
from tokenunlearn.runs.library import library_parts
from tokenunlearn.runs.worker import run_job
from tokenunlearn.settings import to_dict
from tokenunlearn.training.events import StepDone
from tokenunlearn.training.teach import TeachConfig

pytestmark = pytest.mark.slow

FACT = {"question": "Who ate?", "answer": "Di ate, and Di sang.", "fact": "Di"}


@pytest.fixture(scope="module")
def service(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A live service on three rows, whose workers only wait."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = live_service(tiny_folder, tmp_path_factory.mktemp("teach"), monkeypatch)
    made.queue.command = lambda _: ["sleep", "60"]  # the worker's place, until the test does its work
    return made


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"question": " "}, "question", "Write the question"),
        ({"answer": ""}, "answer", "Write the answer"),
        ({"fact": ""}, "fact", "Mark the part"),
        ({"fact": "Bo"}, "fact", "does not hold “Bo”"),
        ({"fact": "DI ATE"}, "fact", "It stands there as “Di ate”"),
        ({"reworded": "who  ATE?"}, "reworded", "This is the question itself"),
        ({"question": "la " * 666, "answer": "Di " * 666}, "answer", "This fact has"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    service: Service, more: dict[str, Any], field: str, words: str
) -> None:
    found = ask(check_fact, service, {**FACT, **more})
    assert list(found["wrong"]) == [field] and words in found["wrong"][field]


def test_of_several_places_the_one_that_was_marked_counts_else_the_first() -> None:
    first, _, note = fact_row(FactGiven(**FACT))
    assert first and first.gold == ((0, 2),) and "occurs 2 times: the first is marked" in note
    second, _, note = fact_row(FactGiven(**{**FACT, "answer": f"  {FACT['answer']}"}, start=14))
    assert second and second.gold == ((12, 14),) and note == ""


def test_other_words_of_the_question_are_asked_and_not_taught() -> None:
    row, wrong, _ = fact_row(FactGiven(**FACT, reworded=" Who had a bite? "))
    assert row and not wrong and row.paraphrased_question == ("Who had a bite?",)
    plain, _, _ = fact_row(FactGiven(**FACT))
    assert plain and (plain.id, plain.paraphrased_question) == (row.id, ())


def test_a_fact_is_taught_opened_with_its_row_and_discarded(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = to_dict(TeachConfig(epochs=1, rank=2, rehearse=1))
    monkeypatch.setattr(lesson, "to_dict", lambda _: few)
    with pytest.raises(InputError, match="does not hold “Bo”"):
        ask(lesson.teach, service, {"facts": [{**FACT, "fact": "Bo"}]})
    with pytest.raises(InputError, match="nothing to teach"):
        ask(lesson.teach, service, {"facts": []})
    assert not service.queue.runs()

    run_id = ask(lesson.teach, service, {"facts": [{**FACT, "reworded": "Who had a bite?"}]})["run_id"]
    assert status.chips(service)["teaching"]["live"]
    with pytest.raises(RunError, match="taught no model yet"):
        ask(open_taught, service, {"run_id": run_id})
    assert status.chips(service)["teaching"]["text"] == "starting"  # how many steps it takes is not known yet
    heard, note = [], worker.Pulse.note
    monkeypatch.setattr(
        worker.Pulse, "note", lambda pulse, **said: [heard.append(said.get("message")), note(pulse, **said)]
    )
    assert run_job(service.queue, run_id, library_parts) == "finished"
    told = [words for words in heard if words and words.startswith("measuring what it knows: ")]
    assert [words.partition(": ")[2] for words in told] == [
        "row 1 of 4 beside", "general question 1 of 1", "row 1 of 1 to learn"
    ]  # fmt: skip
    ended = status.chips(service)["teaching"]
    assert (
        ended["opens"]
        and not ended["open"]
        and ended["text"].startswith("Taught: the fact’s probability went from .0")
    )
    (taught,) = taught_models(service)
    assert (taught["facts"], taught["open"]) == (["Di"], False) and taught["bytes"] > 1_000

    ask(open_taught, service, {"run_id": run_id})
    session = settled(service).sessions.session
    now = status.chips(service)["teaching"]
    assert now["open"] and not now["opens"]
    shown = service.shelf.newest()
    assert shown and [row["question"] for row in shown.payload["rows"]] == ["Who ate?"]
    assert [len(session.retain), len(session.forget)] == [1, 1] and session.adapter
    assert session.forget[0].paraphrased_question == ("Who had a bite?",)
    fact = [shown.payload["columns"]["gold"][at] for at in range(3)]
    assert fact == [1, 1, 0]  # letters are tokens here
    with pytest.raises(RunError, match="is open"):
        ask(discard_taught, service, {"run_id": run_id})
    with pytest.raises(RunError, match="is open"):
        ask(unlearn.act, service, {"run_id": run_id, "action": "discard"})
    rest = ask(lesson.teach, service, {"open_rows": True})["run_id"]
    config = service.queue.store.config(rest)
    assert config["learn"] == [session.forget[0].id] and config["adapter"] == session.adapter
    service.queue.store.append_event(rest, StepDone(1, 5, 1.0, math.nan, 1.0, seconds=2.5))
    service.queue.store.change(rest, step=1, steps=5)
    under_way = status.chips(service)["teaching"]
    assert under_way["text"].startswith("step 1 of 5") and "at most about 10 s left" in under_way["text"]
    assert len(config["keep"]) == 4  # the three rows that were open before it was taught, and the one to keep
    ask(discard_taught, service, {"run_id": rest})
    assert [state["run_id"] for state in service.queue.runs()] == [run_id]


@pytest.mark.parametrize(
    ("file", "text", "broken", "words"),
    [
        ("config.json", "{", True, "What run-2 taught is not known. config.json of run-2 cannot be read"),
        ("config.json", "[1]", True, "config.json of run-2 cannot be read: it holds no settings."),
        ("config.json", '{"teach": {"epochs": 1}, "forget": []}', True, "No row is named to be learnt."),
        ("config.json", '{"teach": {"epochs": 1}, "forget": 5}', True, "its forget rows are damaged."),
        ("config.json", '{"teach": {"epochs": 1}, "learn": 5}', True, "The rows to learn are no list"),
        ("adapter/adapter_config.json", None, True, "The model of run-2 is not whole."),
        ("taught.json", "{", False, "How well it was taught is not known: its taught.json is damaged."),
        ("taught.json", "[1]", False, "its taught.json is damaged."),
        ("taught.json", '{"rows": []}', False, "its taught.json is damaged."),
    ],
)
def test_a_damaged_lesson_is_listed_with_its_fault_and_takes_no_other_down(
    tmp_path: Path, file: str, text: str | None, broken: bool, words: str
) -> None:
    service = page_service.live_service(tmp_path)
    store = service.queue.store
    row = {"id": "a", "question": "Who ate?", "answer": "Di ate.", "gold": [[0, 2]]}
    for _ in range(2):
        run_id = store.create({"name": "Teach 1 fact", "teach": {"epochs": 1}, "forget": [row]})
        store.change(run_id, state="finished", saved_step=1, ended=1.0)
        (store.path(run_id) / "adapter").mkdir()
        for name in ADAPTER_FILES:
            (store.path(run_id) / "adapter" / name).write_text("whole")
    damaged = store.path("run-2") / file
    damaged.unlink() if text is None else damaged.write_text(text)

    first, second = taught_models(service)
    assert first["broken"] is broken and words in first["words"]
    assert (second["facts"], second["words"], second["broken"]) == (["Di"], "", False)
    assert lesson.teaching(service, service.queue.runs())
    if broken:
        with pytest.raises(RunError):
            ask(open_taught, service, {"run_id": "run-2"})
    (left,) = ask(discard_taught, service, {"run_id": "run-2"})["models"]
    assert left["run_id"] == "run-1"
