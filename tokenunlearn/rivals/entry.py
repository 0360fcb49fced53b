"""What a rival is: another way to make a model answer as if it had forgotten, without our training.

Menus, flags, tables and docs are made from the entry; nothing else names a rival.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tokenunlearn.data.splits import Splits
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import LoadedModel


@dataclass(frozen=True)
class Rival:
    """One rival. `needs` names the splits of which it must have rows.

    `make` takes the target, the rows and a checked instance of `settings`, and returns what is probed in the
    target's place. It leaves the target as it was.
    """

    label: str
    make: Callable[[LoadedModel, Splits, Any], LanguageModel]
    settings: type
    needs: tuple[str, ...]
    help: str
    source: str
