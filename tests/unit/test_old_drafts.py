"""A folder of runs written by 89070e2 (tests/data/runs_89070e2): drafts, masks, subjects are found again."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.actions import masks
from app.actions.old_drafts import adopt_when_scored
from app.actions.subjects import rescore
from app.service import Service
from app.sessions.session import Options, session_rows
from tests.asking import ask
from tokenunlearn.models.loading import load_model
from tokenunlearn.rescoring import unscored
from tokenunlearn.runs import disk
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.old_drafts import adopt, left_over
from tokenunlearn.runs.store import TEXTS
from tokenunlearn.scoring import ScoreConfig, new_scores

pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[1] / "data" / "runs_89070e2"
BEFORE, EDITED, BF16 = "4fe080e71a85", "54bda1c46b7d", "e37644e06fd5"
NOTES = {"3": "the fact", "9": "ask Ada", "11": "later"}
OVERRIDES = {"3": "in", "11": "in", "20": "out"}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path) -> Path:
    """A copy of the old folder, in a directory that has the model and the rows under the names it knows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("app.sessions.opening.measure_before", lambda *_: None)
    shutil.copytree(tiny_folder, "tiny")
    shutil.copy(DATA / "rows.jsonl", tmp_path)
    return Path(shutil.copytree(DATA / "runs", "runs"))


def opened(model: str = "tiny", precision: str = "fp32") -> Service:
    service = Service(Options(model, data="rows.jsonl", precision=precision, runs=Path("runs")))
    adopt_when_scored(service)
    service.sessions.load_now()
    assert service.sessions.stage.name == "live", service.sessions.stage.error
    return service


def kept(service: Service) -> dict[str, Any]:
    shown = service.shelf.newest()
    assert shown is not None
    return ask(masks.kept, service, {"text_id": shown.text_id, "scores_id": shown.scores_id})


def old_files(runs: Path) -> dict[str, bytes]:
    files = [*(runs / ".masks").rglob("*"), *(runs / ".subjects").rglob("*")]
    return {str(path): path.read_bytes() for path in files if path.is_file()}


def check(service: Service) -> None:
    """Everything that the old folder held is there, once."""
    found = kept(service)
    draft = found["draft"]
    assert draft["overrides"] == OVERRIDES
    assert {at: entry["note"] for at, entry in draft["notes"].items()} == NOTES
    assert draft["rule"]["k"] == 2
    assert service.shelf.newest().payload["rows"][0]["subject"] == "born"
    by_name = {mask["name"]: mask for mask in found["masks"]}
    assert len(found["masks"]) == 3 and set(by_name) > {"Ada", "Bo"}
    (other,) = set(by_name) - {"Ada", "Bo"}
    assert other.startswith("Draft of ")

    def loaded(name: str) -> dict[str, Any]:
        question = {"scores_id": service.shelf.newest().scores_id, "id": by_name[name]["id"]}
        return ask(masks.load_mask, service, question)

    ada = loaded("Ada")
    assert ada["overrides"] == {"3": "in", "20": "out"} and by_name["Ada"]["scores_id"] == BEFORE
    assert {at: entry["note"] for at, entry in ada["notes"].items()} == {"3": "the fact", "9": "ask Ada"}
    assert loaded("Bo")["overrides"] == {"4": "in"}
    assert (loaded(other)["overrides"], loaded(other)["rule"]["k"]) == ({"7": "out"}, 5)
    assert loaded(other)["notes"]["7"]["note"] == "in bf16"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_newest_draft_is_the_draft_and_the_others_are_named_masks(runs: Path, precision: str) -> None:
    before = old_files(runs)
    check(opened(precision=precision))
    check(opened(precision=precision))  # a second start adopts nothing twice
    assert old_files(runs) == before


def test_what_is_decided_after_it_was_adopted_stays_decided(runs: Path) -> None:
    service = opened()
    shown, draft = service.shelf.newest(), kept(service)["draft"]
    given = {
        "text_id": shown.text_id,
        "scores_id": shown.scores_id,
        "set": "tiny",
        "rule": {},
        "overrides": {"5": "in"},
    }
    assert ask(masks.save_draft, service, {**given, "base": draft["version"]})["taken"]
    (bo,) = (mask for mask in kept(service)["masks"] if mask["name"] == "Bo")
    ask(masks.remove_mask, service, {"scores_id": shown.scores_id, "id": bo["id"]})
    ask(rescore, service, {"scores_id": shown.scores_id, "changes": {"0": None}})
    again = opened()
    assert kept(again)["draft"]["overrides"] == {"5": "in"}
    assert "Bo" not in {mask["name"] for mask in kept(again)["masks"]} and len(kept(again)["masks"]) == 2
    assert again.shelf.newest().payload["rows"][0]["subject"] == "Ada Moss"
    assert (runs / ".subjects" / f"{BEFORE}.json").is_file()


