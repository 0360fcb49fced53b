"""Text from right to left in an export: where its numbers begin, and where the pieces of a line stand.

The same as web/text/digits.js for the page, where the browser itself orders all but the digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import bidirectional, category

SEPARATORS: Final = ".,:/"
BETWEEN: Final = "+-"
OPENING: Final = ("(", "[", "{")
CLOSING: Final = (")", "]", "}")


@dataclass(frozen=True)
class Cell:
    """What takes up `width` letters of a line; `kind` is "left", "first" (a number begins), "right" or ""."""

    width: int
    kind: str
    holds: Any = None
    text: str = ""


def runs_from_right(text: str) -> bool:
    """Return whether the first letter with a direction is one that is written from right to left."""
    strong = (bidirectional(each) for each in text)
    return next((each for each in strong if each in ("L", "R", "AL")), "L") != "L"


def is_number(text: str) -> bool:
    """Return whether the text is digits, and signs that stand in numbers, alone.

    The digits of N'Ko and Adlam run from the right as their letters do, and are no numbers here.
    """
    digits = [category(each) == "Nd" and bidirectional(each) != "R" for each in text]
    return any(digits) and all(digit or each in SEPARATORS for digit, each in zip(digits, text, strict=True))


def kinds(parts: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return the kind of each piece (see Cell) from the space before it, its text and the break after it.

    After Latin letters a number goes on with them, and a bracket closes that they opened; two numbers side by
    side are read from the right.
    """
    found: list[str] = []
    after_latin, opened = False, 0
    for at, (_, shown, _) in enumerate(parts):
        if is_number(shown):
            found.append("left" if after_latin or _goes_on(parts, at) else "first")
            continue
        opened += after_latin and shown in OPENING
        if opened and shown in CLOSING:
            opened -= 1
            found.append("left")
            continue
        strong = [_direction(each) for each in shown if _direction(each)]
        after_latin = strong[-1] == "L" if strong else after_latin
        found.append(("left" if strong[0] == "L" else "right") if strong else "")
    return found


def _direction(character: str) -> str:
    """Return L, R or AL for a letter that has a direction, or a digit that has a letter's; else ""."""
    kind = bidirectional(character)
    strong = kind in ("L", "R", "AL") and (
        character.isalpha() or (kind == "R" and category(character) == "Nd")
    )
    return kind if strong else ""


def _goes_on(parts: Sequence[tuple[str, str, str]], at: int) -> bool:
    before = _back(parts, at)
    if before < 0 or is_number(parts[before][1]):
        return before >= 0
    further = _back(parts, before)
    sign = parts[before][1]
    return len(sign) == 1 and sign in SEPARATORS + BETWEEN and further >= 0 and is_number(parts[further][1])


def _back(parts: Sequence[tuple[str, str, str]], at: int) -> int:
    """Return the piece just before, −1 where space or a break lies between.

    Stand-ins for further bytes are none.
    """
    while at > 0 and not parts[at][0] and not parts[at - 1][2]:
        at -= 1
        if parts[at][1] != "·":
            return at
    return -1


def places_from_left(line: Sequence[Cell]) -> list[int]:
    """Return the letter at which each cell begins: one behind the other."""
    return [sum(cell.width for cell in line[:at]) for at in range(len(line))]


def places_from_right(line: Sequence[Cell], columns: int) -> list[int]:
    """Return the letter of so many at which each cell begins: from the right, but numbers and Latin text."""
    runs: list[list[int]] = []
    waiting: list[int] = []  # belong to the run from the left only where it goes on after them
    from_left = False
    for at, cell in enumerate(line):
        if cell.kind == "" and from_left:
            waiting.append(at)
        elif cell.kind == "left" and from_left:
            runs[-1] += [*waiting, at]
            waiting = []
        else:
            runs += [[each] for each in (*waiting, at)]
            waiting, from_left = [], cell.kind in ("left", "first")
    runs += [[each] for each in waiting]
    places = [0] * len(line)
    edge = columns
    for run in runs:
        edge -= sum(line[at].width for at in run)
        left = edge
        for at in run:
            places[at] = left
            left += line[at].width
    return places
