"""A sweep: arms × objectives × seeds on one bench, one after another; what is measured already stays."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from tokenunlearn.errors import InputError, ModelError, SettingError
from tokenunlearn.experiments.arms import CHOSEN, Arm, arm_weights, tokens_of
from tokenunlearn.experiments.moments import EQUAL, LAST
from tokenunlearn.experiments.results import BEFORE, missing, size_to_match
from tokenunlearn.experiments.runner import ArmResult, Bench, before, moments_to_come, run_arm
from tokenunlearn.experiments.series import place_of
from tokenunlearn.masks import Mask
from tokenunlearn.training.events import EvalDone, StepDone

SAME: Final = "not measured: it trains the very tokens of the arm chosen, so it shows nothing"


@dataclass(frozen=True)
class Planned:
    """What a sweep runs: each arm with a seed.

    `choose` scores the rows and chooses the tokens, once something is missing.
    `skips`: whether an arm whose objective needs what is not there is left out, with its reason.
    """

    bench: Bench
    runs: Sequence[tuple[int, Arm]]
    choose: Callable[[], tuple[pd.DataFrame, Mask]]
    skips: bool = False


@dataclass(frozen=True)
class ArmBegins:
    """An arm begins, the `at`-th, from 1, of `of` that were missing."""

    arm: Arm
    seed: int
    at: int
    of: int


@dataclass(frozen=True)
class ArmMeasured:
    """All measurements of an arm and seed, or the one of the target before any step (`arm` None)."""

    results: tuple[ArmResult, ...]
    arm: Arm | None = None
    seed: int = 0


@dataclass(frozen=True)
class ArmSkipped:
    """An arm that cannot be trained here, and why."""

    arm: Arm
    seed: int
    why: str


@dataclass(frozen=True)
class Unknown:
    """The model does not know the facts before any step (`fact_joint`): none can be forgotten equally."""

    fact_joint: float


SweepEvent = ArmBegins | ArmMeasured | ArmSkipped | Unknown | StepDone | EvalDone


def sweep(planned: Planned, results: Sequence[ArmResult], where: str = "") -> Iterator[SweepEvent]:
    """Yield what happens while all that `results` lack is measured, arm by arm.

    `where` is the file of the results, for errors. Raises, before anything runs, RunError where the chosen
    arm that one is matched to was measured without its size, SettingError for an arm of a series that would
    train less than half of the rows.
    """
    known = list(results)
    left = missing(known, planned.runs)
    for seed, arm in left:
        size_to_match(known, arm, seed, where)
    # First, as what is wrong with the mask shows here, before anything is measured.
    choice = planned.choose() if left else None
    if choice:
        _refuse_thin_series(*choice, left)
    if not any(each.arm == BEFORE for each in known):
        known.append(before(planned.bench))
        yield ArmMeasured((known[-1],))
    if choice is None:
        return
    table, chosen = choice
    start = next(each.summary for each in known if each.arm == BEFORE)
    moments = moments_to_come(planned.bench, start)
    if EQUAL not in moments:
        yield Unknown(start["fact_joint"])
    for at, (seed, arm) in enumerate(left, 1):
        yield ArmBegins(arm, seed, at, len(left))
        measured = []
        size = size_to_match(known, arm, seed, where)
        if (seed, Arm(CHOSEN, arm.method)) in planned.runs and trains_the_same(table, chosen, arm, seed):
            known.append(ArmResult(arm.tokens, seed, LAST, 0, {}, method=arm.method, note=SAME))
            yield ArmMeasured((known[-1],), arm, seed)
            continue
        try:
            for event in run_arm(planned.bench, table, chosen, arm, seed, moments, size):
                if isinstance(event, ArmResult):
                    measured.append(event)
                else:
                    yield event
        except (InputError, ModelError, SettingError) as error:
            if not planned.skips:
                raise
            yield ArmSkipped(arm, seed, str(error))
            continue
        known += measured
        yield ArmMeasured(tuple(measured), arm, seed)


def trains_the_same(table: pd.DataFrame, chosen: Mask, arm: Arm, seed: int) -> bool:
    """Return whether a control, or the ceiling, is the very tokens that it would be held against.

    A matched arm goes another way, and a member of a series is a point of its curve.
    """
    entry = tokens_of(arm.tokens)
    if entry is None or arm.tokens == CHOSEN or entry.at_end_alone:
        return False
    weights, own = (arm_weights(table, chosen, name, seed) for name in (arm.tokens, CHOSEN))
    return all(np.array_equal(weights[name], own[name]) for name in own)


def _refuse_thin_series(table: pd.DataFrame, chosen: Mask, runs: Sequence[tuple[int, Arm]]) -> None:
    first = {arm.tokens: seed for seed, arm in reversed(runs) if place_of(arm.tokens)}
    for name, seed in first.items():
        weights = arm_weights(table, chosen, name, seed).values()
        trained = sum(bool(row.any()) for row in weights)
        if trained < len(weights) / 2:
            raise SettingError(
                f"The arm {name} would train {trained} of {len(weights)} rows",
                "The others have fewer tokens with a score, that the rule may choose, than it takes",
                "Ask for fewer bins or doses, or order them by another score",
                "bins",
            )


def place_words(begins: ArmBegins, seconds: float) -> str:
    """Return where a sweep stands and, by the `seconds` of the arms before, how long it goes on."""
    done = begins.at - 1
    place = f"{begins.at} of {begins.of}"
    if not done:
        return place
    left = seconds / done * (begins.of - done)
    return f"{place}, about {left / 60:.0f} min left" if left >= 60 else f"{place}, under a minute left"
