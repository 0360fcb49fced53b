"""Which part of a row is hidden from the model, and how its tokens line up afterwards.

`swap` rewrites the text (the subject becomes another name); `subject`, `prompt` and `occlusion` keep the
ids and hide positions from attention. Positions never shift.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from tokenunlearn.text.encoding import Encoding
from tokenunlearn.text.folding import fold, folded
from tokenunlearn.text.spans import Span, subject_parts, subject_spans, tokens_in, unspaced, whole_words

INVENTED_NAMES = ("Marta Lindqvist", "Tomas Achterberg", "Renu Kapadia", "Idris Fontaine", "Helga Morosini")
_LETTERS: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class Swapped:
    """One row with its subject replaced: the new texts, and (start, end, shift) pieces of the old answer."""

    question: str
    answer: str
    replaced: tuple[tuple[int, int, int], ...]


def _replacement(name: str, part: int, parts: int) -> str:
    """Return the words of `name` that stand where part `part` of a subject of `parts` parts stood."""
    pieces = subject_parts(name)
    if part < 0 or not pieces:
        return name
    return pieces[-1] if part == parts - 1 else pieces[min(part, len(pieces) - 1)]


def _swap_text(text: str, subject: str, name: str) -> tuple[str, tuple[tuple[int, int, int], ...]]:
    pieces: list[str] = []
    replaced: list[tuple[int, int, int]] = []
    cursor = shift = 0
    parts = len(subject_parts(subject))
    for start, end, part in subject_spans(text, subject):
        new = _replacement(name, part, parts)
        pieces += [text[cursor:start], new]
        shift += len(new) - (end - start)
        replaced.append((start, end, shift))
        cursor = end
    return "".join([*pieces, text[cursor:]]), tuple(replaced)


def swap_subject(question: str, answer: str, subject: str, name: str) -> Swapped:
    """Return the row with every occurrence of `subject` (or a part) replaced by `name` (or its part)."""
    new_question, _ = _swap_text(question, subject, name)
    new_answer, replaced = _swap_text(answer, subject, name)
    return Swapped(new_question, new_answer, replaced)


def aligned(original: Encoding, swapped: Encoding, replaced: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Return for each original answer token its index among the swapped answer's tokens, or −1: int [tokens].

    A token that meets the subject, or that does not re-tokenise alike, has no counterpart.
    """
    places = {
        (*offset, token): index
        for index, (offset, token) in enumerate(zip(swapped.answer_offsets, swapped.answer_ids, strict=True))
    }
    found = np.full(original.answer_length, -1, dtype=np.int64)
    for index, ((start, end), token) in enumerate(
        zip(original.answer_offsets, original.answer_ids, strict=True)
    ):
        if any(start < stop and begin < end for begin, stop, _ in replaced):
            continue
        shift = max(((stop, moved) for _, stop, moved in replaced if stop <= start), default=(0, 0))[1]
        found[index] = places.get((start + shift, end + shift, token), -1)
    return found


def shares_word(subject: str, name: str) -> bool:
    """Return whether one has a word of the other, or all of it: put in its place, that word would stay."""
    one, other = _as_compared(subject), _as_compared(name)
    if not one[1].isdisjoint(other[1]):
        return True
    return (one[0] in other[0] and bool(whole_words(name, subject))) or (
        other[0] in one[0] and bool(whole_words(subject, name))
    )


@lru_cache(maxsize=65536)
def _as_compared(name: str) -> tuple[str, frozenset[str]]:
    """Return the name as names are compared, in lower case, with its set of words.

    Cached, since each row asks for all the others.
    """
    lower = folded(fold(name)).lower
    return lower, frozenset(lower.split())


@dataclass(frozen=True)
class LentNames:
    """Names that may be put in another's place, each once, in their order; told apart by their word count.

    `places`: by word count and part of a name, where in its list the names with that part stand, so that a
    row looks at those that may share a word with its subject, not at all of them.
    """

    by_size: Mapping[int, Sequence[str]]
    places: Mapping[tuple[int, str], Sequence[int]]


def lent_names(names: Iterable[str]) -> LentNames:
    """Return the names, told apart by their word count and found by their parts."""
    by_size: dict[int, list[str]] = {}
    places: dict[tuple[int, str], list[int]] = {}
    for name in dict.fromkeys(names):
        size = len(name.split())
        listed = by_size.setdefault(size, [])
        for part in _parts(name):
            places.setdefault((size, part), []).append(len(listed))
        listed.append(name)
    return LentNames(by_size, places)


def _parts(name: str) -> set[str]:
    """Return what two names that share a word have in common: words, letter runs, unspaced characters."""
    lower, words = _as_compared(name)
    spaced = "".join(" " if unspaced(each) else each for each in lower)
    return {*words, *_LETTERS.findall(spaced), *filter(unspaced, lower)}


def swap_names(subject: str, others: LentNames, count: int) -> list[str]:
    """Return `count` names for the subject's place: the set's subjects of as many words, then invented ones.

    Names that share a word with the subject are left out. The order is that of `others`, rotated by the
    subject, so that rows do not all get the same names; no randomness.
    """
    size = len(set(subject.split()))
    listed = others.by_size.get(size, ())
    near = {place for part in _parts(subject) for place in others.places.get((size, part), ())}
    left_out = sorted(place for place in near if shares_word(subject, listed[place]))
    like: list[str] = []
    left = len(listed) - len(left_out)
    if left:
        turn = sum(map(ord, subject)) % left
        like = [listed[_nth(left_out, (turn + at) % left)] for at in range(min(count, left))]
    invented = [name for name in INVENTED_NAMES if not shares_word(subject, name) and name not in like]
    return [*like, *invented][:count]


def _nth(left_out: Sequence[int], number: int) -> int:
    """Return the place of the item with this number among those not left out (their places are in order)."""
    for place in left_out:
        if place > number:
            break
        number += 1
    return number


def subject_positions(encoding: Encoding, question: str, answer: str, subject: str) -> list[int]:
    """Return the positions of the subject's tokens in question and answer."""
    in_question = tokens_in(question, encoding.question_offsets, _plain(subject_spans(question, subject)))
    in_answer = tokens_in(answer, encoding.answer_offsets, _plain(subject_spans(answer, subject)))
    return [
        *(encoding.question_start + np.flatnonzero(in_question)).tolist(),
        *(encoding.prompt_length + np.flatnonzero(in_answer)).tolist(),
    ]


def prompt_positions(encoding: Encoding) -> list[int]:
    """Return the positions of the question's content; the template's own tokens stay visible."""
    return list(range(encoding.question_start, encoding.question_start + len(encoding.question_offsets)))


def _plain(spans: Sequence[tuple[int, int, int]]) -> list[Span]:
    return [(start, end) for start, end, _ in spans]
