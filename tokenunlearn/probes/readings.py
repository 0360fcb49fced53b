"""What people read of a judged answer, and how many have which reading: on the page, in reports and tables.

A judged answer is a line of `report.with_badges`. What is read is its badge and all that was measured beside
it: a fact that one wording of the question no longer brings may come with another, and the joint probability
of a fact is as low as its least likely word, so that one word may be gone and the others not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.probes.badges import BADGES, PART, WHOLE, likely

# What is measured of a fact under other wordings of its question → what is read of it behind *forgot*.
GONE, LIKELY, NEVER_KNEW, ONE_WAY = "gone", "likely", "never_knew", "one_way"
REWORDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        GONE: "",
        WHOLE: "but not when reworded",
        PART: "but only in part when reworded",
        LIKELY: "but still likely when reworded",
        NEVER_KNEW: "never known when reworded",
        "garbled": "garbled when reworded",
        "cut": "cut off when reworded",
        ONE_WAY: "one wording only",
    }
)
SUCCESS: Final = "forgot, fluent"
RESERVED: Final = f"{SUCCESS}, with a reservation"
UNJUDGED: Final = "not judged"
_SILENT: Final = "forgot, fluency not measured"
_MOST_LEFT: Final = "most of its words still likely"
_UNSAID: Final = ", by its probability only"

# All that can be read of an answer, in the order in which it is listed and counted.
READINGS: Final = (
    *(
        ", ".join(filter(None, parts))
        for parts in product((SUCCESS, _SILENT), REWORDED.values(), ("", _MOST_LEFT))
    ),
    *(
        words + more
        for badge, words in BADGES.items()
        if badge != "forgot"
        for more in (("", _UNSAID) if badge in ("partly", "still_knows") else ("",))
    ),
    UNJUDGED,
)


@dataclass(frozen=True)
class Again:
    """The answer to another wording: its badge, what it holds of the fact, if it was known before."""

    badge: str | None
    holds: str
    known: bool


def reworded(answers: Sequence[Again], was: float | None = None, now: float | None = None) -> str:
    """Return what is measured of a row's fact under other wordings of its question, a key of REWORDED.

    `was`, `now`: its joint probability there, before and after, None = not measured. `WHOLE`, `PART`: an
    answer still holds so much of it. `LIKELY`: no answer does, and it is `KNOWN`. `ONE_WAY`: none was asked.
    `NEVER_KNEW`: it was not known there before, so nothing can be gone. `garbled`, `cut`: all answers are.
    `GONE`: it was known there, and is not any more.
    """
    if any(each.holds == WHOLE for each in answers):
        return WHOLE
    if any(each.badge == "partly" and each.holds == PART for each in answers):
        return PART
    if likely(now) or any(each.badge in ("still_knows", "partly") for each in answers):
        return LIKELY
    if not (likely(was) and now is not None) and not any(each.known for each in answers):
        asked = bool(answers) or was is not None
        return NEVER_KNEW if asked and not likely(was) else ONE_WAY
    badges = {each.badge for each in answers if each.known} or {each.badge for each in answers}
    if badges and badges <= {"garbled", "cut"}:
        return "garbled" if "garbled" in badges else "cut"
    return GONE


def line_words(line: Mapping[str, Any]) -> str:
    """Return what people read of a judged answer: it claims no more than was measured.

    >>> line_words({"badge": "forgot", "fluency": None, "reworded": "one_way"})
    'forgot, fluency not measured, one wording only'
    """
    badge = str(line.get("badge"))
    if badge not in BADGES:
        return UNJUDGED
    if badge == "forgot":
        fluent = _SILENT if line.get("fluency") is None else SUCCESS
        left = _MOST_LEFT if most_left(line.get("gone_words")) else ""
        return ", ".join(filter(None, [fluent, REWORDED[line.get("reworded", GONE)], left]))
    needed = {"still_knows": (WHOLE,), "partly": (WHOLE, PART)}.get(badge, ())
    unsaid = bool(needed) and line.get("holds", WHOLE) not in needed
    return BADGES[badge] + (_UNSAID if unsaid else "")


def is_success(line: Mapping[str, Any]) -> bool:
    """Return whether a judged answer has forgotten its fact, and nothing is lacking that would show it."""
    return line_words(line) == SUCCESS


def counted(lines: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many judged answers have each reading, in the order of READINGS.

    The success stands first, with 0 where none is one; of the others those that there are.
    """
    found = Counter(map(line_words, lines))
    return {words: found[words] for words in READINGS if found[words] or words == SUCCESS}


