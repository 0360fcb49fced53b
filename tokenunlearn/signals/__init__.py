"""One number per answer token: SIGNALS maps a name to its entry (`entry.Signal`), family by family."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tokenunlearn.signals import entropy, gradient, knowledge, learned, likelihood, reference, text
from tokenunlearn.signals.entry import FAMILIES, Arrays, Family, RowView, Signal

__all__ = [
    "DEFAULT_ENTROPY",
    "DEFAULT_KNOWLEDGE",
    "FAMILIES",
    "SIGNALS",
    "Arrays",
    "Family",
    "RowView",
    "Signal",
]

SIGNALS: Final[Mapping[str, Signal]] = MappingProxyType(
    {
        **knowledge.ENTRIES,
        **entropy.ENTRIES,
        **reference.ENTRIES,
        **likelihood.ENTRIES,
        **gradient.ENTRIES,
        **learned.ENTRIES,
        **text.ENTRIES,
    }
)

# The signals of the default rule: what stands for knowledge, and what for uncertainty.
DEFAULT_KNOWLEDGE: Final = "knowledge_swap"
DEFAULT_ENTROPY: Final = "entropy"
