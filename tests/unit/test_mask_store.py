"""Drafts with versions and masks that never change, as files below the folder of runs."""

import threading
from pathlib import Path

import pytest

from tokenunlearn.errors import MaskError
from tokenunlearn.runs.mask_store import MaskStore
from tokenunlearn.runs.store import TEXTS, RunStore

HEADER = (
    '{"format": "tokenunlearn mask", "version": 1, "scores_id": "s", "hash": "%s", "overrides": {"1": "in"}, '
    '"rule": {"knowledge": "knowledge_swap", "entropy": "entropy"}, '
    '"provenance": {"name": "%s", "set": "one", "saved": 5, "chosen": 2, "of": 9}}\n'
)


@pytest.fixture
def store(tmp_path: Path) -> MaskStore:
    return MaskStore(RunStore(tmp_path).root)


def test_each_save_is_the_next_version_and_outlives_the_store(store: MaskStore, tmp_path: Path) -> None:
    assert store.draft("s1") is None
    first = store.save_draft("s1", {"set": "one"}, 0)
    version = first.record["version"]
    assert first.taken and version == first.record["saved"]
    # A clock that was put back gives no version twice.
    second = store.save_draft("s1", {"set": "two"}, version).record
    assert second["version"] > version
    again = MaskStore(tmp_path).draft("s1")
    assert again is not None and (again["set"], again["version"]) == ("two", second["version"])
    assert store.draft("s2") is None
    assert RunStore(tmp_path).list_runs() == []


def test_a_save_on_an_old_version_changes_nothing_and_gets_the_newer_one(store: MaskStore) -> None:
    mine = store.save_draft("s1", {"set": "mine"}, 0).record
    late = store.save_draft("s1", {"set": "late"}, 0)
    assert (late.taken, late.record) == (False, mine)
    assert store.draft("s1") == late.record


def test_of_many_savers_at_once_one_is_taken(store: MaskStore) -> None:
    taken = []
    savers = [
        threading.Thread(target=lambda at=at: taken.append(store.save_draft("s1", {"at": at}, 0).taken))
        for at in range(8)
    ]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    assert sorted(taken) == [False] * 7 + [True]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": "x"}', "\x00"])
def test_a_damaged_draft_is_no_draft_and_is_put_aside(store: MaskStore, damage: str) -> None:
    version = store.save_draft("s1", {}, 0).record["version"]
    folder = store.runs / TEXTS / "s1"
    (folder / "draft.json").write_text(damage)
    assert store.draft("s1") is None
    assert store.save_draft("s1", {}, version).taken
    assert [path.read_text() for path in folder.glob("draft-damaged-*.json")] == [damage]


def test_what_a_killed_writer_left_is_swept_and_nothing_else(store: MaskStore) -> None:
    saved = store.save_draft("s1", {"set": "one"}, 0).record
    folder = store.runs / TEXTS / "s1"
    (folder / ".draft.json.x1.part").write_text('{"half')
    before = sorted(path.name for path in folder.iterdir())
    MaskStore(store.runs).sweep()
    assert sorted(path.name for path in folder.iterdir()) == before[1:]
    assert store.draft("s1") == saved


def test_a_named_mask_is_written_once(store: MaskStore) -> None:
    text = HEADER % ("ab", "First")
    mask_id = store.add_mask("s1", "First", text)
    assert mask_id == "mask-1" and store.path("s1", mask_id).read_text() == text
    with pytest.raises(MaskError, match="There is a mask “first” already"):
        store.add_mask("s1", "first", HEADER % ("cd", "first"))
    assert store.add_mask("s1", "Second", HEADER % ("cd", "Second")) == "mask-2"
    assert store.path("s1", "mask-1").read_text() == text
    assert [(mask["id"], mask["name"], mask["hash"], mask["overrides"]) for mask in store.masks("s1")] == [
        ("mask-1", "First", "ab", 1),
        ("mask-2", "Second", "cd", 1),
    ]
    assert store.masks("s2") == [] and not list((store.runs / TEXTS / "s1").glob("*.part"))


def test_a_removed_mask_comes_back_unless_its_name_is_taken_and_its_number_is_not_used_again(
    store: MaskStore,
) -> None:
    text = HEADER % ("ab", "First")
    mask_id = store.add_mask("s1", "First", text)
    store.remove("s1", mask_id)
    assert store.masks("s1") == []
    with pytest.raises(MaskError, match="There is no saved mask 'mask-1'"):
        store.path("s1", mask_id)
    assert store.add_mask("s1", "first", HEADER % ("cd", "first")) == "mask-2"
    with pytest.raises(MaskError, match="There is a mask “First” by now"):
        store.restore("s1", mask_id)
    store.remove("s1", "mask-2")
    store.restore("s1", mask_id)
    assert store.path("s1", mask_id).read_text() == text
    with pytest.raises(MaskError, match="There is no removed mask"):
        store.restore("s1", "../s1/mask-2")


def test_a_file_that_is_no_mask_is_left_out_and_its_number_is_not_used_again(store: MaskStore) -> None:
    store.add_mask("s1", "First", HEADER % ("ab", "First"))
    (store.runs / TEXTS / "s1" / "mask-7.jsonl").write_text("{half")
    (store.runs / TEXTS / "s1" / "mask-x.jsonl").write_text("other")
    assert [mask["id"] for mask in store.masks("s1")] == ["mask-1"]
    assert store.add_mask("s1", "Next", HEADER % ("cd", "Next")) == "mask-8"


@pytest.mark.parametrize("text_id", ["", "..", "../x", "a/b", ".hidden", "x" * 81, "a\x00b"])
def test_an_id_that_is_no_name_reaches_no_file(store: MaskStore, text_id: str) -> None:
    for call in (store.draft, store.masks, lambda each: store.save_draft(each, {}, 0)):
        with pytest.raises(MaskError, match="names no text"):
            call(text_id)


@pytest.mark.parametrize("mask_id", ["", "draft", "../s1/mask-1", "mask-0", "mask-1/..", "mask-2"])
def test_a_mask_that_is_not_there_is_named(store: MaskStore, mask_id: str) -> None:
    store.add_mask("s1", "First", HEADER % ("ab", "First"))
    with pytest.raises(MaskError, match="There is no saved mask"):
        store.path("s1", mask_id)
