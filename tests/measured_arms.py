"""Measurements of arms as a comparison keeps them, made of a few numbers."""

from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.results import BEFORE
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.probes import COMPARED

ROWS = tuple(f"r{at}" for at in range(12))


def measured(arm: str, seed: int, fact: float, moment: str = LAST) -> ArmResult:
    """One measurement with the same figure everywhere, and values by row that differ."""
    by_row = {name: {row: fact + 0.01 * at for at, row in enumerate(ROWS)} for name in COMPARED}
    summary = dict.fromkeys(COMPARED, fact)
    return ArmResult(arm, seed, moment, 3, summary, by_row=by_row, norm=1.5, tokens=45)


def chosen_and_random(seeds: int, apart: float) -> list[ArmResult]:
    """The chosen tokens and random ones, so far `apart` in each figure."""
    return [
        measured(arm, seed, fact + 0.001 * seed)
        for seed in range(seeds)
        for arm, fact in (("chosen", 0.1), ("random", 0.1 + apart))
    ]


def target(fact: float = 0.9) -> ArmResult:
    """The target before any step."""
    return measured(BEFORE, 0, fact, BEFORE)
