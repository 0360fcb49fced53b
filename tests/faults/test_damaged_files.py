"""Each file of a run broken in each way, behind each door: nothing goes down, and each is said.

The cases are made from the table of files (`runs/run_files.py`): a new file is among them by itself.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import parts
from app.actions import compare, marks, masks, probe, unlearn
from app.actions.taught_models import taught_models
from app.service import Service
from app.sessions.session import Options
from tests.asking import ask
from tests.faults.whole_runs import broken, damages, whole_run
from tests.page_service import draft, live_service
from tests.recorded_page import report
from tokenunlearn.cli.attack import _folder as attacked
from tokenunlearn.documents.sources import open_source
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.passes import SubjectEdit
from tokenunlearn.runs.damage import CACHES
from tokenunlearn.runs.kept_scores import read_scores
from tokenunlearn.runs.kept_subjects import read_subjects, write_subjects
from tokenunlearn.runs.mask_store import text_folder
from tokenunlearn.runs.measured import kept
from tokenunlearn.runs.run_files import RUN_FILES
from tokenunlearn.runs.store import RunStore
from tokenunlearn.scoring import ScoreConfig

pytestmark = pytest.mark.slow  # 441 cases, a dozen seconds of a processor

# A kind of run whose folder holds each file in use, and the state that it stands in; others are of training.
HOLDS = {
    "checkpoint/checkpoint.safetensors": "training, paused",
    "gradients.json": "gradients, finished",
    "perturb.json": "perturb, finished",
    "sweep.jsonl": "sweep, finished",
    "taught.json": "teach, finished",
    "beside.json": "teach, finished",
}
TRAINED = "training, finished"
# Where a file that is no longer there is none that was lost: what it would hold has perhaps never been.
MAY_BE_MISSING = {"artifact.json", "attacks.json", "depth.json", "note.json", "request.json", "log.txt"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Service, str, str]]:
    """By kind and state: a page's service with such a run and a whole one beside it, and their ids."""
    made = {}
    for holder in dict.fromkeys((TRAINED, *HOLDS.values())):
        service = live_service(tmp_path_factory.mktemp("runs"))
        held = whole_run(service.queue, *holder.split(", "))
        made[holder] = (service, held, whole_run(service.queue, "training"))
    return made


Doors = dict[str, Callable[[], str]]


def doors(service: Service, run_id: str, good: str) -> Doors:
    """What each door says of one run, the other one being there as well."""
    folder = service.queue.store.path(run_id)
    return {
        "running page": lambda: page(service, run_id, good),
        "start": lambda: page(Service(Options(model="tiny", runs=folder.parent)), run_id, good),
        "command line": lambda: f"{said(lambda: open_source(folder).notes)} {said(lambda: attacked(folder))}",
    }


def page(service: Service, run_id: str, good: str) -> str:
    """What the tabs and chips say of a run."""
    assert {run_id, good} <= {each for each, *_ in parts.look(service, run_id, run_id).runs}
    value, follow = compare.runs(service), unlearn.follow(service, run_id)
    lines = {line["run_id"]: line for line in (*value["runs"], *value["sweeps"])}
    assert lines[good]["faults"] == [] and lines[good]["after"]["fact_joint"] == 0.1
    assert follow["shown"] == run_id and good in {run for _, run in probe.run_choices(service)}
    taught_models(service)
    (card,) = [line["text"] for line in follow["runs"] if line["run_id"] == run_id]
    listed = lines.get(run_id, {})
    return str([card, listed.get("text"), listed.get("note"), said(lambda: probe.show(service, run_id))])


def said(read: Callable[[], Any]) -> str:
    """What is read, or the sentence of an expected error."""
    try:
        return str(read())
    except TokenUnlearnError as error:
        return str(error)


@pytest.mark.parametrize("name", RUN_FILES)
def test_each_damage_of_a_file_is_said_behind_each_door(
    name: str, services: dict[str, tuple[Service, str, str]]
) -> None:
    service, run_id, good = services[HOLDS.get(name, TRAINED)]
    path, asked = service.queue.store.path(run_id) / name, doors(service, run_id, good)
    tried = 0
    for damage, act in damages(path.name, path.read_bytes()):
        mend = broken(path, act)
        told = {door: path.name in read() for door, read in asked.items()}
        mend()
        assert set(told.values()) == {not is_whole(name, damage)}, (damage, told)
        tried += len(told)
    assert tried >= 24
    assert not any("cannot be read" in read() for read in asked.values()), "what was mended is read again"


def is_whole(name: str, damage: str) -> bool:
    """Whether a file that was changed in this way is whole all the same."""
    if name == "log.txt":  # any text is one
        return damage not in ("not readable", "a pipe")
    return damage == "missing" and name in MAY_BE_MISSING


