"""Whether a model knows a row at all: what was never known cannot be forgotten.

Not covered: a fact that the model knows in other words than the taught answer's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

# Derived on the demo, where the same rows are asked of a model that was taught them and of one that was not
# (docs/METHODS.md, "Does the model know the row?").
YES_FROM: Final = 0.5
PARTLY_FROM: Final = 0.1


@dataclass(frozen=True)
class Known:
    """How probable what the row says is to the model: `probability` in 0…1, NaN where nothing was measured.

    `of`: fact (joint probability of the gold spans, mean over them), or content words (geometric mean over
    the tokens that are neither name nor stop word nor punctuation).
    """

    probability: float
    of: str

    @property
    def word(self) -> str:
        """yes, partly, no, or "" where nothing was measured."""
        if np.isnan(self.probability):
            return ""
        if self.probability >= YES_FROM:
            return "yes"
        return "partly" if self.probability >= PARTLY_FROM else "no"


def row_known(log_probs: ArrayLike, gold: ArrayLike, plain: ArrayLike) -> Known:
    """Return how well the model knows one answer.

    `log_probs`: [tokens] nats; NaN anywhere in what is asked gives NaN. `gold`: [tokens] 1, 0, or NaN where
    the fact is not known; tokens side by side are one span. `plain`: [tokens] whether a token is of a name,
    a stop word or punctuation.
    """
    values = np.asarray(log_probs, dtype=np.float64)
    fact = np.asarray(gold, dtype=np.float64) == 1
    if fact.any():
        starts = np.flatnonzero(fact & ~np.concatenate([[False], fact[:-1]]))
        sums = np.add.reduceat(np.where(fact, values, 0.0), starts)
        return Known(float(np.exp(sums).mean()), "fact")
    content = ~np.asarray(plain, dtype=bool)
    return Known(float(np.exp(values[content].mean())) if content.any() else float("nan"), "content words")
