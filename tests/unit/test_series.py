"""Bins and doses: which tokens they train, and what their curve says."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.errors import SettingError
from tokenunlearn.experiments.arms import Arm, arm_weights, tokens_of
from tokenunlearn.experiments.config import CompareConfig, refuse_unfit_arms
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.report import response_lines
from tokenunlearn.experiments.response import responses
from tokenunlearn.experiments.runner import ArmResult, Bench
from tokenunlearn.experiments.series import place_of
from tokenunlearn.experiments.sweep import Planned, sweep
from tokenunlearn.masks import columns_from_table, make_mask
from tokenunlearn.probes import COMPARED
from tokenunlearn.selection import Rule
from tokenunlearn.training.config import TrainConfig


def two_rows() -> pd.DataFrame:
    """Row a: a name, five scored tokens, one without a score. Row b: two scored tokens and a full stop."""
    flags = {"is_subject": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], "is_punctuation": [0] * 9 + [1]}
    table = {
        "row_id": list("aaaaaaabbb"),
        "word_id": [0, 1, 2, 3, 4, 5, 6, 0, 1, 2],
        "is_stop_word": False,
        "gold": np.nan,
        "random_key": 0.0,
        "knowledge_swap": [9, 3, 5, 1, 4, 2, np.nan, 7, 8, 9],
        "loss": [0.0, 1, 2, 3, 4, 5, 6, 2, 1, 0],
    }
    return pd.DataFrame(table | {name: np.array(values, bool) for name, values in flags.items()})


def taken(arm: str) -> dict[str, list[int]]:
    rule = Rule(alpha=1, normaliser="min_max", mode="top_k", k=1)
    table = two_rows()
    weights = arm_weights(table, make_mask(columns_from_table(table), rule), arm, 0)
    return {row: np.flatnonzero(each).tolist() for row, each in weights.items()}


@pytest.mark.parametrize(
    ("arm", "tokens"),
    [
        # a: 1, 2, 3, 4, 5 stand at 3, 5, 1, 4, 2. Of five in two parts each has two, and one is left over.
        ("bins:1/2", {"a": [3, 5], "b": [0]}),
        ("bins:2/2", {"a": [2, 4], "b": [1]}),
        ("bins:1/3", {"a": [3], "b": []}),
        ("bins:2/3", {"a": [4], "b": []}),
        ("bins:3/3", {"a": [2], "b": []}),
        ("bins:3/5", {"a": [1], "b": []}),
        ("bins:1/6", {"a": [], "b": []}),
        ("bins:loss:2/2", {"a": [4, 5, 6], "b": [0]}),
        # 7 · 1/4 is 1.75, two tokens; 3 · 1/4 is .75, one. Name and full stop come when all else is in.
        ("doses:1/4", {"a": [2, 4], "b": [1]}),
        ("doses:3/4", {"a": [1, 2, 3, 4, 5], "b": [0, 1]}),
        ("doses:1/1", {"a": list(range(7)), "b": [0, 1, 2]}),
        ("doses:loss:1/4", {"a": [5, 6], "b": [0]}),
    ],
)
def test_which_tokens_are_trained(arm: str, tokens: dict[str, list[int]]) -> None:
    assert taken(arm) == tokens


@pytest.mark.parametrize(("tokens", "of"), [(7, 3), (8, 4), (9, 4), (10, 4), (11, 4), (3, 4), (12, 5)])
def test_bins_are_equal_apart_and_in_order(tokens: int, of: int) -> None:
    table = pd.concat([two_rows()[1:2]] * tokens, ignore_index=True)
    table = table.assign(word_id=range(tokens), knowledge_swap=np.arange(tokens, dtype=float)[::-1])
    rule = Rule(alpha=1, normaliser="min_max", mode="top_k", k=1)
    chosen = make_mask(columns_from_table(table), rule)
    parts = [np.flatnonzero(arm_weights(table, chosen, f"bins:{at}/{of}", 0)["a"]) for at in range(1, of + 1)]
    assert [part.size for part in parts] == [tokens // of] * of
    scores = [table["knowledge_swap"][part] for part in parts if part.size]
    assert all(low.max() < high.min() for low, high in pairwise(scores))
    if scores:  # the ends hold the lowest and the highest score there is
        assert (scores[0].min(), scores[-1].max()) == (0, tokens - 1)


def test_equal_scores_are_no_place_in_the_answer() -> None:
    """A score of one value would else put the first tokens into the lowest bin, and into each dose."""
    table = pd.concat([two_rows()[1:2]] * 40, ignore_index=True).assign(word_id=range(40), knowledge_swap=1.0)
    chosen = make_mask(columns_from_table(table), Rule(alpha=1, mode="top_k", k=1))
    for arm in ("bins:2/2", "doses:1/2"):
        drawn = [np.flatnonzero(arm_weights(table, chosen, arm, seed)["a"]) for seed in range(40)]
        assert all(each.size == 20 for each in drawn)
        assert abs(np.mean(drawn) - 19.5) < 1.5  # the mean place of all tokens


def test_a_series_that_hardly_trains_a_row_is_refused_before_anything_is_measured() -> None:
    table = two_rows()
    chosen = make_mask(columns_from_table(table), Rule(alpha=1, mode="top_k", k=1))
    bench = Bench(lambda: pytest.fail("a model was loaded"), (), (), (), TrainConfig())
    planned = Planned(bench, [(0, Arm("chosen")), (0, Arm("bins:1/6"))], lambda: (table, chosen))
    with pytest.raises(SettingError, match="The arm bins:1/6 would train 0 of 2 rows"):
        next(sweep(planned, []))


@pytest.mark.parametrize(
    "name",
    ["bins", "bins:0/4", "bins:5/4", "bins:02/4", "bins:fused:2/4", "bins:1", "shares:1/4", "bins:a:b:1/4"],
)
def test_other_names_are_no_arms_of_a_series(name: str) -> None:
    assert place_of(name) is None and tokens_of(name) is None
    with pytest.raises(SettingError, match="Unknown arm"):
        taken(name)


def test_a_comparison_names_its_series() -> None:
    asked = CompareConfig(arms=("chosen",), bins=2, doses=1, series_by="loss")
    assert asked.every_arm == ("chosen", "bins:loss:1/2", "bins:loss:2/2", "doses:loss:1/1")
    assert asked.signals == ("loss",)
    assert CompareConfig(arms=("chosen",), bins=2).signals == ()
    assert not any(Arm(name).matched for name in asked.every_arm)
    entry = tokens_of("bins:loss:2/2")
    assert entry and entry.label == "bin 2 of 2 (highest), by loss" and entry.at_end_alone
    runs = CompareConfig(arms=("chosen",), seeds=3, bins=2, series_seeds=1).runs(TrainConfig(seed=4))
    assert runs == [(4, Arm("chosen")), (5, Arm("chosen")), (6, Arm("chosen"))] + [
        (4, Arm(f"bins:{at}/2")) for at in (1, 2)
    ]
    with pytest.raises(SettingError, match="no signal 'los'"):
        CompareConfig(series_by="los")


def result(arm: str, seed: int, fact: float, moment: str = LAST) -> ArmResult:
    share = 0 if arm == "before" else 1  # of what training did, which varies with row and seed
    by_row = {
        name: {
            f"r{at}": fact * (1 + share * (0.02 * (at % 3 - 1) + 0.01 * (seed - 1))) + 0.01 * at
            for at in range(6)
        }
        for name in COMPARED
    }
    return ArmResult(arm, seed, moment, 4, dict.fromkeys(COMPARED, fact), by_row=by_row, tokens=10 * seed)


def test_a_series_is_held_against_the_target_and_its_ends_against_each_other() -> None:
    before = result("before", 0, 0.9, "before")
    levels = {"bins:2/3": 0.7, "bins:1/3": 0.8, "bins:3/3": 0.2, "doses:1/2": 0.4, "chosen": 0.3}
    results = [before] + [result(arm, seed, level) for arm, level in levels.items() for seed in range(3)]
    bins, doses = responses(results)
    assert [point.place.at for point in bins.points] == [1, 2, 3]
    means = [point.changes["fact_joint"].mean for point in bins.points]
    assert means == pytest.approx([-0.1, -0.2, -0.7]) and bins.points[0].tokens == 10
    assert bins.before["fact_joint"] == 0.9
    end = next(each for each in bins.ends if each.probe == "fact_joint")
    assert (end.arm, end.control, end.shown, end.better) == ("bins:3/3", "bins:1/3", True, True)
    assert end.comparison.mean == pytest.approx(-0.6)
    assert end.words.endswith("3 seeds, 6 rows: shown, “bin 3 of 3 (highest), by fused” does better.")
    assert doses.ends == () and len(doses.points) == 1
    lines = "\n".join(response_lines(results))
    assert "bins:2/3" in lines and "−0.200 [−0.228, −0.172]" in lines and "chosen" not in lines
    # Without both ends, or on one seed, nothing is said to be shown.
    assert responses([each for each in results if each.arm != "bins:1/3"])[0].ends == ()
    one = responses([each for each in results if each.seed == 0])
    assert not any(each.shown for each in one[0].ends) and np.isnan(one[0].points[0].changes["other"].low)


def test_nothing_is_said_without_the_target_before() -> None:
    assert responses([result("bins:1/2", 0, 0.5)]) == []


def test_what_arms_need_is_told_before_anything_runs() -> None:
    from tests.tiny_rows import RETAIN, ROWS
    from tokenunlearn.data.splits import Splits

    rows, training = Splits(ROWS[:2], RETAIN[:2], ()), TrainConfig()
    refuse_unfit_arms(CompareConfig(arms=("chosen",), bins=2), training, rows, True, ())
    for asked, gold, words in (
        (
            CompareConfig(arms=("chosen",), doses=2, series_by="loss"),
            True,
            "doses:loss:1/2 needs the signal loss",
        ),
        (CompareConfig(arms=("gold",)), False, "The arm gold has no tokens"),
    ):
        with pytest.raises(SettingError, match=words):
            refuse_unfit_arms(asked, training, rows, gold, ())
    with pytest.raises(SettingError, match="2 seeds from 2147483647 go beyond 2147483647"):
        CompareConfig(seeds=2).runs(TrainConfig(seed=2**31 - 1))
