"""How probable the fact in an answer still is, and what happened to the answer's other tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokenunlearn.models.language_model import TokenLogProbs
from tokenunlearn.text.spans import Span, overlaps, subject_spans, tokens_in, words


@dataclass(frozen=True)
class FactProbability:
    """Probabilities of one answer, each 0-1, NaN where no token is left to average.

    `joint`: exp of the summed log-probs of a gold span's tokens, mean over the spans (the headline:
    under teacher forcing the later pieces of a word follow from its first, so the mean alone makes a
    forgotten fact look half remembered). `mean`: mean probability of the gold tokens. `other`: mean of
    the tokens that are neither gold nor subject. `whole`: mean of all answer tokens.
    """

    joint: float
    mean: float
    other: float
    whole: float


def fact_probability(
    answer: str, tokens: TokenLogProbs, gold: Sequence[Span], subject: str = ""
) -> FactProbability:
    """Return the four probabilities of one answer under one model.

    `gold`: character spans of `answer`, end exclusive. A token belongs to a span when it shares a
    character with it, leading space apart. One that is gold and subject at once counts as gold.
    """
    offsets = list(zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True))
    names = [(start, end) for start, end, _ in subject_spans(answer, subject)]
    spans_met = [tokens_in(answer, offsets, [span]) for span in gold]
    is_gold = np.logical_or.reduce(spans_met) if spans_met else np.zeros(len(tokens), dtype=np.bool_)
    is_other = ~is_gold & ~tokens_in(answer, offsets, names)
    probabilities = np.exp(tokens.log_probs)
    joints = [float(np.exp(tokens.log_probs[met].sum())) for met in spans_met if met.any()]
    return FactProbability(
        joint=_mean(np.array(joints)),
        mean=_mean(probabilities[is_gold]),
        other=_mean(probabilities[is_other]),
        whole=_mean(probabilities),
    )


def word_probabilities(answer: str, tokens: TokenLogProbs, gold: Sequence[Span]) -> list[tuple[str, float]]:
    """Return each word of the fact with the joint probability of its tokens, in order; NaN without tokens.

    Punctuation and clitics ('s) are no words. What comes before a word is given, so that a word that follows
    from the one before it is likely although that one is gone.
    """
    offsets = list(zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True))
    found = []
    for span in words(answer):
        if overlaps(span, gold) and answer[span[0]].isalnum():
            met = tokens_in(answer, offsets, [span])
            joint = float(np.exp(tokens.log_probs[met].sum())) if met.any() else float("nan")
            found.append((answer[slice(*span)], joint))
    return found


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else float("nan")
