"""What could stand at each answer token: the likeliest tokens of a pass, and always the true one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tokenunlearn.signals.entry import Arrays

Alternative = tuple[str, float, int, bool]  # text, probability, rank, whether it is the true token


@dataclass(frozen=True)
class Alternatives:
    """What could stand at each answer token, as it is and masked: [tokens][5 or 6] of an Alternative.

    The five likeliest; the true token comes sixth where it is none of them. `names`: where another name is
    put in, the one that the masked list of each token is of; empty under another mask.
    """

    as_is: list[list[Alternative]]
    masked: list[list[Alternative]]
    names: list[str] = field(default_factory=list)


def alternatives(
    scores: Arrays | None, truths: Sequence[int], decode: Callable[[list[int]], str]
) -> list[list[Alternative]]:
    """Return the alternatives at each answer token of a pass, `truths` being its tokens; [] without a pass.

    `scores` are the arrays of a `PassScores` by name, [tokens …].
    """
    if scores is None:
        return []
    result = []
    for place, truth in enumerate(truths):
        ids, log_probs = scores["top_ids"][place], scores["top_log_probs"][place]
        found = [
            (int(token), float(log_prob), rank)
            for rank, (token, log_prob) in enumerate(zip(ids, log_probs, strict=True), start=1)
            if np.isfinite(log_prob)
        ]
        if truth not in [token for token, _, _ in found] and np.isfinite(scores["log_probs"][place]):
            found.append((truth, float(scores["log_probs"][place]), int(scores["ranks"][place])))
        result.append(
            [
                (decode([token]), round(float(np.exp(log_prob)), 4), rank, token == truth)
                for token, log_prob, rank in found
            ]
        )
    return result
