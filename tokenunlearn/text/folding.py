"""One spelling for names: how texts are compared, with the way back to the characters that were written.

A name counts as the same in composed and in decomposed characters (NFC), with either apostrophe or hyphen,
and with any white space between its words. The page has the same rules: web/text/folding.js.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import category, normalize

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_ONE_SPELLING = str.maketrans({**dict.fromkeys("‘’ʼ＇", "'"), **dict.fromkeys("\u2010\u2011", "-")})
_SPACES = re.compile(f"[{_SPACE}]+")
# What the comparison may change: everything but ASCII, and white space that is not one blank.
_CHANGES = re.compile(f"[^\0-\x7f]|[{_SPACE}]{{2}}|[\t\n\v\f\r]")


@dataclass(frozen=True)
class Folded:
    """A text as it is compared, and for each of its characters where the written one begins and ends.

    `lower` is `text` without letter case, of the same length. Empty `starts`: each stands for itself.
    """

    text: str
    lower: str
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    def written(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the written text that these characters stand for."""
        return (self.starts[start], self.ends[end - 1]) if self.starts else (start, end)


@lru_cache(maxsize=4096)
def folded(text: str) -> Folded:
    """Return the text as it is compared."""
    if not _CHANGES.search(text):
        return Folded(text, text.lower())
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _units(text):
        piece = text[start:end]
        piece = " " if _SPACES.match(piece) else normalize("NFC", piece).translate(_ONE_SPELLING)
        pieces.append(piece)
        starts += [start] * len(piece)
        ends += [end] * len(piece)
    whole = "".join(pieces)
    lower = "".join(map(_lower, whole))
    as_written = whole == text and len(pieces) == len(text)
    return Folded(whole, lower) if as_written else Folded(whole, lower, tuple(starts), tuple(ends))


def fold(text: str) -> str:
    """Return the text as it is compared, letter case kept, without white space round it."""
    return folded(text).text.strip(" ")


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Yield spans that compose with nothing beside them: white space, or a character and its marks."""
    at = 0
    while at < len(text):
        space = _SPACES.match(text, at)
        end = space.end() if space else at + 1
        while not space and end < len(text) and _goes_on(text[end]):
            end += 1
        yield at, end
        at = end


def _goes_on(character: str) -> bool:
    """Return whether the character may compose with the one before it: a mark, or a Hangul vowel or final."""
    return category(character)[0] == "M" or "\u1160" <= character <= "\u11ff"


def _lower(character: str) -> str:
    """Return the small letter, where it is one character: places must stay."""
    lower = character.lower()
    return lower if len(lower) == 1 else character
