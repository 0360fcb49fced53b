"""Measurements of arms as a comparison keeps them, made of a few numbers."""

from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.results import BEFORE
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.probes import COMPARED

ROWS = tuple(f"r{at}" for at in range(12))


def measured(arm: str, seed: int, fact: float, moment: str = LAST, apart: float = 0.0) -> ArmResult:
    """One measurement with the same figure everywhere, and values by row that differ.

    By `apart` it lies off what it is held against; that varies a little with the row and the seed, in the
    mean over all not at all.
    """
    by_row = {
        name: {row: fact + apart * _spread(seed, at) + 0.01 * at for at, row in enumerate(ROWS)}
        for name in COMPARED
    }
    summary = dict.fromkeys(COMPARED, fact)
    return ArmResult(arm, seed, moment, 3, summary, by_row=by_row, norm=1.5, tokens=45)


def _spread(seed: int, at: int) -> float:
    return 0.02 * (at % 3 - 1) + 0.01 * (seed % 3 - 1)


def chosen_and_random(seeds: int, apart: float) -> list[ArmResult]:
    """The chosen tokens and random ones, so far `apart` in each figure."""
    return [
        measured(arm, seed, 0.1 + off + 0.001 * seed, apart=off)
        for seed in range(seeds)
        for arm, off in (("chosen", 0.0), ("random", apart))
    ]


def target(fact: float = 0.9) -> ArmResult:
    """The target before any step."""
    return measured(BEFORE, 0, fact, BEFORE)
