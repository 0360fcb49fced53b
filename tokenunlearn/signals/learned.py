"""The signal that learns from annotated answers what a fact looks like; fitted in `tokenunlearn.learned`."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from tokenunlearn.learned.fit import FitSettings
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.words import word_means
from tokenunlearn.signals.entry import Levels, RowView, Signal


def learned(logits: np.ndarray, words: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−mean logit of the word's tokens that count)) on each token of a row, float64 [tokens]."""
    return probability(word_means(logits, words, left_out))


def _pass(settings: FitSettings) -> str:
    return f"learned:{settings.layer_share:g}:{settings.C:g}"


def _learned(row: RowView, settings: FitSettings) -> np.ndarray:
    return learned(row.of(_pass(settings))["logits"], row.words, row.subject | row.punctuation)


ENTRIES: Final[Mapping[str, Signal]] = {
    "learned": Signal(
        label="Learned from annotated answers",
        short="from annotated answers",
        function=_learned,
        family="learned",
        source="ours; a linear probe (1610.01644), related to ATWU (2606.06320)",
        help="The probability that a person would mark the word as the fact, read off the hidden states",
        says=Levels(
            "{token} does not look like a stated fact (probability {value}).",
            (
                (0.5, "{token} looks like a stated fact (probability {value})."),
                (0.2, "{token} may be part of a stated fact (probability {value})."),
            ),
        ),
        passes_with=lambda settings: (_pass(settings),),
        settings=FitSettings,
        unit="probability",
        over_word="mean",
        report=True,
    ),
}
