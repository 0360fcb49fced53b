"""The fitted scorer: a layer, a mean and a scale, a direction. Its file: scorer_files.py.

logit(token) = intercept + Σ coef · (state − mean) / scale. A word's logit is the mean over its tokens.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tokenunlearn.errors import ModelError

VECTORS: Final = ("mean", "scale", "coef")
FIT_AGAIN: Final = "Fit it again: python -m tokenunlearn fit ROWS --out FOLDER"


@dataclass(frozen=True, eq=False)
class Scorer:
    """A direction in the states after `layer` decoder layers, fitted to say which words are the fact.

    `mean`, `scale`, `coef`: float64 [width]. `made_of`: what it was fitted on, each a text: `model`,
    `weights`, `annotated`, `marks` (hashes), `C`, `marks_weight`, and how many `words` and `marked_words`.
    """

    layer: int
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    coef: NDArray[np.float64]
    intercept: float
    made_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """How many numbers a state has."""
        return len(self.coef)

    @property
    def hash(self) -> str:
        """Return 12 hex digits over all numbers and what they were fitted on."""
        digest = hashlib.sha256(
            json.dumps([self.layer, self.intercept, sorted(self.made_of.items())]).encode()
        )
        for name in VECTORS:
            digest.update(np.ascontiguousarray(getattr(self, name), dtype="<f8").tobytes())
        return digest.hexdigest()[:12]

    def logits(self, states: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the logit of each state [n, width] → float64 [n].

        Raises ModelError for states of another width.
        """
        if states.shape[-1] != self.width:
            raise ModelError(
                what="The scorer does not fit the model.",
                why=f"It was fitted on states of {self.width} numbers, and the model has {states.shape[-1]}.",
                fix=FIT_AGAIN,
            )
        return np.asarray((states.astype(np.float64) - self.mean) / self.scale @ self.coef + self.intercept)


def probability(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability that a person marks the word, 1 / (1 + exp(−logit))."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64))))
