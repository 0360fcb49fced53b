"""How a run is probed, by its config: runs of earlier versions cut every answer at one length."""

from collections.abc import Mapping
from typing import Any

from tokenunlearn.experiments.config import ARM_PROBES, EARLIER_LONGEST
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.settings import from_dict, to_dict


def probe_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a run is measured with, unchecked; all arms of a sweep have the same."""
    given = config.get("probes")
    named = dict(given) if isinstance(given, Mapping) else {}
    if config.get("sweep"):
        return {**to_dict(ARM_PROBES), "max_new_tokens": named.get("max_new_tokens", EARLIER_LONGEST["arm"])}
    return {**to_dict(ProbeSettings()), "max_new_tokens": EARLIER_LONGEST["run"], **named}


def probes_of(config: Mapping[str, Any]) -> ProbeSettings:
    """Return the settings that a run is measured with. Raises SettingError."""
    return from_dict(ProbeSettings, probe_settings(config))


def longest_in(report: Mapping[str, Any], config: Mapping[str, Any]) -> int | None:
    """Return how many tokens an answer of a run's report could have; an earlier version did not write it."""
    found = report.get("longest_answer", probe_settings(config)["max_new_tokens"])
    return found if isinstance(found, int) else None
