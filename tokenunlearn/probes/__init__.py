"""The probes: name → what is asked of a model, what is measured, and in which direction it should go.

The names are the keys of a Report's `summary`; the entries of a family stand beside its functions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tokenunlearn.probes import answers, choice, truth_ratio
from tokenunlearn.probes.entry import Probe

__all__ = ["COMPARED", "PROBES", "Probe"]

PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {**answers.PROBES, **truth_ratio.PROBES, **choice.PROBES}
)
# The figures that stand beside each other where models are compared, in the order of their columns.
COMPARED: Final = tuple(name for name, probe in PROBES.items() if probe.short)
