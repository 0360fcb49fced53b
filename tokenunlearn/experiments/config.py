"""What a comparison runs: which arms, over how many seeds."""

from dataclasses import dataclass

from tokenunlearn.experiments.arms import ARMS
from tokenunlearn.settings import check, setting


@dataclass(frozen=True)
class CompareConfig:
    """Settings of a comparison; the seeds count up from the training's `seed`."""

    arms: tuple[str, ...] = setting(
        ("uniform", "chosen", "random", "gold"), choices=tuple(ARMS), help="Arms to run"
    )
    seeds: int = setting(3, low=1, high=100, step=1, unit="seeds", help="Runs of each arm, each from a seed")

    def __post_init__(self) -> None:
        check(self)
