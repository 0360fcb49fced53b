"""What an attack is: an attempt to bring back what was forgotten, and what may be done to the model for it.

Buttons, flags, tables and docs are made from the entry; nothing else names an attack.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenunlearn.data.splits import Splits
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.training.events import AttackDone, AttackStep


@dataclass(frozen=True)
class Subject:
    """What is attacked. An attack may reopen the weights, and train.

    `unlearned` loads the model as it was left; `never_knew` loads the control that was never taught, and is
    None where there is none. `folder` is where the attack keeps what it needs to go on; `earlier` is what it
    measured before it was stopped.
    """

    unlearned: Callable[[], LoadedModel]
    never_knew: Callable[[], LoadedModel] | None
    rows: Splits
    folder: Path
    earlier: Sequence[AttackStep] = ()


@dataclass(frozen=True)
class Attack:
    """One attack. `needs` names what the rows must have: a split, or `gold` on rows to forget.

    `run` yields an AttackStep a measurement and ends with AttackDone. Each event is told before what it needs
    to go on is written, so that a kill at any moment loses at most a step. Its result is `{attack, label,
    settings, says: sentences, curve: [{model, taken, figures}], columns: figure → heading}` and what else it
    found.
    """

    label: str
    run: Callable[[Subject, Any], Generator[AttackStep | AttackDone]]
    settings: type
    needs: tuple[str, ...]
    help: str
    source: str