def test_a_draft_that_the_text_has_already_is_not_replaced(runs: Path) -> None:
    shown = opened().shelf.newest()
    ids = {"text_id": shown.text_id, "scores_id": shown.scores_id}
    shutil.rmtree(runs / TEXTS)
    (runs / ".masks").rename("aside")
    service = opened()
    ask(masks.save_draft, service, {**ids, "set": "tiny", "rule": {}, "overrides": {"1": "in"}})
    Path("aside").rename(runs / ".masks")
    found = kept(opened())
    assert found["draft"]["overrides"] == {"1": "in"}
    names = sorted(mask["name"] for mask in found["masks"])
    assert names[:2] == ["Ada", "Bo"] and len([name for name in names if name.startswith("Draft of ")]) == 2


def test_a_model_that_was_moved_meanwhile_is_known_by_the_masks_of_its_text(runs: Path) -> None:
    Path("models").mkdir()
    Path("tiny").rename("models/tiny")
    check(opened("models/tiny"))
    assert (runs / TEXTS).is_dir()


@pytest.mark.parametrize(
    "damage",
    [
        {"overrides": ["x"]},
        {"overrides": {"abc": "in"}},
        {"notes": 5},
        {"masks": 5},
        {"carried": {}},
        {"rule": {"k": "many"}},
    ],
)
def test_a_damaged_draft_stands_in_nobodys_way(runs: Path, damage: dict[str, Any]) -> None:
    path = runs / ".masks" / BF16 / "draft.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | damage), encoding="utf-8")
    found = kept(opened())
    assert found["draft"]["overrides"] == OVERRIDES
    assert {mask["name"] for mask in found["masks"]} >= {"Ada", "Bo"}


def test_other_rows_and_another_model_get_nothing_of_it(runs: Path) -> None:
    assert (runs / ".masks").is_dir()
    shutil.copytree("tiny", "tiny2")
    found = kept(opened("tiny2"))
    assert found == {"draft": None, "masks": [], "since": [], "damage": ""}
    lines = Path("rows.jsonl").read_text(encoding="utf-8").splitlines()
    Path("rows.jsonl").write_text("\n".join(lines[:2]), encoding="utf-8")
    assert kept(opened()) == {"draft": None, "masks": [], "since": [], "damage": ""}


class Killed(BaseException):
    """What no code of ours catches, as a kill."""


def killed(act: Callable[[], Any], at: int, after: bool, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run `act`, which dies before or after its write number `at`; return whether it came to that write."""
    written = 0

    def dying(path: Path, content: bytes, *, once: bool = False) -> None:
        nonlocal written
        written += 1
        if written == at and not after:
            raise Killed
        disk_write(path, content, once=once)
        if written == at:
            raise Killed

    disk_write = disk.write_bytes_atomically
    with monkeypatch.context() as patch:
        for module in ("disk", "mask_store"):
            patch.setattr(f"tokenunlearn.runs.{module}.write_bytes_atomically", dying)
        try:
            act()
        except Killed:
            return True
    return False


def test_adoption_that_is_killed_at_any_write_is_made_up_for_by_the_next(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model("tiny", None, "fp32")
    rows = session_rows("rows.jsonl").forget
    scores = new_scores(model, rows, ScoreConfig())
    scores.rows = unscored(model, rows, ScoreConfig())
    folder = runs / TEXTS / scores.text_id

    def adopted() -> dict[str, Any]:
        adopt(runs, scores, model.tokenizer)
        draft = MaskStore(runs).draft(scores.text_id)
        names = [mask["name"] for mask in MaskStore(runs).masks(scores.text_id)]
        subjects = json.loads((folder / "subjects.json").read_text(encoding="utf-8"))
        return {"draft": draft and draft["overrides"], "names": names, "subjects": subjects}

    before, whole, at = old_files(runs), adopted(), 0
    assert whole["draft"] == OVERRIDES and whole["names"] == ["Ada", "Bo"]
    for after in (False, True):
        for at in range(1, 6):
            shutil.rmtree(folder)
            assert killed(adopted, at, after, monkeypatch)
            assert adopted() == whole
            assert [old.content["overrides"] for old in left_over(runs, scores, model.tokenizer)] == [
                {"7": "out"}
            ]
    shutil.rmtree(folder)
    assert not killed(adopted, 6, False, monkeypatch)
    assert old_files(runs) == before


@pytest.mark.parametrize(("at", "after"), [(7, True), (8, False)])
def test_a_start_that_is_killed_while_it_names_old_drafts_is_made_up_for(
    runs: Path, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    assert killed(opened, at, after, monkeypatch)
    check(opened())
    assert (runs / ".masks").is_dir()


def test_damaged_old_files_are_left_where_they_are_and_the_rest_is_adopted(runs: Path) -> None:
    (runs / ".masks" / BF16 / "draft.json").write_text("{half")
    (runs / ".masks" / EDITED / "mask-2.jsonl").write_text("no mask")
    os.truncate(runs / ".masks" / BEFORE / "mask-1.jsonl", 100)
    found = kept(opened())
    assert found["draft"]["overrides"] == OVERRIDES
    assert sorted(mask["name"] for mask in found["masks"]) == ["Ada", "Bo"]
