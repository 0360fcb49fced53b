"""Signals read off the text alone: they need no model and cost nothing, and others must beat them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tokenunlearn.signals.entry import Levels, RowView, Signal
from tokenunlearn.text.folding import folded
from tokenunlearn.text.spans import unspaced, whole_words, word_texts


def random(row: RowView, _: Any = None) -> np.ndarray:
    """Return the seeded key of each token, in [0, 1): what a signal finds that knows nothing."""
    return row.random_key.astype(np.float64)


def content_words(row: RowView, _: Any = None) -> np.ndarray:
    """1 for a token that is neither stop word nor punctuation, else 0."""
    return (~row.stop.astype(bool) & ~row.punctuation.astype(bool)).astype(np.float64)


def content_words_new(row: RowView, _: Any = None) -> np.ndarray:
    """1 for a content word that the question does not hold, else 0; a token has what its word has.

    Words are compared as names are (`text.folding`), without letter case. In a script that puts no space
    between words the token itself is looked for.
    """
    question = folded(row.question).lower
    units = [
        token.strip() if unspaced(token.strip()) else word
        for token, word in zip(row.tokens, word_texts(row.answer, row.offsets), strict=True)
    ]
    held = {unit: bool(unit) and bool(whole_words(question, folded(unit).lower)) for unit in set(units)}
    new = np.array([not held[unit] for unit in units], dtype=np.float64)
    return content_words(row) * new


ENTRIES: Final[Mapping[str, Signal]] = {
    "content_words": Signal(
        label="Content words",
        short="content words",
        function=content_words,
        family="text",
        source="word list",
        help="1 for a token that is neither stop word nor punctuation",
        says=Levels("{token} is a stop word or punctuation.", ((1.0, "{token} is a content word."),)),
        default=True,
        report=True,
    ),
    "content_words_new": Signal(
        label="New content words",
        short="new content words",
        function=content_words_new,
        family="text",
        source="word list and question; ours",
        help="1 for a content word that the question does not hold",
        says=Levels(
            "{token} is in the question, or is a stop word or punctuation.",
            ((1.0, "{token} is a content word, and the question does not hold it."),),
        ),
        default=True,
        report=True,
    ),
    "random": Signal(
        label="Random",
        short="random",
        function=random,
        family="text",
        source="control",
        help="A seeded random number: what finds no more than this has found nothing",
        says=Levels("The score of {token} is a random number: it says nothing of the token."),
        default=True,
        report=True,
    ),
}
