"""An arm differs from its controls by its tokens alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import SettingError
from tokenunlearn.experiments import runner
from tokenunlearn.experiments.arms import ARMS, CONTENT, Arm, arm_weights, weights_by_row
from tokenunlearn.experiments.moments import EQUAL, LAST
from tokenunlearn.experiments.report import arm_lines
from tokenunlearn.experiments.runner import ArmResult, Bench, arms_table, before, moments_to_come, run_arm
from tokenunlearn.masks import columns_from_table, make_mask
from tokenunlearn.probes.report import probe_report, summary_of
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import StepDone

pytestmark = pytest.mark.slow

MATCHED = {name for name, entry in ARMS.items() if entry.matched}
RULE = Rule(fraction=0.2, whole_words=False)


@pytest.fixture(scope="module")
def table(tiny_folder):
    return score(tiny(tiny_folder), ROWS[:3], ScoreConfig(signals=("knowledge_swap", "entropy", CONTENT)))


def chosen_of(table, rule=RULE, overrides=None):
    return make_mask(columns_from_table(table), rule, overrides)


def four_rows() -> pd.DataFrame:
    """Four rows of ten tokens; the scores rise through the set, the first token of a row is a name."""
    at = np.arange(40)
    flags = {name: np.zeros(40, dtype=bool) for name in ("is_stop_word", "is_punctuation")}
    return pd.DataFrame(
        {"row_id": [f"r{row}" for row in at // 10], "word_id": at % 10, "is_subject": at % 10 == 0, **flags}
        | {"gold": np.nan, "random_key": 0.0, "knowledge_swap": at.astype(float)}
    )


@pytest.mark.parametrize(
    ("settings", "overrides", "counts"),
    [
        ({"mode": "top_k", "k": 2}, {}, [0, 0, 0, 2]),
        ({"mode": "top_k", "k": 3, "scope": "row"}, {}, [3, 3, 3, 3]),
        ({"mode": "threshold", "threshold": 0.95}, {}, [0, 0, 0, 2]),
        ({"mode": "soft"}, {}, [9, 9, 9, 9]),
        ({"mode": "top_fraction", "fraction": 0.1}, {}, [0, 0, 0, 4]),
        ({"mode": "top_k", "k": 3}, dict.fromkeys(range(8), "in"), [8, 0, 0, 3]),
        ({"mode": "top_k", "k": 3}, dict.fromkeys(range(36, 40), "out"), [0, 0, 0, 0]),
        ({"mode": "top_k", "k": 0}, dict.fromkeys(range(10), "in"), [10, 0, 0, 0]),
    ],
)
def test_the_random_arm_has_the_weights_of_the_mask_row_by_row(settings, overrides, counts) -> None:
    table = four_rows()
    rule = Rule(alpha=1, normaliser="min_max", whole_words=False, **settings)
    chosen = chosen_of(table, rule, overrides)
    drawn = [arm_weights(table, chosen, "random", seed) for seed in range(2)]
    for arm in (arm_weights(table, chosen, "chosen", 0), *drawn):
        assert [int((weights > 0).sum()) for weights in arm.values()] == counts
    if settings["mode"] == "soft":
        assert [sorted(w) for w in drawn[0].values()] == [
            sorted(w) for w in weights_by_row(table, chosen.weights).values()
        ]


def test_controls_by_hand() -> None:
    # One row: a name, three words of two tokens, one scored by nobody. Chosen: tokens 3 and 4.
    table = pd.DataFrame(
        {
            "row_id": "r",
            "word_id": [0, 1, 1, 2, 2, 3, 3, 4],
            "is_subject": [True] + [False] * 7,
            "is_stop_word": False,
            "is_punctuation": False,
            "gold": np.nan,
            "random_key": 0.0,
            "knowledge_swap": [9, 3, 4, 7, 8, 1, 2, np.nan],
            CONTENT: [1.0, 0, 0, 1, 1, 1, 0, 0],
        }
    )
    rule = Rule(alpha=1, mode="top_k", k=2, normaliser="min_max")
    chosen = chosen_of(table, rule)

    def taken(arm: str, seed: int = 0) -> list[int]:
        return np.flatnonzero(arm_weights(table, chosen, arm, seed)["r"]).tolist()

    assert taken("chosen") == [3, 4]
    assert taken("lowest") == [5, 6]
    # Again whole words without the name, by any of its tokens, and never the token without a score.
    assert {tuple(taken("shuffled", seed)) for seed in range(20)} == {(1, 2), (3, 4), (5, 6)}
    drawn = [taken("words", seed) for seed in range(20)]
    assert {tuple(each) for each in drawn} == {(1, 2), (3, 4), (5, 6)}  # whole, and never the name
    assert {tuple(taken("content", seed)) for seed in range(20)} == {(3, 4), (3, 5), (4, 5)}
    assert len({tuple(taken("random", seed)) for seed in range(20)}) > 3


def test_arms_by_what_they_choose(table) -> None:
    arms = {arm: arm_weights(table, chosen_of(table), arm, 0) for arm in ARMS}
    for row in ROWS[:3]:
        assert all(len(weights[row.id]) == len(row.answer) for weights in arms.values())
        assert (arms["uniform"][row.id] == 1).all()
        gold = np.zeros(len(row.answer))
        gold[slice(*row.gold[0])] = 1
        np.testing.assert_array_equal(arms["gold"][row.id], gold)
        for same_count in set(ARMS) - {"uniform", "gold"} - MATCHED:
            assert arms[same_count][row.id].sum() == arms["chosen"][row.id].sum()
        assert all((arms[name][row.id] == 1).all() for name in MATCHED)


def test_the_seed_moves_the_seeded_arms_only(table) -> None:
    for arm in ARMS:
        one, two = (
            np.concatenate(list(arm_weights(table, chosen_of(table), arm, seed).values())) for seed in (0, 1)
        )
        assert np.array_equal(one, two) != ARMS[arm].seeded


def test_an_unknown_arm_is_told(table) -> None:
    with pytest.raises(SettingError, match="chosen"):
        arm_weights(table, chosen_of(table), "chosne", 0)


def test_weights_go_by_row() -> None:
    table = pd.DataFrame({"row_id": ["b", "b", "a"]})
    found = weights_by_row(table, np.array([1.0, 2.0, 3.0]))
    assert {name: weights.tolist() for name, weights in found.items()} == {"b": [1, 2], "a": [3]}


def test_figures_over_seeds_by_hand() -> None:
    results = [
        ArmResult("chosen", seed, "last step", step, {"fact_joint": joint, "retain": None})
        for seed, step, joint in ((0, 4, 0.1), (1, 6, 0.3), (2, 5, 0.2))
    ]
    (line,) = arms_table(results).to_dict("records")
    assert (line["seeds"], line["step"]) == (3, 5)
    assert np.isnan(line["norm"]) and np.isnan(line["tokens"])
    told = [line[name] for name in ("fact_joint", "fact_joint_low", "fact_joint_high")]
    # t of 2 degrees of freedom at 97.5 %: 4.3027, times .1 / √3 is .2484; a probability ends at 0
    assert told == pytest.approx([0.2, 0, 0.4484], abs=1e-4)
    (line_of_two,) = arms_table(results[:2]).to_dict("records")
    assert line_of_two["fact_joint"] == 0.2 and np.isnan(line_of_two["fact_joint_low"])
    assert np.isnan(line["retain"]) and np.isnan(line["retain_low"])


def test_a_run_is_measured_at_equal_forgetting_and_at_the_end(tiny_folder, table) -> None:
    config = TrainConfig(steps=2, forget_batch=3, retain_batch=2, retain_bound=20, rank=2)
    # every fact of a random model is below 0.9 at once
    bench = Bench(lambda: tiny(tiny_folder), ROWS[:3], RETAIN[:2], (), config, equal_below=0.9)
    moments = ("equal forgetting",)
    found = list(run_arm(bench, table, chosen_of(table), Arm("gold"), 0, moments))
    measured = [each for each in found if isinstance(each, ArmResult)]
    assert [(each.moment, each.step) for each in measured] == [("equal forgetting", 1), ("last step", 2)]
    steps = [each for each in found if isinstance(each, StepDone)]
    assert [each.step for each in steps] == [1, 2]
    gold = sum(len(row.answer[slice(*row.gold[0])]) for row in ROWS[:3])
    assert [each.tokens for each in measured] == [gold, 2 * gold]
    assert 0 < measured[0].norm < measured[1].norm
    assert before(bench).summary["fact_joint"] is not None
    never = replace(bench, equal_below=0.0, kept_below=0.0)
    found = list(run_arm(never, table, chosen_of(table), Arm("gold"), 0))
    assert [each.moment for each in found if isinstance(each, ArmResult)] == ["last step"]


def test_what_was_never_known_has_no_moment_of_equal_forgetting(tiny_folder, table) -> None:
    config = TrainConfig(steps=1, forget_batch=3, retain_batch=2, retain_bound=20, rank=2)
    bench = Bench(lambda: tiny(tiny_folder), ROWS[:3], RETAIN[:2], (), config)
    moments = moments_to_come(bench, before(bench).summary)
    found = list(run_arm(bench, table, chosen_of(table), Arm("gold"), 0, moments))
    assert moments == ()  # a random model knows no fact, and nothing that could be kept
    assert [each.moment for each in found if isinstance(each, ArmResult)] == ["last step"]


@pytest.mark.parametrize(
    ("summary", "moments"),
    [
        ({"fact_joint": 0.1, "other": 0.96, "retain": 0.94}, ("equal forgetting", "equal retention")),
        ({"fact_joint": None, "other": None, "retain": 0.2}, ("equal forgetting", "equal retention")),
        ({"fact_joint": 0.09, "other": 1.0, "retain": 0.89}, ()),
    ],
)
def test_a_moment_can_come_where_its_figure_is_not_below_its_bound(summary, moments) -> None:
    assert moments_to_come(Bench(tiny, (), (), (), TrainConfig()), summary) == moments


def test_a_moment_is_where_the_probe_finds_it_also_after_the_last_step(
    tiny_folder, table, monkeypatch
) -> None:
    config = TrainConfig(steps=2, forget_batch=3, retain_batch=2, retain_bound=20, rank=2)
    bench = Bench(lambda: tiny(tiny_folder), ROWS[:3], RETAIN[:2], (), config, equal_below=0.9)
    measure = runner._measure

    def run(*facts: float) -> tuple[list[tuple[str, int]], int]:
        """The moments of a run whose rows have these figures after each step, and how often all is measured.

        Training sees its own: the facts of a random model are below .9 at once.
        """
        written, taken = list[int](), list[float]()

        def fact(model: Any) -> float:
            """The figure of the weights as they are: each other ones have the next."""
            norm = runner.lora_of(model.model).norm
            if norm not in taken:
                taken.append(norm)
            return facts[taken.index(norm)]

        def found(bench: Bench, model: Any) -> dict[str, Any]:
            written.append(1)
            report = measure(bench, model)
            return {**report, "summary": {**report["summary"], "fact_joint": fact(model)}}

        monkeypatch.setattr(runner, "_measure", found)
        monkeypatch.setattr(runner, "summary_of", lambda model, *_: {"fact_joint": fact(model)})
        events = run_arm(bench, table, chosen_of(table), Arm("gold"), 0, (EQUAL,))
        return [(each.moment, each.step) for each in events if isinstance(each, ArmResult)], len(written)

    assert run(0.8, 0.7) == ([(EQUAL, 1), (LAST, 2)], 2)
    # Not yet after the first step, which costs no measurement; the last weights are measured once.
    assert run(0.95, 0.8) == ([(EQUAL, 2), (LAST, 2)], 1)
    assert run(0.95, 0.95) == ([(LAST, 2)], 1)


def test_what_is_read_to_find_a_moment_is_what_a_report_says(tiny_folder) -> None:
    rows = Splits(ROWS[:3], RETAIN[:2], ())
    whole = probe_report(tiny(tiny_folder), rows)["summary"]
    names = ("fact_joint", "other", "retain")
    assert summary_of(tiny(tiny_folder), rows, names) == pytest.approx({each: whole[each] for each in names})


def test_a_run_is_measured_once_where_two_moments_come_with_one_step(tiny_folder, table) -> None:
    config = TrainConfig(steps=1, forget_batch=3, retain_batch=2, retain_bound=20, rank=2)
    bench = Bench(lambda: tiny(tiny_folder), ROWS[:3], RETAIN[:2], (), config, equal_below=0.9)
    found = list(run_arm(bench, table, chosen_of(table), Arm("gold"), 0))
    first, second, last = (each for each in found if isinstance(each, ArmResult))
    assert (first.moment, second.moment, last.moment) == ("equal forgetting", "equal retention", "last step")
    assert first.summary is second.summary and first.step == second.step == 1


def test_the_table_says_what_its_figures_mean() -> None:
    three = [
        ArmResult("chosen", seed, "last step", 4, {"fact_joint": joint})
        for seed, joint in ((0, 0.1), (1, 0.3), (2, 0.2))
    ]
    head, line, below = arm_lines(arms_table(three))
    assert (
        "seeds" in head and "fact_joint ↓" in head and "retain ↑" in head and "0.200 [0.000, 0.448]" in line
    )
    assert "not measured" in line and below.startswith("Mean over the seeds [95 % interval")
    assert "norm" in head and line.split()[5:8] == ["–", "–", "–"]
    sized = [replace(each, seconds=2.0, norm=0.5 * each.seed, tokens=100 + each.seed) for each in three]
    assert arm_lines(arms_table(sized))[1].split()[5:8] == ["2", "0.5", "101"]
    _, line, below = arm_lines(arms_table(three[:1]))
    assert "0.100" in line and "[" not in line + below


def test_an_arm_without_a_token_is_not_measured(tiny_folder, table) -> None:
    """The retain term alone would train it: what it then says is no answer to what the arm asks."""
    bare = table.assign(gold=0.0)
    bare.attrs = dict(table.attrs)
    config = TrainConfig(steps=2, forget_batch=3, retain_batch=2, retain_bound=20, rank=2)
    bench = Bench(lambda: tiny(tiny_folder), ROWS[:3], RETAIN[:2], (), config)
    (only,) = run_arm(bench, bare, chosen_of(bare), Arm("gold"), 0)
    assert isinstance(only, ArmResult) and not only.summary and only.tokens is None
    assert only.note == "not measured: it has no token to train"
    lines = arms_table([only, replace(only, seed=1, summary={"fact_joint": 0.5}, norm=2.0, note="")])
    assert lines["seeds"].tolist() == [1] and lines["norm"].tolist() == [2.0]
