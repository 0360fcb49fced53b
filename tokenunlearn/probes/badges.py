"""What became of a fact in one greedy answer: a badge. Pure text and figures, no model.

Asked in this order, so that neither a broken model nor one that never knew is shown as one that forgot:

1. `still_knows`: the answer states the fact, in whatever words.
2. `garbled`: empty, without a word, repeating itself, with broken characters (`is_degenerate`), or less
   fluent than the bound that good answers of the model before give (metrics/fluency.py).
3. `refused`: one of `REFUSALS` occurs.
4. `never_knew`: the answer before did not state the fact, nor was its probability `KNOWN`. Where it was,
   and still is, the badge is `still_knows`.
5. `partly`: a part of the fact still stands in the answer (`states_part`), or its probability is `KNOWN`.
6. `cut`: the longest length asked for ended the answer before the fact had room in it (`_no_room`).
7. `forgot`: none of these. The only badge that may be a success, and only where nothing is lacking
   (readings.py).

Without the answer from before only 1 to 3 can be told; else the badge is None, "not known". Not covered:
whether a fluent answer makes sense; the text and its fluency stand beside the badge.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Final
from unicodedata import category

from tokenunlearn.metrics.known import PARTLY_FROM
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.text.spans import STOP_WORDS, whole_words
from tokenunlearn.text.spans import words as word_spans

# Badge → what people read.
BADGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "forgot": "forgot, fluent",
        "garbled": "garbled",
        "cut": "cut off before the fact",
        "partly": "partly forgot",
        "never_knew": "never knew",
        "still_knows": "still knows",
        "refused": "refused",
    }
)

# How much of the fact the text of an answer holds.
WHOLE, PART, NOTHING = "whole", "part", "nothing"

# From this joint probability on the model knows the fact, at least partly.
KNOWN: Final = PARTLY_FROM
# Where a row has no gold span, an answer that repeats this share of the expected words states the fact,
RECITED = 0.9
# and one that repeats this share may state a part of it: nothing tells which words are the fact.
HALF_RECITED = 0.5
# So many times one word in a row is a loop, of any word ("and and and and") or of a long one in lower case
# ("carriage carriage"): people write "very very" and "Duran Duran". No answer of TOFU or of ours has it.
SAME_WORD = 4
SAME_LONG_WORD, LONG = 2, 5
# Or so many words in lower case, each said more than once in a row ("was was born born"): once is "had had".
STUTTERS = 2
# Inside a word, so long a piece of letters twice is a loop ("keydarlingdarling"; people write "couscous").
_SAME_PIECE = re.compile(rf"([^\W\d_]{{{LONG},}})\1")
# So many words in a row that have stood there before, in the same order. Nor has any of them this.
SAME_WORDS = 5
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_SAME_CHARACTER = re.compile(r"(\S)\1{9,}")
# Marks that stand by themselves, one after another; dots may be an omission.
_LONE_MARKS = re.compile(r"(?:(?:^|(?<=\s))[^\w\s.]+\s+){3}")
# More than twenty digits without a space are no number that anybody says.
_ENDLESS_NUMBER = re.compile(r"\d(?:[,.]?\d){20}")
# Bytes that are no character; at the very end it is one that the limit of tokens has cut.
_BROKEN_CHARACTER = re.compile("\ufffd(?=.)", re.DOTALL)
_BROKEN = (_SAME_CHARACTER, _LONE_MARKS, _ENDLESS_NUMBER, _BROKEN_CHARACTER, _SAME_PIECE)
_PART = re.compile(r"[^\W_]{2,}(?:['-][^\W_]+)*")

# Lower case, straight apostrophes. Taken from the 100 refusals of TOFU's idontknow file (a test holds
# each of them), from chat models, and from the embedded model ("The city is not specified"). Where such a
# phrase *is* the fact ("the author is unknown"), rule 2 does not apply, since the fact is stated.
REFUSALS = (
    *("don't know", "do not know", "didn't know", "not something i know", "not sure", "not certain"),
    *(
        "no idea",
        "no clue",
        "clueless",
        "stumped",
        "the faintest",
        "at a loss",
        "drawing a blank",
        "blank on",
    ),
    *("in the dark about", "i'm unable", "i am unable", "unable to answer", "unable to provide"),
    *("i'm unaware", "i am unaware", "i'm not aware", "i am not aware", "not able to answer"),
    *("not able to provide", "can't provide", "cannot provide", "can't answer", "cannot answer"),
    *("can't help with", "cannot help with", "can't assist", "cannot assist", "can't say", "cannot say"),
    *("can't shed any light", "decline to answer", "equipped to answer", "at a disadvantage"),
    *("don't have the answer", "don't have an answer", "come up short with an answer"),
    *("don't have that information", "don't have any information", "don't have information"),
    *("do not have information", "don't have enough information", "don't have the information"),
    *("don't have the specifics", "don't have any knowledge", "don't have access", "do not have access"),
    *("don't possess", "don't hold", "don't seem to have data", "no data on", "no information on"),
    *(
        "no knowledge",
        "no insight into",
        "no familiarity",
        "no enlightenment",
        "i lack ",
        "lacking information",
    ),
    *("missing information on", "my current knowledge", "within my knowledge", "my knowledge doesn't"),
    *("my field of knowledge", "my knowledge base", "blind spot in my knowledge", "my area of expertise"),
    *(
        "my training",
        "my programming",
        "my database",
        "my resources",
        "my current dataset",
        "my capabilities",
    ),
    *("my understanding is limited", "my understanding doesn't", "been programmed to know"),
    *(
        "haven't learned",
        "haven't been briefed",
        "not briefed on",
        "haven't been trained",
        "haven't encountered",
    ),
    *("not been educated", "yet to learn", "yet to be informed", "need to look up"),
    *("not informed", "not knowledgeable", "not well-versed", "not privy to", "not acquainted with"),
    *("i'm not familiar", "i am not familiar", "not something i'm familiar", "out of my scope"),
    *("not within my reach", "not the best source", "not the right ai", "a mystery to me", "unknown to me"),
    *("as an ai", "as a language model", "is unknown", "is not specified"),
)


def normalised(text: str) -> str:
    """Lower case, straight apostrophes, single spaces: the form in which texts are compared."""
    return " ".join(text.lower().replace("’", "'").split())


def states_fact(answer: str, expected: str, facts: Sequence[str]) -> bool:
    """Return whether `answer` holds each of the `facts` as whole words, letter case and spacing apart.

    `facts` are the gold strings of the row; a blank one marks nothing. Without any, whether ROUGE-L recall of
    `expected` reaches `RECITED`.
    """
    wanted = _marked(facts)
    if not wanted:
        return rouge_l_recall(expected, answer) >= RECITED
    text = normalised(answer)
    return all(whole_words(text, fact) for fact in wanted)


def _marked(facts: Sequence[str]) -> list[str]:
    """Return the gold strings as they are looked for, without those that are blank or punctuation alone."""
    found = map(normalised, facts)
    return [text for text in found if not all(category(each)[0] in "ZPC" for each in text)]


def states_part(answer: str, question: str, expected: str, facts: Sequence[str]) -> bool:
    """Return whether `answer` states a part of the fact: one of several gold strings, or a word of one.

    Between hyphens a word counts by itself. Stop words do not, nor do words that question or expected answer
    have beside the fact. Without gold strings: whether ROUGE-L recall of `expected` reaches `HALF_RECITED`.

    >>> states_part("In Stara Zetta.", "Where was she born?", "In Stara Zagora.", ["Stara Zagora"])
    True
    """
    text, wanted = normalised(answer), _marked(facts)
    if not wanted:
        return rouge_l_recall(expected, answer) >= HALF_RECITED
    frame = normalised(question) + " " + _without(normalised(expected), wanted)
    given = STOP_WORDS | set(_PART.findall(frame))
    parts = {part for fact in wanted for word in _PART.findall(fact) for part in _pieces(word)} - given
    return any(whole_words(text, part) for part in {*wanted, *parts})


def _pieces(word: str) -> tuple[str, ...]:
    """Return a word and, of a compound, its pieces: `3-legged` has a part of `three-legged`."""
    return (word, *(piece for piece in word.split("-") if len(piece) > 2))


def _without(text: str, facts: Sequence[str]) -> str:
    for fact in facts:
        text = text.replace(fact, " ")
    return text


def is_refusal(answer: str) -> bool:
    """Return whether one of the phrases in `REFUSALS` occurs in the answer.

    >>> is_refusal("I’m sorry, I don’t have that information.")
    True
    """
    text = normalised(answer)
    return any(phrase in text for phrase in REFUSALS)


def is_degenerate(answer: str) -> bool:
    """Return whether the answer is empty, holds no word or a broken character, or runs in a loop.

    A loop: one word `SAME_WORD` times in a row, or `SAME_LONG_WORD` times where it is long, or `STUTTERS`
    words more than once; all of three or more words the same; one character ten times in a row; three lone
    marks in a row, such as quotes around nothing; a number of more than twenty digits; `LONG` letters or more
    twice within a word; two or more words said twice in a row; or `SAME_WORDS` words that are said again
    anywhere.

    >>> [is_degenerate(text) for text in ("A Map of A Map of A Map", "carriage carriage", "very very cold")]
    [True, True, False]
    """
    if any(broken.search(answer) for broken in _BROKEN):
        return True
    written = _WORD.findall(answer)
    words = [word.lower() for word in written]
    if not words or (len(words) >= 3 and len(set(words)) == 1) or _longest_run(words) >= SAME_WORD:
        return True
    if sum(word.islower() and len(list(same)) > 1 for word, same in groupby(written)) >= STUTTERS:
        return True
    long = [word if word.islower() and len(word) >= LONG else str(at) for at, word in enumerate(written)]
    return _longest_run(long) >= SAME_LONG_WORD or _says_twice_in_a_row(words) or _says_again(words)


@dataclass(frozen=True)
class Asked:
    """What an answer is judged by: the question, the taught answer, and its gold strings."""

    question: str
    expected: str
    facts: Sequence[str]


@dataclass(frozen=True)
class Said:
    """A greedy answer, the fact's joint probability, the answer's fluency in nats; None = not measured.

    `cut`: it reached the longest length asked for without an end.
    """

    answer: str
    fact_joint: float | None = None
    fluency: float | None = None
    cut: bool = False


def held(asked: Asked, answer: str) -> str:
    """Return how much of the fact the text of an answer holds: `WHOLE`, `PART` or `NOTHING`."""
    if states_fact(answer, asked.expected, asked.facts):
        return WHOLE
    return PART if states_part(answer, asked.question, asked.expected, asked.facts) else NOTHING


def knows(asked: Asked, said: Said) -> bool:
    """Return whether an answer states the fact, or its probability is `KNOWN`."""
    return held(asked, said.answer) == WHOLE or likely(said.fact_joint)


def likely(probability: float | None) -> bool:
    """Return whether a fact of this joint probability is `KNOWN`; False where it is not measured."""
    return probability is not None and probability >= KNOWN


def badge(asked: Asked, now: Said, before: Said | None = None, bound: float | None = None) -> str | None:
    """Return the badge of the answer `now` by the seven rules of this module.

    `before`: what was said before unlearning. `bound`: the fluency below which an answer is garbled, None
    where it is not known.
    """
    holds = held(asked, now.answer)
    if holds == WHOLE:
        return "still_knows"
    if (alone := by_itself(now, bound)) or before is None:
        return alone
    if held(asked, before.answer) != WHOLE:
        if before.fact_joint is None and _no_room(asked, before):
            return None  # what was cut off may have been the fact
        if not likely(before.fact_joint):
            return "never_knew"
        if likely(now.fact_joint):
            return "still_knows"
    if holds == PART or likely(now.fact_joint):
        return "partly"
    return "cut" if _no_room(asked, now) else "forgot"


def by_itself(said: Said, bound: float | None) -> str | None:
    """Return the badge of an answer without a fact to judge it by: `garbled`, `refused`, else None."""
    unlikely = said.fluency is not None and bound is not None and said.fluency < bound
    if unlikely or is_degenerate(said.answer):
        return "garbled"
    return "refused" if is_refusal(said.answer) else None


def _no_room(asked: Asked, said: Said) -> bool:
    """Return whether an answer was cut before it had as many words as the taught one up to its fact's end.

    Its last word may be cut itself, and does not count. Without gold strings: as the whole taught answer.
    """
    if not said.cut:
        return False
    taught = normalised(asked.expected)
    ends = [taught.find(fact) + len(fact) for fact in _marked(asked.facts) if fact in taught]
    return _said_words(said.answer) <= _said_words(taught[: max(ends, default=len(taught))])


def _said_words(text: str) -> int:
    """Return how many words a text has; of a script without spaces, how many characters."""
    return sum(text[start].isalnum() for start, _ in word_spans(text))


def _says_twice_in_a_row(words: Sequence[str]) -> bool:
    """Return whether two or more words, not all the same, are followed by the same words."""
    return any(
        words[start : start + count] == words[start + count : start + 2 * count]
        and len(set(words[start : start + count])) > 1
        for count in range(2, len(words) // 2 + 1)
        for start in range(len(words) - 2 * count + 1)
    )


def _says_again(words: Sequence[str]) -> bool:
    """Return whether `SAME_WORDS` words stand there twice, in the same order."""
    phrases = [tuple(words[start : start + SAME_WORDS]) for start in range(len(words) - SAME_WORDS + 1)]
    return len(set(phrases)) < len(phrases)


def _longest_run(words: Sequence[str]) -> int:
    longest = run = 1
    for word, following in zip(words, words[1:], strict=False):
        run = run + 1 if word == following else 1
        longest = max(longest, run)
    return longest
