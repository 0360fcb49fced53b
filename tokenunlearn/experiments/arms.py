"""An arm is a choice of tokens; everything else about a run is shared, so that only the choice differs."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.masks import columns_from_table
from tokenunlearn.selection import Rule, select
from tokenunlearn.table import with_seed

ARMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chosen": "the rule's own tokens",
        "uniform": "every token, weight 1: the sequence form",
        "random": "as many random tokens in each row as the rule's hard choice, seeded",
        "gold": "the annotated fact: the ceiling",
    }
)


def weights_by_row(table: pd.DataFrame, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Row id to that row's token weights, float64, in the table's order."""
    ids = table["row_id"].to_numpy()
    return {str(row): np.asarray(weights)[ids == row] for row in dict.fromkeys(ids)}


def arm_weights(table: pd.DataFrame, rule: Rule, arm: str, seed: int) -> dict[str, np.ndarray]:
    """The token weights of an arm by row id. The seed moves the random arm only.

    Raises SettingError for an unknown arm.
    """
    if arm not in ARMS:
        raise SettingError(what=f"Unknown arm {arm!r}.", fix=did_you_mean(arm, list(ARMS)))
    if arm == "random":
        table = with_seed(table, seed)
    changed = rule if arm == "chosen" else replace(rule, mode=arm)
    return weights_by_row(table, select(columns_from_table(table), changed).weights)
