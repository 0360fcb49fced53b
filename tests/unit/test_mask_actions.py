"""Drafts and named masks as the page asks for them; each answer checked on tokens counted by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import masks, status, tokens, unlearn
from app.service import Service
from app.shown import ShownScores, recorded_scores
from tests.asking import ask, start
from tests.page_service import draft, live_service, payload, table
from tokenunlearn.errors import InputError, MaskError, SettingError
from tokenunlearn.masks import columns_from_table, mask_hash, read_header

NOTE = {"note": "the fact", "time": 1_700_000_000_000}
SCORES = {"text_id": "t1", "scores_id": "s1"}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return live_service(tmp_path)


def saved(service: Service, name: str, **more: Any) -> dict[str, Any]:
    return ask(masks.save_mask, service, draft(name=name, **more))["saved"]


def test_a_draft_comes_back_after_a_restart_with_notes_and_times(service: Service, tmp_path: Path) -> None:
    given = draft(overrides={"4": "in", "8": "out"}, notes={"4": NOTE}, save="page-1")
    answer = ask(masks.save_draft, service, {**given, "base": 0})
    assert answer["taken"] and answer["draft"]["version"] == answer["draft"]["saved"]
    again = ask(masks.kept, live_service(tmp_path), SCORES)["draft"]
    assert (again["set"], again["overrides"], again["notes"]) == ("one", {"4": "in", "8": "out"}, {"4": NOTE})
    assert again["rule"]["mode"] == "top_k" and again == answer["draft"] and again["save"] == "page-1"


def test_a_second_tab_is_told_and_may_take_over(service: Service) -> None:
    first = ask(masks.save_draft, service, draft(base=0))["draft"]
    late = ask(masks.save_draft, service, draft(base=0, set="two"))
    assert (late["taken"], late["draft"]) == (False, first)
    assert ask(masks.save_draft, service, draft(base=first["version"], set="two"))["taken"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scores_id": "gone"}, MaskError),
        ({"set": "three"}, MaskError),
        ({"overrides": {"9": "in"}}, MaskError),
        ({"notes": {"9": NOTE}}, MaskError),
        ({"notes": {"-1": NOTE}}, InputError),
        ({"notes": {"1": "x"}}, InputError),
        ({"notes": {"1": {"note": "x" * 2001}}}, InputError),
        ({"notes": {"1": {"note": 3}}}, InputError),
        ({"notes": {"1": {"time": float("nan")}}}, InputError),
        ({"notes": {"1": {"time": -1}}}, InputError),
        ({"notes": [1]}, InputError),
        ({"base": -1}, InputError),
        ({"base": "1"}, InputError),
        ({"rule": {"alpha": 2}}, SettingError),
        ({"masks": 7}, InputError),
        ({"masks": [""]}, InputError),
        ({"save": "x" * 81}, InputError),
        ({"save": 7}, InputError),
        ({"text_id": "gone"}, MaskError),
        ({"text_id": 7}, InputError),
    ],
)
def test_a_draft_that_cannot_be_is_refused_and_nothing_is_kept(
    service: Service, change: dict[str, Any], error: type
) -> None:
    with pytest.raises(error):
        ask(masks.save_draft, service, draft(**change))
    assert ask(masks.kept, service, SCORES) == {"draft": None, "masks": [], "since": [], "damage": ""}


def test_a_recorded_example_is_drafted_in_the_browser_only(service: Service) -> None:
    service.sessions.show(recorded_scores({**payload("live"), "scores_id": "s0"}))
    for call in (masks.kept, masks.save_draft, masks.save_mask):
        with pytest.raises(MaskError, match="recorded example has no saved masks"):
            ask(call, service, draft(scores_id="s0", name="x"))


def test_a_saved_mask_is_listed_and_loads_as_it_was(service: Service) -> None:
    mask = saved(service, "  Ada's  mask ", overrides={"4": "in"}, notes={"4": NOTE, "1": NOTE})
    # Top 1 of set "one" is token 2; token 4 is forced in.
    assert (mask["name"], mask["chosen"]) == ("Ada's mask", [2, 4])
    assert mask["hash"] == mask_hash([0, 0, 1, 0, 1, 0, 0, 0, 0])
    listed = ask(masks.kept, service, SCORES)["masks"]
    assert [(each["name"], each["chosen"], each["of"], each["overrides"]) for each in listed] == [
        ("Ada's mask", 2, 6, 1)
    ]
    assert ask(masks.load_mask, service, {**SCORES, "id": mask["id"]}) == mask
    assert (mask["overrides"], mask["notes"]) == ({"4": "in"}, {"1": NOTE, "4": NOTE})
    with pytest.raises(MaskError, match="already"):
        saved(service, "ada's mask")


@pytest.mark.parametrize("name", ["", "  ", None, 3, "x" * 81, "a\x00b", "a\u202eb"])
def test_a_name_that_cannot_be_read_is_refused(service: Service, name: Any) -> None:
    with pytest.raises(InputError):
        ask(masks.save_mask, service, draft(name=name))


def test_a_draft_knows_the_masks_it_came_from_one_a_set(service: Service) -> None:
    one, two = saved(service, "A"), saved(service, "B", set="two")
    ask(masks.save_draft, service, draft(masks=[one["id"], two["id"]], overrides={"4": "in"}))
    assert ask(masks.kept, service, SCORES)["since"] == [one, two]
    question = {**SCORES, "id": one["id"]}
    assert [each["name"] for each in ask(masks.remove_mask, service, question)["masks"]] == ["B"]
    assert ask(masks.kept, service, SCORES)["since"] == [two]
    assert [each["name"] for each in ask(masks.restore_mask, service, question)["masks"]] == ["A", "B"]
    assert ask(masks.kept, service, SCORES)["since"] == [one, two]


def test_two_auditors_by_hand(service: Service) -> None:
    first = saved(service, "Ada", overrides={"1": "in", "5": "in"}, notes={"1": NOTE})
    second = saved(service, "Bo", overrides={"2": "out", "5": "in"})
    answer = ask(masks.compare_masks, service, {**SCORES, "first": first["id"], "second": second["id"]})
    # Ada: 1, 2, 5 of the 6 tokens; Bo: 5. Agreement 4/6; by chance 3/6·1/6 + 3/6·5/6 = 1/2; κ = 1/3.
    assert answer["agreement"] == pytest.approx(4 / 6) and answer["kappa"] == pytest.approx(1 / 3)
    assert (answer["tokens"], answer["only_first"], answer["only_second"]) == (6, 2, 0)
    one, two = answer["differing"]
    assert (one["index"], one["row_id"], one["position"], one["token"]) == (1, "r0", 1, " likes")
    assert one["first"] == {"chosen": True, "weight": 1.0, "state": "in", **NOTE}
    assert one["second"] == {"chosen": False, "weight": 0.0, "state": None, "note": "", "time": 0}
    assert (two["index"], two["first"]["state"], two["second"]["state"]) == (2, None, "out")
    same = ask(masks.compare_masks, service, {**SCORES, "first": first["id"], "second": first["id"]})
    assert (same["agreement"], same["kappa"], same["differing"]) == (1.0, 1.0, [])


def test_kappa_that_is_not_defined_is_not_a_number_on_the_wire(service: Service) -> None:
    every = saved(service, "All", rule={"mode": "uniform"})
    answer = ask(masks.compare_masks, service, {**SCORES, "first": every["id"], "second": every["id"]})
    assert (answer["agreement"], answer["kappa"]) == (1.0, None)
    json.dumps(answer, allow_nan=False)


def test_masks_of_two_sets_are_not_compared(service: Service) -> None:
    first, second = saved(service, "A"), saved(service, "B", set="two")
    with pytest.raises(MaskError, match="different sets"):
        ask(masks.compare_masks, service, {**SCORES, "first": first["id"], "second": second["id"]})


def test_export_then_import_elsewhere_is_the_same_mask(service: Service, tmp_path: Path) -> None:
    mask = saved(service, "Ada", overrides={"4": "in"}, notes={"4": NOTE})
    file = ask(masks.saved_file, service, {**SCORES, "id": mask["id"]})
    header = json.loads(file["text"].split("\n")[0])
    made = header["provenance"]
    assert (made["model"], made["adapter"], made["name"], header["notes"]) == (
        "tiny",
        "none",
        "Ada",
        {"4": NOTE},
    )
    other = live_service(tmp_path / "other")
    back = ask(masks.import_mask, other, {**SCORES, "name": "From Ada", "text": file["text"]})
    assert (back["saved"]["hash"], back["saved"]["notes"]) == (mask["hash"], {"4": NOTE})
    assert [each["name"] for each in back["masks"]] == ["From Ada"] and back["saved"]["moved"] is None
    assert ask(masks.kept, other, SCORES)["draft"] is None


def test_an_exported_draft_can_be_imported(service: Service) -> None:
    file = ask(tokens.export_mask, service, draft(overrides={"4": "in"}, notes={"4": NOTE}))
    back = ask(masks.import_mask, service, {**SCORES, "name": "Draft", "text": file["text"]})
    assert (back["saved"]["chosen"], back["saved"]["set"]) == ([2, 4], "one")


def test_a_mask_that_cannot_be_is_not_imported_and_its_line_is_named(service: Service) -> None:
    text = ask(tokens.export_mask, service, draft(overrides={"4": "in"}))["text"]
    with pytest.raises(MaskError, match="Line 2: weight is 1e.308. It must be a number from 0 to 1000000"):
        changed = text.replace('"weight": 1.0', '"weight": 1e308', 1)
        ask(masks.import_mask, service, {**SCORES, "name": "Draft", "text": changed})


def turned_scores(service: Service) -> dict[str, str]:
    """Other scores of the same text, where the last token of row r1 moves most, not that of r0."""
    turned = table().assign(knowledge_swap=lambda frame: frame["knowledge_swap"].where(frame.index != 5, 9.0))
    service.sessions.show(
        ShownScores({**payload("live"), "scores_id": "s2"}, columns_from_table(turned), turned)
    )
    return {"text_id": "t1", "scores_id": "s2"}


def test_a_mask_of_other_scores_gives_its_rule_and_overrides(service: Service, tmp_path: Path) -> None:
    mask = saved(service, "Ada", overrides={"1": "in"}, notes={"1": NOTE})
    assert (mask["chosen"], mask["moved"]) == ([1, 2], None)
    file = ask(masks.saved_file, service, {**SCORES, "id": mask["id"]})
    # The same mask, found on other scores of the text, and imported on them from the file.
    found = {**turned_scores(service), "id": mask["id"]}
    other = live_service(tmp_path / "other")
    there = ask(masks.import_mask, other, {**turned_scores(other), "name": "From Ada", "text": file["text"]})
    for loaded, listed in (
        (ask(masks.load_mask, service, found), ask(masks.kept, service, found)["masks"]),
        (there["saved"], there["masks"]),
    ):
        assert (loaded["chosen"], loaded["moved"]) == ([1, 5], 2)
        assert loaded["notes"] == {"1": NOTE} and loaded["overrides"] == {"1": "in"}
        (line,) = listed
        assert (line["other_scores"], line["hash"]) == (True, mask["hash"])
    # Numbers keep the scores that they are of, in the file, too.
    copy = ask(masks.saved_file, other, {"scores_id": "s2", "id": there["saved"]["id"]})["text"]
    header = json.loads(copy.split("\n")[0])
    assert (header["scores_id"], header["hash"]) == ("s1", mask["hash"])
    assert copy.split("\n")[1:] == file["text"].split("\n")[1:]


def test_a_draft_stays_where_it_is_under_other_scores_of_its_text(service: Service) -> None:
    given = {"overrides": {"4": "in"}, "notes": {"4": NOTE}}
    first = ask(masks.save_draft, service, draft(**given))["draft"]
    later = turned_scores(service)
    assert ask(masks.kept, service, later)["draft"] == first
    # A page that still shows the scores before saves the same draft, and hears of the newer ones.
    answer = ask(masks.save_draft, service, draft(**SCORES, **given, base=first["version"]))
    assert answer["taken"] and answer["newer"]
    assert not ask(masks.save_draft, service, draft(**given | later, base=answer["draft"]["version"]))[
        "newer"
    ]


def test_two_masks_of_other_scores_are_compared_on_those_that_are_shown(service: Service) -> None:
    first = saved(service, "Ada", overrides={"1": "in"})
    second = saved(service, "Bo", overrides={"2": "out"})
    answer = ask(
        masks.compare_masks, service, turned_scores(service) | {"first": first["id"], "second": second["id"]}
    )
    # The rule takes token 5 there: Ada has 1 and 5, Bo has 5, 2 is out.
    assert ([each["index"] for each in answer["differing"]], answer["first"]["chosen"]) == ([1], 2)


def swapped(text: str, line: int, new: str) -> str:
    lines = text.split("\n")
    return "\n".join([*lines[: line - 1], new, *lines[line:]])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda text: swapped(text, 2, "{half"), "Line 2 is not JSON"),
        (lambda text: swapped(text, 3, "[1]"), "Line 3: "),
        (lambda text: swapped(text, 2, '{"row_id": "r9", "position": 0, "weight": 1}'), "Line 2: "),
        (lambda text: swapped(text, 3, ""), "does not give its own hash"),
        (lambda text: swapped(text, 1, "{}"), "This file is not a mask"),
        (lambda text: text.replace('"4": "in"', '"3": "in"'), "give another mask here"),
        (lambda _: "", "The file is empty"),
        (lambda _: "hello", "Line 1 is not JSON"),
        (lambda _: "[" * 100_000, "Line 1 is not JSON"),
    ],
)
def test_a_damaged_file_is_named_and_changes_nothing(service: Service, damage: Any, sentence: str) -> None:
    text = ask(tokens.export_mask, service, draft(overrides={"4": "in"}))["text"]
    with pytest.raises((MaskError, InputError)) as caught:
        ask(masks.import_mask, service, {**SCORES, "name": "x", "text": damage(text)})
    assert sentence in str(caught.value)
    assert ask(masks.kept, service, SCORES) == {"draft": None, "masks": [], "since": [], "damage": ""}


def test_other_text_or_another_tokenizer_is_refused_and_the_rows_are_named(
    service: Service, tmp_path: Path
) -> None:
    text = ask(tokens.export_mask, service, draft())["text"]
    other = live_service(tmp_path / "other")
    split = table().assign(token=lambda frame: frame["token"].replace(" rain", " ra"))
    other.sessions.show(ShownScores(payload("live"), columns_from_table(split), split))
    with pytest.raises(MaskError, match="belongs to other text: rows r1 differ"):
        ask(masks.import_mask, other, {**SCORES, "name": "x", "text": text})
    assert ask(masks.kept, other, SCORES)["masks"] == []


def test_weights_go_along_only_where_the_pages_hash_is_another(service: Service) -> None:
    own = ask(tokens.confirm_mask, service, draft())["hash"]
    assert "weights" not in ask(tokens.confirm_mask, service, draft(hash=own))
    assert ask(tokens.confirm_mask, service, draft(hash="0" * 64))["weights"] == [1.0]


def test_a_run_keeps_the_notes_of_its_mask(service: Service) -> None:
    plan = ask(unlearn.summary, service, draft(overrides={"4": "in"}, notes={"4": NOTE}))["plan"]
    run_id = start(service, plan, {"steps": 3}, controls=[])[0]
    assert read_header(service.queue.store.path(run_id) / "mask.jsonl")["notes"] == {"4": NOTE}


FITTED = {"alpha": 1.0, "knowledge": "contrast", "mode": "top_k", "k": 1, "normaliser": "min_max"}


def fitted(service: Service, fit: str, values: list[float]) -> None:
    """A signal on the scores shown that was fitted on what `fit` is the hash of; any name does."""
    service.shelf.grow(
        "s1", lambda shown: shown.with_signals({"contrast": np.array(values)}, {"contrast": fit})
    )


def test_a_mask_on_a_fitted_signal_is_told_apart_from_one_on_another_fit(service: Service) -> None:
    service.shelf.grow("s1", lambda shown: shown.with_signals({"contrast": np.arange(9.0)}))
    unfitted = saved(service, "no fit", rule=FITTED)
    fitted(service, "f1", [0, 0, 1, 0, 0, 0, 0, 0, 0])
    first = saved(service, "first fit", rule=FITTED)
    plain = saved(service, "plain")
    read = ask(masks.load_mask, service, {"scores_id": "s1", "id": first["id"]})
    assert (read["chosen"], read["moved"]) == ([2], None)
    # More marks: another token is the highest now. The mask says so; one without the signal says nothing.
    fitted(service, "f2", [0, 0, 0, 0, 0, 1, 0, 0, 0])
    read = ask(masks.load_mask, service, {"scores_id": "s1", "id": first["id"]})
    assert (read["chosen"], read["moved"]) == ([5], 2)
    assert ask(masks.load_mask, service, {"scores_id": "s1", "id": plain["id"]})["moved"] is None
    listed = {each["name"]: each["other_scores"] for each in ask(masks.kept, service, SCORES)["masks"]}
    assert listed == {"no fit": True, "first fit": True, "plain": False} and unfitted["hash"] != first["hash"]
    # What a page chose on the fit of before is not what would be trained: its hash is another.
    before = {**draft(rule=FITTED), "hash": first["hash"]}
    with pytest.raises(MaskError, match="The page showed mask"):
        start(service, before, {}, [])


def test_scores_that_are_shown_again_keep_a_fit(service: Service) -> None:
    signature = status.scores_signature(service)
    fitted(service, "f1", [0, 0, 1, 0, 0, 0, 0, 0, 0])
    assert status.scores_signature(service) != signature
    service.sessions.show(ShownScores(payload("live"), columns_from_table(table()), table()))
    shown = service.shelf.find("s1")
    assert shown.fits == {"contrast": "f1"} and shown.columns["contrast"][2] == 1
    assert (shown.numbers_id("entropy"), shown.numbers_id("contrast", "entropy")) == ("s1", "s1-f1")
