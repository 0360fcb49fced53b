"""A draft: the rule, overrides and notes of one set, as a person has them on the page at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from app.requests import Id, SetName, record, text
from tokenunlearn.errors import InputError, MaskError
from tokenunlearn.runs.damage import MOST_NOTE
from tokenunlearn.selection import Rule
from tokenunlearn.settings import from_dict, is_number, to_dict

MOST_OVERRIDES: Final = 100_000
LATEST_TIME: Final = 4e12  # ms since 1970; the year 2096


def rule_given(value: Any, name: str) -> Rule:
    """Return a rule. Raises InputError, and SettingError for a key or value that a Rule cannot have."""
    return from_dict(Rule, record(value, name))


def overrides_given(value: Any, name: str) -> dict[int, str]:
    """Return overrides, in the order of the tokens: token index → in | out. Raises InputError, MaskError."""
    given = record(value, name)
    if len(given) > MOST_OVERRIDES:
        raise MaskError(f"{len(given):,} overrides are too many", f"At most {MOST_OVERRIDES:,} are taken")
    for index, word in given.items():
        if not is_number(index) or word not in ("in", "out"):
            raise MaskError(
                f"The override {str(index)[:20]}: {str(word)[:20]} cannot be read",
                "It must be index: in or out",
            )
    return {int(index): given[index] for index in sorted(given, key=int)}


def notes_given(value: Any, name: str) -> dict[int, dict[str, Any]]:
    """Return notes, in the order of the tokens: token index → {note, time in ms since 1970}.

    Raises InputError.
    """
    given = record(value, name)
    if len(given) > MOST_OVERRIDES:
        raise InputError(f"{len(given):,} notes are too many", f"At most {MOST_OVERRIDES:,} are taken")
    notes = {}
    for index, each in given.items():
        if not is_number(index):
            raise InputError(f"The note on {str(index)[:20]!r} names no token", "It must be a token's number")
        entry = record(each, f"the note on token {index}")
        note, time = entry.get("note", ""), entry.get("time", 0)
        if not isinstance(note, str) or len(note) > MOST_NOTE:
            raise InputError(f"The note on token {index} is not a text of at most {MOST_NOTE:,} characters")
        if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time <= LATEST_TIME:
            raise InputError(f"The time of the note on token {index} is {str(time)[:40]}", "It must be in ms")
        notes[int(index)] = {"note": note, "time": int(time)}
    return dict(sorted(notes.items()))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What makes a mask. `hash` is that of the mask that the page shows, "" where it does not say."""

    scores_id: Id
    set: SetName = ""
    rule: Annotated[Rule, rule_given] = Rule()
    overrides: Annotated[Mapping[int, str], overrides_given] = field(default_factory=dict)
    notes: Annotated[Mapping[int, Mapping[str, Any]], notes_given] = field(default_factory=dict)
    hash: Annotated[str, text(empty=True)] = ""

    def decisions(self) -> dict[str, Any]:
        """Return what a person decided, as JSON: `{set, rule, overrides, notes}`, tokens by their index."""
        return {
            "set": self.set,
            "rule": to_dict(self.rule),
            "overrides": {str(index): word for index, word in self.overrides.items()},
            "notes": {str(index): note for index, note in self.notes.items()},
        }


@dataclass(frozen=True, kw_only=True)
class Plan(Draft):
    """A draft that shall be trained: of the very mask that the page showed."""

    hash: Id = field()  # else the default of a Draft
