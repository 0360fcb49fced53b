"""Rivals: name → what it is made of; each answers the same probes as a trained model."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.rivals import in_context
from tokenunlearn.rivals.entry import Rival
from tokenunlearn.settings import from_dict

__all__ = ["RIVALS", "Rival", "check_rival", "make_rival"]

RIVALS: Final[Mapping[str, Rival]] = MappingProxyType({**in_context.RIVALS})


def check_rival(name: str, rows: Splits, values: Mapping[str, Any]) -> Any:
    """Return the rival's settings, checked, before any model is loaded.

    Raises SettingError for an unknown rival or setting, InputError where a split that it needs has no rows.
    """
    if name not in RIVALS:
        raise SettingError(f"There is no rival {name!r}", fix=did_you_mean(name, RIVALS), where="rival")
    entry = RIVALS[name]
    for split in entry.needs:
        if not getattr(rows, split):
            raise InputError(f"There is no {split} row", f"{entry.label} is made of them", where=name)
    return from_dict(entry.settings, values)


def make_rival(name: str, loaded: LoadedModel, rows: Splits, values: Mapping[str, Any]) -> LanguageModel:
    """Return the rival `name` over a target; raises as `check_rival` does."""
    settings = check_rival(name, rows, values)
    return RIVALS[name].make(loaded, rows, settings)
