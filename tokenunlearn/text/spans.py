"""Characters to tokens: words, stop words, punctuation, subjects. Works on any text, no tokenizer inside."""

import re
from collections.abc import Sequence

import numpy as np

Span = tuple[int, int]

# CJK characters stand alone, a clitic ('s) and a punctuation mark are words of their own.
_CJK = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_CJK}]|['’][^\W\d_]+|[^\W{_CJK}]+(?:-[^\W{_CJK}]+)*|[^\w\s]")
_CAPITALISED = r"[^\W\d_a-z][\w.'’-]*"
_PARTICLES = r"(?:(?:de|da|van|von|der|al|of|the|del|la|bin|ben)\s+)*"
_NAME = re.compile(rf"(?:{_CAPITALISED})(?:\s+{_PARTICLES}{_CAPITALISED})*")
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
    """Character spans of the words and punctuation marks of `text`, in order."""
    return [match.span() for match in _WORD.finditer(text)]


def _content(text: str, span: Span) -> Span:
    """`span` without its leading whitespace (byte-level pieces carry the space before the word)."""
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    return start, end


def overlaps(span: Span, others: Sequence[Span]) -> bool:
    """Whether `span` shares a character with any of `others`."""
    return any(span[0] < end and start < span[1] for start, end in others)


def tokens_in(text: str, offsets: Sequence[Span], spans: Sequence[Span]) -> np.ndarray:
    """Which tokens meet one of `spans` with a character that is not leading space: bool [tokens]."""
    return np.array([overlaps(_content(text, offset), spans) for offset in offsets], dtype=bool)


def word_ids(text: str, offsets: Sequence[Span]) -> np.ndarray:
    """Word index of each token, never falling: int [tokens]. Whitespace pieces go with the next word."""
    starts = np.array([start for start, _ in words(text)], dtype=np.int64)
    blank = np.array([not text[start:end].strip() for start, end in offsets], dtype=bool)
    # a blank piece has no first letter: seen from its start, the word before it is always one behind
    pieces = zip(offsets, blank, strict=True)
    firsts = np.array([piece[0] if empty else _content(text, piece)[0] for piece, empty in pieces], np.int64)
    if not len(starts) or not len(firsts):
        return np.zeros(len(firsts), dtype=np.int64)
    found = np.searchsorted(starts, firsts, side="right") - 1
    return np.maximum.accumulate(np.clip(np.where(blank, found + 1, found), 0, len(starts) - 1))


def _word_texts(text: str, offsets: Sequence[Span]) -> list[str]:
    """For each token the whole word it belongs to, lower case."""
    spans = words(text)
    ids = word_ids(text, offsets)
    return [text[spans[i][0] : spans[i][1]].lower().replace("’", "'") if spans else "" for i in ids]


def stop_words(text: str, offsets: Sequence[Span]) -> np.ndarray:
    """Which tokens belong to a function word of the English list: bool [tokens]."""
    return np.array([word in STOP_WORDS for word in _word_texts(text, offsets)], dtype=bool)


def punctuation(text: str, offsets: Sequence[Span]) -> np.ndarray:
    """Which tokens hold no letter or digit: bool [tokens]."""
    return np.array([not any(c.isalnum() for c in text[start:end]) for start, end in offsets], dtype=bool)


def subject_parts(subject: str) -> list[str]:
    """The name's parts that stand for it alone: capitalised words of three letters or more."""
    parts = [
        part for part in subject.split() if len(part) >= 3 and part[0].isupper() and part not in _NOT_NAMES
    ]
    return parts if len(parts) > 1 else []


def subject_spans(text: str, subject: str) -> list[tuple[int, int, int]]:
    """Where the subject occurs: (start, end, part), part −1 for the full name, else the name part's index."""
    if not subject:
        return []
    found = [(m.start(), m.end(), -1) for m in re.finditer(rf"(?<!\w){re.escape(subject)}(?!\w)", text)]
    for index, part in enumerate(subject_parts(subject)):
        for match in re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", text):
            if not overlaps(match.span(), [(start, end) for start, end, _ in found]):
                found.append((match.start(), match.end(), index))
    return sorted(found)


def propose_subjects(question: str, answer: str) -> list[str]:
    """Names that question and answer share, the longest first; empty when there is none.

    A candidate is a run of capitalised words of the question; it must occur in the answer, whole or by one
    of its parts, since a name that the answer never mentions cannot be told from a title.
    """
    candidates = []
    for match in _NAME.finditer(question):
        name = re.sub(r"['’]s?$", "", match.group().rstrip(".,;:?!"))
        first, _, rest = name.partition(" ")
        name = rest if first in _NOT_NAMES else name
        if len(name) >= 3 and name not in _NOT_NAMES and subject_spans(answer, name):
            candidates.append(name)
    return sorted(dict.fromkeys(candidates), key=len, reverse=True)