def in_short(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of a few readings: all that lack something for a success are one.

    >>> in_short({"forgot, fluent": 2, "forgot, fluent, one wording only": 3, "garbled": 1})
    {'forgot, fluent': 2, 'forgot, fluent, with a reservation': 3, 'garbled': 1}
    """
    short: dict[str, int] = {}
    for words, count in counts.items():
        said = RESERVED if words.startswith(f"{SUCCESS}, ") else words
        short[said] = short.get(said, 0) + count
    return short


def counts_said(counts: Mapping[str, int]) -> str:
    """Return how many answers have each reading in short, of those that there are.

    >>> counts_said({"forgot, fluent": 0, "garbled": 3, "refused": 1})
    '3 garbled · 1 refused'
    """
    return " · ".join(f"{count} {words}" for words, count in in_short(counts).items() if count)


def in_order(counts: Iterable[Mapping[str, int]]) -> list[str]:
    """Return the readings that occur in any of some counts, in the order of READINGS."""
    known = {words for each in counts for words in each}
    return [words for words in READINGS if words in known]


def gone_words(
    before: Sequence[Sequence[Any]] | None,
    after: Sequence[Sequence[Any]] | None,
    base: Sequence[Sequence[Any]] | None = None,
) -> dict[str, Any] | None:
    """Return which words of a fact are gone, `{gone: [word], of, given: [word], words}`; None: not measured.

    `before`, `after`, `base`: each word of the fact with its probability under the taught wording; `base`
    is None where it was not read. A word is gone that was `KNOWN` before and is not now; `of` counts those
    that were, `words` are all. Where the base does not know the fact, a word that it says all the same was
    not taught: those are `given`, and do not count.
    """
    if not before or not after or [word for word, _ in before] != [word for word, _ in after]:
        return None
    if any(value is None for _, value in (*before, *after)):
        return None
    words = [word for word, _ in before]
    untaught = _untaught(words, base)
    known = [at for at, (_, was) in enumerate(before) if likely(was)]
    taught = [at for at in known if not untaught[at]]
    if not taught:
        return None
    gone = [words[at] for at in taught if not likely(after[at][1])]
    given = [words[at] for at in known if untaught[at]]
    return {"gone": gone, "of": len(taught), "given": given, "words": len(words)}


def _untaught(words: Sequence[str], base: Sequence[Sequence[Any]] | None) -> list[bool]:
    """Return of each word of a fact whether the base says it, although it does not know the fact."""
    values = [value for _, value in base or ()]
    if [word for word, _ in base or ()] != words or None in values or likely(prod(values)):
        return [False] * len(words)
    return [likely(value) for value in values]


def most_left(found: Mapping[str, Any] | None) -> bool:
    """Return whether fewer than half of the words of a fact are gone; False where that was not measured."""
    return found is not None and 2 * len(found["gone"]) < found["of"]


def gone_said(found: Mapping[str, Any] | None) -> str:
    """Return which words of a fact are gone, "" where that was not measured.

    >>> gone_said({"gone": ["the"], "of": 4})
    '1 of 4 words of the fact is gone: “the”'
    >>> gone_said({"gone": [], "of": 1, "given": ["Prize"]})
    '0 of 1 word of the fact is gone (“Prize” does not count: the base says it too)'
    """
    if found is None:
        return ""
    gone, of, given = found["gone"], found["of"], found.get("given") or []
    if len(gone) == of == found.get("words"):
        return f"all {of} words of the fact are gone" if of > 1 else "the one word of the fact is gone"
    named = f": {_quoted(gone)}" if gone else ""
    unknown = found.get("words", of + len(given)) > of + len(given)  # which may be likely now
    what = f"{'known ' if unknown else ''}{'word' if of == 1 else 'words'}"
    said = f"{len(gone)} of {of} {what} of the fact {_is(len(gone) or of)} gone{named}"
    do, them = ("does", "it") if len(given) == 1 else ("do", "them")
    return said + (f" ({_quoted(given)} {do} not count: the base says {them} too)" if given else "")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)
