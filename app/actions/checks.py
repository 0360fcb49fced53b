"""Input from the page is checked as if it came from anyone: types, lengths, ranges, unknown keys."""

from collections.abc import Mapping
from typing import Any

from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.selection import Rule
from tokenunlearn.settings import from_dict

MOST_TEXT = 2_000
MOST_OVERRIDES = 100_000
MOST_NOTE = 2_000
MOST_DIGITS = 12  # of a token's or row's number
LATEST_TIME = 4e12  # ms since 1970; the year 2096


JSON_WORDS = {
    type(None): "null",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}


def record(value: Any, what: str) -> Mapping[str, Any]:
    """Return the value, if it is a JSON object. Raises InputError."""
    if not isinstance(value, Mapping):
        raise InputError(
            f"{what} must be an object", f"Got {JSON_WORDS.get(type(value), type(value).__name__)}"
        )
    return value


def text(values: Mapping[str, Any], name: str, longest: int = 200) -> str:
    """Return the text under `name`. Raises InputError when it is missing, no text, empty or too long."""
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{name} is missing", "It must be a text that is not empty")
    if len(value) > longest:
        raise InputError(f"{name} has {len(value):,} characters", f"At most {longest:,} are taken")
    return value


def whole(values: Mapping[str, Any], name: str, below: int) -> int:
    """Return the whole number under `name`, 0 or more and under `below`. Raises InputError."""
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < below:
        raise InputError(f"{name} is {str(value)[:40]}", f"It must be a whole number from 0 to {below - 1}")
    return value


def is_number(index: Any) -> bool:
    """Return whether a key of a JSON object is the number of a token or row."""
    return str(index).isascii() and str(index).isdigit() and len(str(index)) <= MOST_DIGITS


def truth(values: Mapping[str, Any], name: str) -> bool:
    """Return the true or false under `name`. Raises InputError."""
    value = values.get(name)
    if not isinstance(value, bool):
        raise InputError(f"{name} is {str(value)[:40]}", "It must be true or false")
    return value


def version_of(values: Mapping[str, Any], name: str) -> int:
    """Return the version number under `name`, 0 where there is none. Raises InputError."""
    return whole(values, name, 2**53) if values.get(name) is not None else 0


def mask_ids_of(values: Mapping[str, Any]) -> list[str]:
    """Return the ids of the masks that a draft came from, one a set. Raises InputError."""
    ids = values.get("masks") or []
    if not isinstance(ids, list) or not all(isinstance(each, str) and 0 < len(each) <= 200 for each in ids):
        raise InputError("masks is not a list of ids", fix="Reload the page")
    return ids


def rule_of(values: Mapping[str, Any]) -> Rule:
    """Return the rule in a draft. Raises SettingError for a key or value that a Rule cannot have."""
    return from_dict(Rule, record(values.get("rule") or {}, "rule"))


def overrides_of(values: Mapping[str, Any]) -> dict[int, str]:
    """Return the overrides in a draft: token index → in | out. Raises MaskError."""
    given = record(values.get("overrides") or {}, "overrides")
    if len(given) > MOST_OVERRIDES:
        raise MaskError(f"{len(given):,} overrides are too many", f"At most {MOST_OVERRIDES:,} are taken")
    overrides = {}
    for index, word in given.items():
        if not is_number(index) or word not in ("in", "out"):
            raise MaskError(
                f"The override {str(index)[:20]}: {str(word)[:20]} cannot be read",
                "It must be index: in or out",
            )
        overrides[int(index)] = str(word)
    return overrides


def notes_of(values: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the notes in a draft: token index → {note, time in ms since 1970}. Raises InputError."""
    given = record(values.get("notes") or {}, "notes")
    if len(given) > MOST_OVERRIDES:
        raise InputError(f"{len(given):,} notes are too many", f"At most {MOST_OVERRIDES:,} are taken")
    notes = {}
    for index, entry in given.items():
        if not is_number(index):
            raise InputError(f"The note on {str(index)[:20]!r} names no token", "It must be a token's number")
        entry = record(entry, f"the note on token {index}")
        note, time = entry.get("note", ""), entry.get("time", 0)
        if not isinstance(note, str) or len(note) > MOST_NOTE:
            raise InputError(f"The note on token {index} is not a text of at most {MOST_NOTE:,} characters")
        if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time <= LATEST_TIME:
            raise InputError(f"The time of the note on token {index} is {str(time)[:40]}", "It must be in ms")
        notes[int(index)] = {"note": note, "time": int(time)}
    return notes
