"""What a comparison runs: which arms, which objectives, over how many seeds."""

from dataclasses import dataclass
from typing import Final

from tokenunlearn.errors import SettingError
from tokenunlearn.experiments.arms import ARMS, CHOSEN, Arm
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.rivals import RIVALS
from tokenunlearn.settings import check, setting

ALL: Final = "all"


@dataclass(frozen=True)
class CompareConfig:
    """Settings of a comparison; the seeds count up from the training's `seed`."""

    arms: tuple[str, ...] = setting(
        ("uniform", "chosen", "random", "gold"),
        choices=(*ARMS, *RIVALS),
        help="Arms to run: choices of tokens, and rivals, which train nothing",
    )
    objectives: tuple[str, ...] | None = setting(
        None,
        choices=(ALL, *OBJECTIVES),
        help="Objectives to compare, each at its default and on the chosen tokens; without it, only the one "
        "of --objective",
    )
    seeds: int = setting(3, low=1, high=100, step=1, unit="seeds", help="Runs of each arm, each from a seed")
    equal_below: float = setting(
        0.1,
        low=0,
        high=1,
        step=0.01,
        help="Joint fact probability below which an arm is measured at equal forgetting; 0: never",
    )

    def __post_init__(self) -> None:
        check(self)
        matched = next((name for name in self.arms if Arm(name).matched), None)
        if matched and CHOSEN not in self.arms:
            raise SettingError(
                f"The arm {matched} needs the arm {CHOSEN}",
                "It is brought to the size of what that arm did",
                f"Add {CHOSEN} to the arms",
                "arms",
            )

    @property
    def methods(self) -> tuple[str, ...]:
        """The objectives to compare; one without a name where a single one is configured."""
        return tuple(OBJECTIVES) if ALL in (self.objectives or ()) else self.objectives or ("",)
