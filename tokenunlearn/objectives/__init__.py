"""The terms of the loss: OBJECTIVES on the rows to forget, RETAINS on those to keep, family by family."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tokenunlearn.objectives import ascent, distribution, preference, representation, retain
from tokenunlearn.objectives.batch import LossSum, TokenBatch
from tokenunlearn.objectives.entry import NEEDS, Need, Objective, Retain, State

__all__ = ["NEEDS", "OBJECTIVES", "RETAINS", "LossSum", "Need", "Objective", "Retain", "State", "TokenBatch"]

OBJECTIVES: Final[Mapping[str, Objective]] = MappingProxyType(
    {**ascent.ENTRIES, **preference.ENTRIES, **distribution.ENTRIES, **representation.ENTRIES}
)
RETAINS: Final[Mapping[str, Retain]] = MappingProxyType(retain.ENTRIES)
