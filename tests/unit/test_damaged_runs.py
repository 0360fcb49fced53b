"""Values that a reader cannot use in one file of one run: it says so, and every list still has the others.

What may happen to whole files is tried in tests/faults.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.actions import compare, probe, run_folder, run_tokens, status, unlearn
from app.actions.taught_models import taught_models
from app.service import Service
from app.views.runs import run_line
from tests.asking import ask
from tests.page_service import live_service
from tests.recorded_page import ANSWER, finished_run
from tokenunlearn.errors import RunError
from tokenunlearn.training.events import StepDone

CUT, NOT_TEXT, DEEP = b'{"before":', b"\xff\xfe", b"[" * 100_000
CONTENT = [CUT, NOT_TEXT, DEEP]
WRONG: dict[str, list[dict[str, Any]]] = {
    "config.json": [{"training": 5}, {"forget": 7}, {"attack": [1]}, {"adapter": 5}],
    "probes.json": [
        {"before": 5},
        {"before": {"summary": {"retain": "x"}}},
        {"after": {"summary": {"retain": 10**400}}},
        {"before": {"summary": {}, "answers": [{}]}},
        {"before": {"summary": {}, "tokens": [1]}},
    ],
    "state.json": [{}],
}
STATES: list[dict[str, Any]] = [
    {"kind": "dream"},
    {"kind": ["training"]},
    {"state": "dreaming"},
    {"step": "x"},
    {"steps": None},
    {"heartbeat": "x"},
]
DAMAGE = [
    *((name, content) for name in WRONG for content in CONTENT),
    *((name, json.dumps(record).encode()) for name, records in WRONG.items() for record in records),
]
READERS: dict[str, Callable[[Service, str, str], bool]] = {
    "compare": lambda service, good, _: good in {each["run_id"] for each in compare.runs(service)["runs"]},
    "curves": lambda service, good, bad: (
        [each["run_id"] for each in ask(compare.curves, service, {"runs": [bad, good]})["series"]]
        == [bad, good]
    ),
    "chips": lambda service, good, _: good in status.chips(service)["run"]["ended"],
    "beat": lambda service, good, _: good in status.beat(service)["stamp"],
    "follow": lambda service, good, bad: all(
        unlearn.follow(service, each)["shown"] == each for each in (good, bad)
    ),
    "discard": lambda service, good, _: unlearn.refuse_in_use(service, good) is None,
    "probe menu": lambda service, good, _: good in {run for _, run in probe.run_choices(service)},
    "attacks": lambda service, good, _: probe.attacks(service, good)[0]["results"] == [],
    "queue": lambda service, good, _: good in {each["run_id"] for each in service.queue.runs()},
}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def two(service: Service) -> tuple[str, str, Path]:
    store = service.queue.store
    bad, good = (finished_run(store, arm, 0.1, "forgot", ANSWER) for arm in ("chosen", "random"))
    return bad, good, store.path(bad)


def taken_down(service: Service, good: str, bad: str) -> list[str]:
    """Return the readers that a damaged run takes the good one from."""
    service.compared.clear()
    return [name for name, has in READERS.items() if not has(service, good, bad)]


def test_no_record_of_other_types_takes_the_others_from_any_list(service: Service) -> None:
    bad, good, folder = two(service)
    whole = {name: (folder / name).read_bytes() for name in WRONG}
    state = json.loads(whole["state.json"])
    damage = [*DAMAGE, *(("state.json", json.dumps({**state, **each}).encode()) for each in STATES)]
    assert taken_down(service, good, bad) == []
    for name, content in damage:
        (folder / name).write_bytes(content)
        assert taken_down(service, good, bad) == [], (name, content)
        lines = {each["run_id"]: each for each in compare.runs(service)["runs"]}
        assert lines[bad]["text"].count(f"{name} of {bad} cannot be read") == 1, (name, content)
        assert len(lines[bad]["faults"]) == 1 and lines[good]["faults"] == []
        (folder / name).write_bytes(whole[name])


def test_a_state_of_a_newer_version_is_not_written_over_and_can_be_discarded(service: Service) -> None:
    bad, _, folder = two(service)
    state = {**json.loads((folder / "state.json").read_text()), "kind": "dream"}
    (folder / "state.json").write_text(json.dumps(state))
    assert run_line(service.queue.store.state(bad))["buttons"] == ["Discard…"]
    for act in (service.queue.resume, service.queue.keep):
        with pytest.raises(RunError, match="its kind is 'dream'"):
            act(bad)
    assert json.loads((folder / "state.json").read_text()) == state
    ask(run_folder.discard, service, {"run_id": bad})
    (discarded,) = compare.runs(service)["discarded"]
    assert discarded == {"run_id": bad, "name": state["name"], "state": "damaged"}


def test_what_one_run_alone_is_asked_for_is_refused_in_a_sentence(service: Service) -> None:
    bad, _, folder = two(service)
    (folder / "probes.json").write_bytes(CUT)
    for asked in (probe.show, lambda given, run: ask(run_tokens.run_tokens, given, {"run_id": run})):
        with pytest.raises(RunError, match=f"probes.json of {bad} cannot be read"):
            asked(service, bad)


def test_events_of_a_newer_version_are_passed_over(service: Service) -> None:
    bad, good, folder = two(service)
    known = StepDone(1, 3, 0.5, 0.4, 0.3, 0.1)
    service.queue.store.append_event(bad, known)
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"event": "Dreamed"}\n[]\n{"event": "StepDone"}\n')
    assert service.results.events(bad)[-1] == known
    assert taken_down(service, good, bad) == []


def test_a_damaged_lesson_takes_neither_the_chips_nor_the_others(service: Service) -> None:
    store = service.queue.store
    row = {"id": "a", "question": "q", "answer": "b"}
    lessons = [store.create({"teach": {"epochs": 1}, "forget": [row], "name": "t"}) for _ in range(2)]
    for each in lessons:
        store.change(each, state="finished", saved_step=1, ended=1.0)
    bad = store.path(lessons[1])
    whole = (bad / "config.json").read_bytes()
    for name in ("taught.json", "config.json"):
        for content in (*CONTENT, b'{"rows": []}', b'{"rows": [{"before": "x"}], "kept": 0, "still": 0}'):
            (bad / name).write_bytes(content)
            assert [each["run_id"] for each in taught_models(service)] == lessons[::-1], (name, content)
            assert name == "config.json" or "damaged" in status.chips(service)["teaching"]["text"]
        (bad / name).write_bytes(whole) if name == "config.json" else (bad / name).unlink()
