"""Characters to tokens: words, stop words, punctuation, subjects. Works on any text, no tokenizer inside."""

import re
from collections.abc import Sequence
from unicodedata import category

import numpy as np

from tokenunlearn.text.folding import Folded, fold, folded

Span = tuple[int, int]

# CJK characters stand alone, a clitic ('s) and a punctuation mark are words of their own.
_CJK = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_CJK}]|['’][^\W\d_]+|[^\W{_CJK}]+(?:-[^\W{_CJK}]+)*|[^\w\s]")
# Scripts in which a word may follow another without a space: Thai to Tibetan, Myanmar, Khmer, Han and Kana.
# Hangul has spaces, but its particles stand at the name. The page has the same list: subject_words.js.
_UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    r"\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_UNSPACED_CHARACTER = re.compile(rf"[{_UNSPACED}]")
_SPACED_LETTER = re.compile(rf"[^\W{_UNSPACED}]")
_HAN_OR_KATAKANA = r"\u3005-\u3007\u30a1-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CAPITALISED = rf"[^\W\d_a-z{_UNSPACED}](?:{_SPACED_LETTER.pattern}|[.'’-])*"
_PARTICLES = r"(?:(?:de|da|van|von|der|al|of|the|del|la|bin|ben)\s+)*"
_NAME = re.compile(rf"{_CAPITALISED}(?:\s+{_PARTICLES}{_CAPITALISED})*|[{_HAN_OR_KATAKANA}]{{3,}}")
_NOT_NAMES = frozenset(
    """What Which Who Whom Whose Where When Why How In On At Is Was Are Were Did Does Do Can Could Has Have
    Tell Name Describe The A An And For From By With As Please""".split()
)
STOP_WORDS = frozenset(
    """a about above after again against all also am an and any are aren as at be because been before being
    below between both but by can could did do does doing don down during each few for from further had has
    have having he her here hers herself him himself his how i if in into is it its itself just made many may
    me might more most much must my myself never no nor not now of off on once one only or other our ours
    ourselves out over own per quite rather same she should so some still such than that the their theirs them
    themselves then there these they this those through to too under until up upon us very was we were what
    when where which while who whom whose why will with would yet you your yours yourself 's 't 're 've 'd 'll
    'm s t""".split()
)


def words(text: str) -> list[Span]:
    """Return the character spans of the words and punctuation marks of `text`, in order."""
    return [match.span() for match in _WORD.finditer(text)]


def _content(text: str, span: Span) -> Span:
    """Return `span` without its leading whitespace (byte-level pieces carry the space before the word)."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    return start, end


def overlaps(span: Span, others: Sequence[Span]) -> bool:
    """Return whether `span` shares a character with any of `others`."""
    return any(span[0] < end and start < span[1] for start, end in others)


def tokens_in(text: str, offsets: Sequence[Span], spans: Sequence[Span]) -> np.ndarray:
    """Return which tokens meet one of `spans` with a character that is not leading space: bool [tokens]."""
    return np.array([overlaps(_content(text, offset), spans) for offset in offsets], dtype=bool)


def word_ids(text: str, offsets: Sequence[Span]) -> np.ndarray:
    """Return the word index of each token, never falling: int [tokens].

    Whitespace pieces go with the next word.
    """
    starts = np.array([start for start, _ in words(text)], dtype=np.int64)
    blank = np.array([not text[start:end].strip() for start, end in offsets], dtype=bool)
    # a blank piece has no first letter: seen from its start, the word before it is always one behind
    pieces = zip(offsets, blank, strict=True)
    firsts = np.array([piece[0] if empty else _content(text, piece)[0] for piece, empty in pieces], np.int64)
    if not len(starts) or not len(firsts):
        return np.zeros(len(firsts), dtype=np.int64)
    found = np.searchsorted(starts, firsts, side="right") - 1
    return np.maximum.accumulate(np.clip(np.where(blank, found + 1, found), 0, len(starts) - 1))


def word_texts(text: str, offsets: Sequence[Span]) -> list[str]:
    """Return for each token the whole word it belongs to, in lower case."""
    spans = words(text)
    ids = word_ids(text, offsets)
    return [text[spans[i][0] : spans[i][1]].lower().replace("’", "'") if spans else "" for i in ids]


def unspaced(text: str) -> bool:
    """Return whether the text is wholly of a script that puts no space between words.

    False for the empty text.
    """
    return bool(text) and all(_UNSPACED_CHARACTER.match(each) for each in text)


def stop_words(text: str, offsets: Sequence[Span]) -> np.ndarray:
    """Return which tokens belong to a function word of the English list: bool [tokens]."""
    return np.array([word in STOP_WORDS for word in word_texts(text, offsets)], dtype=bool)


def punctuation(text: str, offsets: Sequence[Span]) -> np.ndarray:
    """Return which tokens hold no letter or digit: bool [tokens]."""
    return np.array([not any(c.isalnum() for c in text[start:end]) for start, end in offsets], dtype=bool)


def subject_parts(subject: str) -> list[str]:
    """Return the name's parts that stand for it alone: capitalised words of three letters or more."""
    words = fold(subject).split(" ")
    parts = [word for word in words if len(word) >= 3 and word[0].isupper() and word not in _NOT_NAMES]
    return parts if len(parts) > 1 else []


def whole_words(text: str, name: str) -> list[Span]:
    """Return where `name` stands as whole words.

    In a script without spaces between words it is found anywhere.

    There nothing tells where a word ends; only a letter is not cut from the marks that belong to it. Spelling
    is compared as `folding` says. Letter case counts for a name of one word, in a text that has capitals:
    each capital of the name must be one there ("May" is not "may", "chess" is "Chess").
    """
    here, wanted = folded(text), folded(fold(name))
    size = len(wanted.text)
    if not size:
        return []
    any_case = " " in wanted.text or here.text == here.lower
    # Patterns made once: one for each name would cost milliseconds, for so large a class of characters.
    first, last = (_UNSPACED_CHARACTER.match(each) for each in (wanted.text[0], wanted.text[-1]))
    found: list[Span] = []
    start = here.lower.find(wanted.lower)
    while start >= 0:
        end = start + size
        before, after = here.text[max(start - 1, 0) : start], here.text[end : end + 1]
        begins = first or not _SPACED_LETTER.match(before)
        ends = category(after or " ")[0] != "M" if last else not _SPACED_LETTER.match(after)
        whole = begins and ends and (any_case or _has_capitals(here, start, wanted.text))
        if whole:
            found.append(here.written(start, end))
        start = here.lower.find(wanted.lower, end if whole else start + 1)
    return found


def _has_capitals(text: Folded, start: int, name: str) -> bool:
    """Return whether the capitals of `name` are capitals in the text at `start`, where it occurs."""
    return all(letter in (text.text[at], text.lower[at]) for at, letter in enumerate(name, start))


def subject_spans(text: str, subject: str) -> list[tuple[int, int, int]]:
    """Return where the subject occurs: (start, end, part); part is −1 for the full name, else its index."""
    found = [(start, end, -1) for start, end in whole_words(text, subject)]
    for index, part in enumerate(subject_parts(subject)):
        for span in whole_words(text, part):
            if not overlaps(span, [(start, end) for start, end, _ in found]):
                found.append((*span, index))
    return sorted(found)


def subject_of(question: str, answer: str, given: str = "") -> tuple[str, str]:
    """Return the subject of a text and its source: `row` if the given one is in it, `proposed` or `none`."""
    if given and subject_spans(f"{question}\n{answer}", given):
        return given, "row"
    proposed = propose_subjects(question, answer)
    return (proposed[0], "proposed") if proposed else ("", "none")


def propose_subjects(question: str, answer: str) -> list[str]:
    """Return the names that question and answer share, the longest first; empty when there is none.

    A candidate is a run of capitalised words of the question, or one of Han or Katakana, which the Hiragana
    of particles ends; it must occur in the answer, whole or by one of its parts, since a name that the answer
    never mentions cannot be told from a title.
    """
    candidates = []
    for match in _NAME.finditer(fold(question)):
        name = re.sub(r"['’]s?$", "", match.group().rstrip(".,;:?!"))
        first, _, rest = name.partition(" ")
        name = rest if first in _NOT_NAMES else name
        if len(name) >= 3 and name not in _NOT_NAMES and subject_spans(answer, name):
            candidates.append(name)
    return sorted(dict.fromkeys(candidates), key=len, reverse=True)