@pytest.mark.parametrize("name", CACHES)
def test_a_damaged_cache_is_none(name: str, tmp_path: Path) -> None:
    row = {"signals": {"entropy": [0.5]}, "as_is": [[["a", 0.5]]], "masked": [[["a", 0.5]]], "names": [""]}
    whole = {"report": report("x", "forgot", 0.1), "scores": [row]}[name]
    made = {"report": {"summary": {"retain": 0.5}}, "scores": [row, row]}[name]
    path = tmp_path / f"{name}-1.json"
    content = json.dumps(whole).encode()
    path.write_bytes(content)
    assert kept(path, lambda: made) == json.loads(content)
    for damage, act in damages(path.name, content):
        mend = broken(path, act)
        again = made if damage == "not readable" else None  # nothing can be put in the place of a folder
        assert kept(path, lambda: made) == made == kept(path, lambda again=again: again), damage
        mend()


def test_a_damaged_counter_gives_no_number_twice(tmp_path: Path) -> None:
    store, given = RunStore(tmp_path), list[str]()
    for _, act in damages(".last_number", b"7"):
        given.append(store.create({"forget": []}))
        broken(tmp_path / ".last_number", act)
        given.append(store.create({"forget": []}))
        if (tmp_path / ".last_number").is_dir():
            (tmp_path / ".last_number").rmdir()
    assert len(set(given)) == len(given) == 16


def test_scores_of_other_tokens_than_their_name_says_are_none(tmp_path: Path) -> None:
    path = tmp_path / "scores-1.json"
    path.write_text(json.dumps([{"signals": {}, "as_is": [], "masked": [], "names": []}]))
    assert read_scores(path, [], ScoreConfig()) is None


KEPT = ("draft.json", "subjects.json", "mask-1.jsonl", "marks.json", "marks-1.json")


@pytest.mark.parametrize("name", KEPT)
def test_what_was_kept_of_a_text_and_cannot_be_read_is_said_and_stands_in_nobodys_way(
    name: str, tmp_path: Path
) -> None:
    service = live_service(tmp_path)
    shown = {"text_id": "t1", "scores_id": "s1"}
    ask(masks.save_draft, service, {**shown, **draft(), "base": 0})
    ask(masks.save_mask, service, draft(name="first"))
    ask(marks.save, service, {**shown, "rows": {}, "save": "a", "base": 0})
    store = marks.marks_store(service)
    store.add_set("t1", "first", {"r0": {"fact": [[0, 3]], "other": [], "seen": True}})
    write_subjects(service.queue.store.root, "t1", {"r0": SubjectEdit("Bo", ("Cy",))})
    path = text_folder(service.queue.store.root, "t1") / name
    content = path.read_bytes()

    def seen() -> str:
        kept_masks, kept_marks = ask(masks.kept, service, shown), ask(marks.kept, service, shown)
        read_subjects(service.queue.store.root, "t1")
        return f"{kept_masks['damage']} {kept_marks['damage']}"

    assert seen().strip() == ""
    for damage, act in damages(name, content):
        broken(path, act)
        assert (name in seen()) == (damage != "missing"), (damage, seen())
        ask(masks.save_draft, service, {**shown, **draft(), "base": 1})
        ask(marks.save, service, {**shown, "rows": {}, "save": "b", "base": 1})
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": {"mode": "zz"}}, "mode is 'zz'"),
        ({"rule": {"normaliser": "zz"}}, "normaliser is 'zz'"),
        ({"rule": {"fraction": "0.3"}}, "fraction is '0.3'"),
        ({"rule": {"exclude_subjects": "no"}}, "exclude_subjects is 'no'"),
        ({"rule": {"of_a_newer_version": 1}}, "'of_a_newer_version' is not a setting"),
        ({"rule": {"knowledge": "zz"}}, "there is no signal 'zz'"),
        ({"overrides": {"0": "zz"}}, "overrides › 0 is not in or out"),
        ({"overrides": {"0": ["in"]}}, "overrides › 0 is not in or out"),
        ({"overrides": {"x": "in"}}, "overrides › x names no token"),
        ({"overrides": {"99999": "in"}}, "token 99999 is not in this text"),
        ({"notes": {"99999": {"note": "why", "time": 1}}}, "token 99999 is not in this text"),
        ({"notes": {"0": {"note": "why", "time": "then"}}}, "notes › 0 › time is no finite number"),
    ],
)
def test_a_draft_of_another_version_is_said_and_put_aside_by_the_next_save(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    service = live_service(tmp_path)
    shown = {"text_id": "t1", "scores_id": "s1"}
    ask(masks.save_draft, service, {**shown, **draft(), "base": 0})
    path = text_folder(service.queue.store.root, "t1") / "draft.json"
    newer = json.dumps({**json.loads(path.read_text()), **change})
    path.write_text(newer)
    found = ask(masks.kept, service, shown)
    assert found["draft"] is None and said in found["damage"]
    assert ask(masks.save_draft, service, {**shown, **draft(), "base": 0})["taken"]
    assert [each.read_text() for each in path.parent.glob("draft-damaged-*.json")] == [newer]
    assert ask(masks.kept, service, shown)["damage"] == ""
