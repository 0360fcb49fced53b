"""An arm is a choice of tokens and a method; all else about a run is shared, so that only these differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.masks import Mask, columns_from_table
from tokenunlearn.modes import random_like
from tokenunlearn.selection import select
from tokenunlearn.table import with_seed

ARMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chosen": "the mask's own tokens: the rule's, with the overrides",
        "uniform": "every token, weight 1: the sequence form",
        "random": "the chosen arm's weights on as many random tokens of each row, seeded",
        "gold": "the annotated fact: the ceiling",
    }
)


@dataclass(frozen=True)
class Arm:
    """One run of a comparison. `tokens`: which are trained, by the names of ARMS; or the name of a rival.

    `method`: the objective, at its default settings; empty: the one that the comparison is set to.
    """

    tokens: str
    method: str = ""

    @property
    def name(self) -> str:
        """The arm in words."""
        return f"{self.tokens}, {self.method}" if self.method else self.tokens


def arms_of(names: Sequence[str], methods: Sequence[str]) -> list[Arm]:
    """Return each choice of tokens with each method, then the named rivals, which have no objective."""
    choices = [Arm(name, method) for method in methods for name in names if name in ARMS]
    return choices + [Arm(name) for name in names if name not in ARMS]


def weights_by_row(table: pd.DataFrame, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return each row's token weights by row id, float64, in the table's order."""
    codes, names = pd.factorize(table["row_id"])
    by_row = np.asarray(weights)[np.argsort(codes, kind="stable")]
    pieces = np.split(by_row, np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    return {str(name): piece for name, piece in zip(names, pieces, strict=True)}


def arm_weights(table: pd.DataFrame, chosen: Mask, arm: str, seed: int) -> dict[str, np.ndarray]:
    """Return the token weights of an arm by row id; `chosen` is the final mask that the arms are judged by.

    The seed moves the random arm only. Raises SettingError for an unknown arm.
    """
    if arm not in ARMS:
        raise SettingError(what=f"Unknown arm {arm!r}.", fix=did_you_mean(arm, list(ARMS)))
    weights = chosen.weights
    if arm == "random":
        columns = columns_from_table(with_seed(table, seed))
        weights = random_like(columns, weights, select(columns, chosen.rule).fused)
    elif arm == "uniform":
        weights = np.ones(len(table))
    elif arm == "gold":
        weights = (table["gold"].to_numpy(np.float64) == 1).astype(np.float64)
    return weights_by_row(table, weights)
