"""What removing context in an order does to a fact: the area over the perturbation curve (AOPC).

A curve holds the fact's log-prob when k of n tokens are gone, at even steps from none to all. Sources: AOPC
of Samek et al. 1509.06321; comprehensiveness (deletion) and sufficiency (insertion) of ERASER, 1911.03429,
whose code takes the mean over rows and steps too. Theirs are of probabilities, ours is in nats a token.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def removal_counts(tokens: int, steps: int) -> NDArray[np.int64]:
    """Return how many of the tokens are gone at each of `steps` even steps, from none to all: [steps + 1].

    >>> removal_counts(3, 4).tolist()
    [0, 1, 2, 2, 3]
    """
    return np.floor(np.arange(steps + 1) * tokens / steps + 0.5).astype(np.int64)


def falling(scores: ArrayLike) -> NDArray[np.int64]:
    """Return the order that begins with the highest score; ties go to the earlier token."""
    return np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")


def area_over(whole: float, curve: ArrayLike) -> float:
    """Return the mean over a curve of how far it lies below `whole`, the fact's log-prob in full context.

    Deletion: the higher, the more the fact depends on what goes first. Insertion (the curve begins with
    nothing kept): the lower, the better what is kept first suffices.

    >>> area_over(-1.0, [-1.0, -2.0, -4.0, -4.0])
    1.75
    """
    return float(np.mean(whole - np.asarray(curve, dtype=np.float64)))
