"""Token-weighted unlearning objectives: one dict, name → function, settings, what it needs, its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.objectives.ascent import (
    AscentSettings,
    WGASettings,
    gradient_ascent,
    weighted_gradient_ascent,
)
from tokenunlearn.objectives.batch import LossSum, TokenBatch
from tokenunlearn.objectives.preference import NPOSettings, SimNPOSettings, npo, simnpo

__all__ = ["OBJECTIVES", "LossSum", "Objective", "TokenBatch"]


@dataclass(frozen=True)
class Objective:
    """One unlearning objective. `retains` is False where the published form has no retain term."""

    label: str
    function: Callable[[TokenBatch, Any], LossSum]
    settings: type
    needs_reference: bool
    retains: bool
    source: str


OBJECTIVES: Final[Mapping[str, Objective]] = MappingProxyType(
    {
        "ga": Objective("GA", gradient_ascent, AscentSettings, False, False, "Jang et al. 2210.01504"),
        "grad_diff": Objective("GradDiff", gradient_ascent, AscentSettings, False, True, "TOFU 2401.06121"),
        "npo": Objective("NPO", npo, NPOSettings, True, True, "Zhang et al. 2404.05868"),
        "simnpo": Objective("SimNPO", simnpo, SimNPOSettings, False, True, "Fan et al. 2410.07163"),
        "wga": Objective("WGA", weighted_gradient_ascent, WGASettings, False, True, "Wang et al. 2502.19301"),
    }
)
