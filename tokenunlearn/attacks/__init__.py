"""Attacks: name → how it tries to bring the forgotten facts back; each is a job with progress and result."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.attacks import relearning
from tokenunlearn.attacks.entry import Attack, Subject
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.settings import from_dict

__all__ = ["ATTACKS", "Attack", "Subject", "check_attack"]

ATTACKS: Final[Mapping[str, Attack]] = MappingProxyType({**relearning.ATTACKS})


def check_attack(name: str, rows: Splits, values: Mapping[str, Any]) -> Any:
    """Return the attack's settings, checked, before any model is loaded.

    Raises SettingError for an unknown attack or setting, InputError where the rows lack what it needs.
    """
    if name not in ATTACKS:
        raise SettingError(f"There is no attack {name!r}", fix=did_you_mean(name, ATTACKS), where="attack")
    entry = ATTACKS[name]
    for need in entry.needs:
        if need == "gold":
            missing = not any(row.gold for row in rows.forget)
            what = "No row to forget has its fact marked (gold)"
        else:
            missing, what = not getattr(rows, need), f"There is no {need} row"
        if missing:
            raise InputError(what, f"{entry.label} has nothing to measure without one", where=name)
    return from_dict(entry.settings, values)
