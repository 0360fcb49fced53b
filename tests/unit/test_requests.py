"""What comes from anyone becomes a request, or is refused in a sentence."""

from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Annotated, Any, get_type_hints

import pytest

from app.actions.draft import Draft, Plan
from app.requests import Id, Name, Number, Truth, below, read, request_of, text, whole
from app.tabs.tokens import ASKED
from tokenunlearn.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One field of each kind."""

    id: Id
    at: Number
    held: Truth = False
    name: Name = "Ada"
    row: Annotated[int | None, whole(3)] = None


def test_a_request_has_what_came_and_its_defaults_for_what_is_missing_or_null() -> None:
    given = {"id": "s1", "at": 4, "name": "  Ada's   mask ", "row": None, "more": object()}
    assert read(Asked, given) == Asked(id="s1", at=4, name="Ada's mask")
    assert read(Asked, {"id": "s1", "at": 0, "held": True, "row": 2}) == Asked(
        id="s1", at=0, held=True, row=2
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": None}, "id is missing. It must be a text that is not empty."),
        ({"id": "  "}, "id is missing. It must be a text that is not empty."),
        ({"id": "x" * 201}, "id has 201 characters. At most 200 are taken."),
        ({"at": None}, "at is None. It must be a whole number from 0 to 999999999999."),
        ({"at": True}, "at is True. It must be a whole number from 0 to 999999999999."),
        ({"at": 10**12}, "at is 1000000000000. It must be a whole number from 0 to 999999999999."),
        ({"row": 3}, "row is 3. It must be a whole number from 0 to 2."),
        ({"row": -1}, "row is -1. It must be a whole number from 0 to 2."),
        ({"held": "yes"}, "held is yes. It must be true or false."),
        ({"name": "x" * 81}, "name has 81 characters. At most 80 are taken."),
        ({"name": "a\u202eb"}, "The name holds characters that cannot be seen. Type another name."),
    ],
)
def test_a_field_that_cannot_be_meant_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(Asked, {"id": "s1", "at": 0, **change})
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(("value", "words"), [(None, "null"), ([], "a list"), ("x", "text"), (3, "a number")])
def test_what_is_no_object_is_no_request(value: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"the request must be an object. Got {words}"):
        read(Asked, value)


def test_a_text_may_be_empty_where_its_reader_says_so() -> None:
    assert text(3, empty=True)("", "path") == ""
    with pytest.raises(InputError, match="path is missing. It must be a text"):
        text(3, empty=True)(7, "path")


def test_a_number_is_that_of_one_of_so_many_things() -> None:
    assert below(3, 2, "row") == 2
    with pytest.raises(InputError, match="row is 3. It must be a whole number from 0 to 2"):
        below(3, 3, "row")


def test_a_plan_is_a_draft_that_says_which_mask_was_seen() -> None:
    given = {"scores_id": "s1", "overrides": {"10": "out", "9": "in"}, "notes": {"3": {"note": "why"}}}
    draft = read(Draft, given)
    assert (draft.hash, list(draft.overrides)) == ("", [9, 10])
    assert draft.decisions()["notes"] == {"3": {"note": "why", "time": 0}}
    assert read(Draft, {"scores_id": "s1", **draft.decisions()}) == draft
    with pytest.raises(InputError, match="hash is missing"):
        read(Plan, given)


@pytest.mark.parametrize("name", ASKED)
def test_whatever_the_page_may_ask_has_a_reader_for_each_of_its_fields(name: str) -> None:
    kind = request_of(partial(ASKED[name], None))
    if kind is None:
        # they ask for nothing
        assert name in ("known_sets", "cancel_opening", "teach_offer", "taught_models")
        return
    hints = get_type_hints(kind, include_extras=True)
    assert is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(callable(hints[each.name].__metadata__[0]) for each in fields(kind))
