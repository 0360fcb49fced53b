"""A sweep on the Compare tab: the sentence says what is shown and no more, the table has each arm."""

from typing import Any

import pytest

from app.views.sweeps import sweep_view
from tokenunlearn.experiments.runner import LAST, ArmResult
from tokenunlearn.probes import COMPARED
from tokenunlearn.training.events import SweepStep

STATE = {"run_id": "run-1", "name": "one, sweep", "arm": "", "state": "running", "step": 2, "steps": 6,
         "kind": "sweep", "message": ""}  # fmt: skip
ROWS = [f"r{at}" for at in range(12)]


def result(arm: str, seed: int, fact: float) -> ArmResult:
    by_row = {name: {row: fact + 0.01 * at for at, row in enumerate(ROWS)} for name in COMPARED}
    return ArmResult(arm, seed, LAST, 3, dict.fromkeys(COMPARED, fact), by_row=by_row, norm=1.5, tokens=45)


def results(seeds: int, apart: float) -> list[ArmResult]:
    return [
        result(arm, seed, fact + 0.001 * seed)
        for seed in range(seeds)
        for arm, fact in (("chosen", 0.1), ("random", 0.1 + apart))
    ]


@pytest.mark.parametrize(
    ("seeds", "apart", "sentence", "count"),
    [
        (2, 0.4, "Last step: nothing can be shown on fewer than 3 seeds, and this has 2.", 0),
        (3, 0.0, "Last step: no difference between the chosen tokens and a control is shown, of ", 0),
        (5, 0.4, "differences between the chosen tokens and the controls are shown", 1),
    ],
)
def test_the_sentence_says_what_is_shown(seeds: int, apart: float, sentence: str, count: int) -> None:
    view = sweep_view(STATE, results(seeds, apart), [], None)
    (verdict,) = view["verdicts"]
    assert sentence in verdict["text"] and bool(verdict["shown"]) == bool(count)
    assert view["controls"] == ["random, same count: that any tokens do, as long as they are few."]


def test_each_arm_has_its_line_with_mean_and_half_the_spread() -> None:
    view = sweep_view(STATE, results(3, 0.4), [], 90.0)
    assert view["text"] == "arm 2 of 6, about 90 s to the last arm"
    chosen, random = view["lines"]
    assert (chosen["label"], random["label"]) == ("chosen tokens", "random, same count")
    assert chosen["figures"]["fact_joint"] == [pytest.approx(0.101), pytest.approx(0.001)]
    assert (random["norm"], random["tokens"], random["seeds"]) == (1.5, 45, 3)


def test_before_anything_is_measured_there_is_no_verdict_and_what_was_left_out_is_told() -> None:
    left_out: list[Any] = [SweepStep(1, 6, "chosen, alt_dpo", 0, 0.1, "The rows have no other answers.")]
    view = sweep_view(STATE, [], left_out, None)
    assert view["verdicts"] == [] and view["lines"] == []
    assert view["notes"] == ["chosen, alt_dpo, seed 0: not measured. The rows have no other answers."]
