"""What a comparison shows and what it does not: planted effects, planted lies, too few seeds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tokenunlearn.documents.summary import against_words
from tokenunlearn.experiments.moments import LAST, RETAINED
from tokenunlearn.experiments.report import verdict_lines
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.verdict import Finding, findings
from tokenunlearn.metrics.statistics import Comparison
from tokenunlearn.probes import COMPARED

ROWS = 20
CONTROLS = ("uniform", "random", "words")


def result(arm: str, seed: int, fact: list[float], other: list[float] | None = None) -> ArmResult:
    values = {"fact_joint": fact, "other": other or [0.9] * len(fact)}
    by_row = {name: {f"r{at}": value for at, value in enumerate(column)} for name, column in values.items()}
    return ArmResult(arm, seed, LAST, 4, {}, by_row=by_row)


def simulated(number: int, effect: float, seeds: int = 5) -> list[ArmResult]:
    """A table in which chosen lowers the fact by `effect` more than each control; all else is chance.

    A seed moves all of an arm's rows, as another LoRA does, and rows differ in how easily they are forgotten.
    """
    draw = np.random.default_rng(number).normal
    easy = draw(scale=0.1, size=ROWS)
    found = []
    for arm in ("chosen", *CONTROLS):
        for seed in range(seeds):
            level = 0.4 + draw(scale=0.03) - (effect if arm == "chosen" else 0)
            fact = level + easy + draw(scale=0.1, size=ROWS)
            other = 0.9 + draw(scale=0.03) + draw(scale=0.05, size=ROWS)
            found.append(result(arm, seed, fact.tolist(), other.tolist()))
    return found


def varied(arm: str, seed: int, level: float, rows: int = 4) -> ArmResult:
    """An arm whose fact lies at about `level`: the chosen one exactly there, another off with seed and row.

    Between two such arms the means of three seeds are .01 apart, those of the rows .004.
    """
    off = 0.0 if arm == "chosen" else 0.01 * (seed - 1)
    by_row = 0.0 if arm == "chosen" else 0.002
    return result(arm, seed, [level + 0.01 * at + off + by_row * (2 * at - rows + 1) for at in range(rows)])


def fact_of(runs: list[ArmResult]) -> Finding:
    return next(each for each in findings(runs, LAST) if each.probe == "fact_joint")


def share_shown(make: Callable[[int], list[ArmResult]], tables: int = 100) -> float:
    """The share of tables in which anything at all is shown."""
    return sum(any(each.shown for each in findings(make(number), LAST)) for number in range(tables)) / tables


def test_where_nothing_differs_but_by_chance_nothing_is_shown() -> None:
    assert share_shown(lambda number: simulated(number, 0.0)) <= 0.05
    assert share_shown(lambda number: simulated(number, 0.0, seeds=3)) <= 0.05


def test_a_planted_effect_is_found() -> None:
    assert share_shown(lambda number: simulated(number, 0.15)) >= 0.8


def test_two_copies_of_one_run_show_nothing() -> None:
    runs = [each for each in simulated(0, 0.0) if each.arm == "chosen"]
    found = findings([*runs, *(replace(each, arm="uniform") for each in runs)], LAST)
    assert found and not any(each.shown for each in found)
    measured = [each for each in found if each.probe in ("fact_joint", "other")]
    assert [(each.comparison.mean, each.p_value) for each in measured] == [(0.0, 1.0)] * 2


def test_two_rows_show_nothing() -> None:
    levels = {"chosen": 0.0, "uniform": 0.9}
    runs = [varied(arm, seed, level, rows=2) for arm, level in levels.items() for seed in range(3)]
    fact = fact_of(runs)
    assert fact.p_value < 0.05 and fact.misses_zero  # were it not for the rows
    assert not fact.shown and fact.words.endswith("not shown, it takes 3 rows.")


@pytest.mark.parametrize(("kept", "shown"), [(0.91, True), (0.82, False)])
def test_at_equal_retention_nothing_is_shown_where_it_is_not_equal(kept: float, shown: bool) -> None:
    def at(arm: str, seed: int, level: float, retain: float) -> ArmResult:
        return replace(varied(arm, seed, level), moment=RETAINED, summary={"other": 0.9, "retain": retain})

    # (.9 + .92) / 2 = .91; beside it (.9 + .91) / 2 = .905, or (.9 + .82) / 2 = .86
    runs = [at("chosen", seed, 0.1, 0.92) for seed in range(3)]
    runs += [at("random", seed, 0.5, kept) for seed in range(3)]
    (fact,) = (each for each in findings(runs, RETAINED) if each.probe == "fact_joint")
    assert fact.shown is shown
    unequal = "retention is not equal: 0.91 and 0.86"
    assert (unequal in fact.words) is not shown
    assert against_words([fact])["open"].endswith(unequal) is not shown  # on the page and in a report, too


def test_a_difference_is_told_with_its_direction_and_of_two_seeds_it_shows_nothing() -> None:
    def table(seeds: int) -> list[Finding]:
        levels = {"chosen": 0.1, "uniform": 0.5}
        return findings(
            [varied(arm, seed, level) for arm, level in levels.items() for seed in range(seeds)], LAST
        )

    fact = next(each for each in table(3) if each.probe == "fact_joint")
    assert fact.shown and fact.better
    # Seeds: .01² / 3. Rows, −.006 to .006: .00008 / 3 / 4. Together .00004; times t of two degrees, 4.3027.
    assert fact.words == (
        "fact, joint, chosen tokens − “uniform, every token”: −0.400 [−0.427, −0.373], p < 0.001 (Holm over "
        "2), 3 seeds, 4 rows: shown, the chosen tokens do better."
    )
    few = next(each for each in table(2) if each.probe == "fact_joint")
    assert not few.shown and few.words.endswith("2 seeds, 4 rows: not shown, it takes 3 seeds.")
    one = next(each for each in table(1) if each.probe == "fact_joint")
    assert one.words == (
        "fact, joint, chosen tokens − “uniform, every token”: −0.390, 1 seed, 4 rows: not shown, it takes 3 "
        "seeds."
    )
    lacking = next(each for each in table(3) if each.probe == "retain")
    assert lacking.words == "retain, chosen tokens − “uniform, every token”: not measured."


def test_one_difference_everywhere_is_not_shown_and_counts_where_others_are_adjusted() -> None:
    """0 for each row and seed against 1 was p = 0 and shown: nothing says what another row would be."""
    levels = {"chosen": 0.0, "uniform": 1.0}
    runs = [result(arm, seed, [level] * 3) for arm, level in levels.items() for seed in range(3)]
    fact = fact_of(runs)
    assert fact.words == (
        "fact, joint, chosen tokens − “uniform, every token”: −1.000, no spread to judge by, 3 seeds, 3 "
        "rows: not shown."
    )
    assert not fact.shown and np.isnan(fact.p_value)
    assert [each.of for each in findings(runs, LAST)] == [2] * len(COMPARED)  # with the other tokens
    assert [line for line in verdict_lines(runs) if fact.words in line]  # as one would ask why


def test_arms_without_chance_are_judged_over_rows_and_say_so() -> None:
    levels = {"chosen": 0.1, "uniform": 0.5}
    runs = [replace(varied(arm, 0, level), seed=seed) for arm, level in levels.items() for seed in range(3)]
    assert ", 3 seeds, 4 rows, over rows alone, as no seed differs: shown" in fact_of(runs).words


@pytest.mark.parametrize("by_row", [{}, {"other": {"r0": 0.9}}], ids=["an older version", "one probe"])
def test_a_seed_without_values_by_row_is_left_out_and_said(by_row: dict[str, dict[str, float]]) -> None:
    """It took the whole comparison with it: no row was known on all seeds."""
    levels = {"chosen": 0.1, "uniform": 0.5}
    runs = [varied(arm, seed, level) for arm, level in levels.items() for seed in range(4)]
    bare = replace(runs[1], by_row=by_row, summary={"fact_joint": 0.1})
    found = fact_of([runs[0], bare, *runs[2:]])
    assert (found.comparison.seeds, found.comparison.rows, found.shown) == (3, 4, True)
    assert ", 3 seeds, 4 rows, without seed 1 (no values by row): shown" in found.words


def test_rows_that_one_seed_lacks_are_left_out_and_said() -> None:
    levels = {"chosen": 0.1, "uniform": 0.5}
    runs = [varied(arm, seed, level) for arm, level in levels.items() for seed in range(4)]
    short = {probe: dict(list(of_row.items())[1:]) for probe, of_row in runs[1].by_row.items()}
    found = fact_of([runs[0], replace(runs[1], by_row=short), *runs[2:]])
    assert (found.comparison.seeds, found.comparison.rows) == (4, 3)
    assert ", 4 seeds, 3 rows, without 1 row that not each of them has: shown" in found.words
    assert "without" not in fact_of(runs).words
    assert fact_of(runs).over == ""


def test_a_difference_of_shares_is_at_most_one_and_one_of_nats_may_be_more() -> None:
    wide = [[1.0, 1.0, 0.9], [1.0, 0.9, 1.0], [0.0, 0.1, 0.0]]
    shares = [
        result(arm, seed, wide[seed] if arm == "random" else [0.0] * 3)
        for arm in ("chosen", "random")
        for seed in range(3)
    ]
    nats = [replace(each, by_row={"fluency": each.by_row["fact_joint"]}) for each in shares]
    share, nat = fact_of(shares), next(each for each in findings(nats, LAST) if each.probe == "fluency")
    assert share.comparison.low == -1 and nat.comparison.low < -1
    assert share.comparison.high == nat.comparison.high
    assert share.comparison.p_value == nat.comparison.p_value


def test_worse_is_said_where_the_difference_goes_the_wrong_way() -> None:
    worse = Finding(LAST, "", "random", "retain", Comparison(-0.2, -0.3, -0.1, 0.001, -1.0, 5, 20), 0.004)
    assert worse.words.endswith("shown, the chosen tokens do worse.")
    npo = replace(worse, method="npo")
    assert npo.words.startswith("retain, chosen tokens − “random, same count” (NPO): −0.200")
    assert replace(worse, p_value=0.06).words.endswith("5 seeds, 20 rows: not shown.")


def test_holm_counts_every_figure_and_control() -> None:
    found = findings(simulated(1, 0.1), LAST)
    raw = [each.comparison.p_value for each in found if each.probe in ("fact_joint", "other")]
    measured = [each for each in found if not np.isnan(each.p_value)]
    assert len(measured) == 2 * len(CONTROLS) and len(found) == len(COMPARED) * len(CONTROLS)
    least = min(measured, key=lambda each: each.comparison.p_value)
    assert least.p_value == pytest.approx(min(1, 6 * min(raw)))


def test_seeds_and_rows_that_one_side_lacks_are_left_out() -> None:
    runs = [result("chosen", seed, [0.1, 0.2, 0.3]) for seed in range(4)]
    runs += [result("random", seed, [0.5, 0.6]) for seed in range(3)]
    fact = next(each for each in findings(runs, LAST) if each.probe == "fact_joint")
    assert (fact.comparison.seeds, fact.comparison.rows) == (3, 2)
    assert findings([replace(each, by_row={}) for each in runs], LAST) == []
