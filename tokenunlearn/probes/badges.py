"""What a greedy answer is, in one word: forgot, refused, degenerate or unchanged. Pure text, no model.

Asked in this order, so that a broken model is never shown as one that forgot:

1. `degenerate`: empty, without a word, or repeating itself (`is_degenerate`).
2. `refused`: one of `REFUSALS` occurs and the fact does not.
3. `forgot`: it does not state the fact, and the answer before unlearning did.
4. `unchanged`: it states the fact, in whatever words, or the answer before did not state it either
   (there was nothing to forget).

Without the answer from before only 1 and 2 can be told; then the badge is None, "not known".
Not covered: an answer that is fluent and about something else counts as forgot; the text stands beside it.
"""

import re
from collections.abc import Sequence

from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.text.spans import whole_words

BADGES = ("forgot", "refused", "degenerate", "unchanged")

# Where a row has no gold span, an answer that repeats this share of the expected words states the fact.
RECITED = 0.9
# From this many words on, fewer distinct word pairs than this share are a loop. English prose of the
# length of our answers stays above .8; a sentence said three times has a third.
LOOP_WORDS = 8
DISTINCT_PAIRS = 0.5
# So many times one word in a row is a loop at any length ("and and and and").
SAME_WORD = 4
_SAME_CHARACTER = re.compile(r"(\S)\1{9,}")

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
    """Whether `answer` holds each of the `facts` as whole words, letter case and spacing apart.

    `facts` are the gold strings of the row. Without any, whether ROUGE-L recall of `expected` reaches
    `RECITED`.
    """
    if not facts:
        return rouge_l_recall(expected, answer) >= RECITED
    text = normalised(answer)
    return all(whole_words(text, normalised(fact)) for fact in facts if fact.strip())


def is_refusal(answer: str) -> bool:
    """Whether one of the phrases in `REFUSALS` occurs in the answer.

    >>> is_refusal("I’m sorry, I don’t have that information.")
    True
    """
    text = normalised(answer)
    return any(phrase in text for phrase in REFUSALS)


def is_degenerate(answer: str) -> bool:
    """Whether the answer is empty, holds no word, or runs in a loop.

    A loop: one word `SAME_WORD` times in a row, all of three or more words the same, one character ten
    times in a row, or from `LOOP_WORDS` words on a share of distinct word pairs below `DISTINCT_PAIRS`.
    """
    words = re.findall(r"\w+", normalised(answer))
    if not words or _SAME_CHARACTER.search(answer):
        return True
    if _longest_run(words) >= SAME_WORD or (len(words) >= 3 and len(set(words)) == 1):
        return True
    pairs = list(zip(words, words[1:], strict=False))
    return len(words) >= LOOP_WORDS and len(set(pairs)) / len(pairs) < DISTINCT_PAIRS


def badge(answer: str, expected: str, facts: Sequence[str], before: str | None = None) -> str | None:
    """The badge of `answer` by the four rules of this module; `before` is the answer before unlearning."""
    if is_degenerate(answer):
        return "degenerate"
    states = states_fact(answer, expected, facts)
    if not states and is_refusal(answer):
        return "refused"
    if before is None:
        return None
    return "forgot" if not states and states_fact(before, expected, facts) else "unchanged"


def _longest_run(words: Sequence[str]) -> int:
    longest = run = 1
    for word, following in zip(words, words[1:], strict=False):
        run = run + 1 if word == following else 1
        longest = max(longest, run)
    return longest
