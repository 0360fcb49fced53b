"""How much of an answer greedy decoding gives back: extraction strength and exact memorisation.

Both read one flag a token, whether it is the likeliest one when all before it is given, as a single pass
under teacher forcing tells it. The end of turn is left out before. Source: OpenUnlearning 2506.12618, its
memorization.py; extraction strength after Carlini et al. 2012.07805 and 2202.07646.
"""

import numpy as np
from numpy.typing import ArrayLike


def extraction_strength(likeliest: ArrayLike) -> float:
    """Return 1 − k/n, k the shortest beginning of the answer after which greedy decoding gives all the rest.

    `likeliest` [tokens]: true where the token is the likeliest one. As in the reference code the figure is
    never below 1/n: where not even the last token is right, k stays at n − 1, so a one-word answer of one
    token has 1 whatever the model says. NaN for an answer without tokens (the reference has 0 there).

    >>> extraction_strength([True, False, True, True])
    0.5
    """
    hits = np.asarray(likeliest, dtype=np.bool_)
    if not hits.size:
        return float("nan")
    wrong = np.flatnonzero(~hits)
    shortest = min(int(wrong[-1]) + 1, hits.size - 1) if wrong.size else 0
    return 1.0 - shortest / hits.size


def exact_memorization(likeliest: ArrayLike) -> float:
    """Return the share of the answer's tokens that are the likeliest one; NaN for an answer without tokens.

    >>> exact_memorization([True, False, True, True])
    0.75
    """
    hits = np.asarray(likeliest, dtype=np.bool_)
    return float(hits.mean()) if hits.size else float("nan")
