"""The probes: name → what is asked of a model, what is measured, and in which direction it should go.

The names are the keys of a Report's `summary`; the entries of a family stand beside its functions.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tokenunlearn.probes import answers, choice, jailbreak, membership, truth_ratio, utility
from tokenunlearn.probes.entry import Probe
from tokenunlearn.probes.evidence import ProbeSettings

__all__ = ["COMPARED", "PROBES", "Probe", "is_asked"]

PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        **answers.PROBES,
        **truth_ratio.PROBES,
        **jailbreak.PROBES,
        **membership.PROBES,
        **utility.PROBES,
        **choice.PROBES,
    }
)


def is_asked(name: str, settings: ProbeSettings) -> bool:
    """Return whether these settings ask for a probe; most are always asked."""
    setting = PROBES[name].setting
    return not setting or bool(getattr(settings, setting))


# The figures that stand beside each other where models are compared, in the order of their columns.
COMPARED: Final = tuple(name for name, probe in PROBES.items() if probe.short)
