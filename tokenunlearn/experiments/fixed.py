"""Which settings of training a comparison sets itself, and why a person cannot."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SET_BY_ARMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "eval_every": "Each step is looked at, to find the one of equal forgetting",
        "stop_fact_below": "Each arm is measured at equal forgetting and goes on to the last step",
    }
)
