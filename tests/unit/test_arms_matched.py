"""A matched arm trains every token, and goes as far as the chosen arm of the same seed and method."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.experiments.arms import ARMS, Arm, arm_words
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.experiments.entry import Size
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.report import note_lines, verdict_lines
from tokenunlearn.experiments.results import missing, read_results, results_text, size_to_match
from tokenunlearn.experiments.runner import ArmResult, Bench, run_arm
from tokenunlearn.masks import columns_from_table, make_mask
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.session import row_batch

pytestmark = pytest.mark.slow

MATCHED = ("uniform_norm", "uniform_norm_stop", "uniform_tokens")
CONFIG = TrainConfig(steps=4, forget_batch=2, retain_batch=2, retain_bound=20, rank=2)


@pytest.fixture(scope="module")
def table(tiny_folder):
    return score(tiny(tiny_folder), ROWS[:3], ScoreConfig(signals=("knowledge_swap", "entropy")))


def measured(folder, table, arm, size=None, config=CONFIG, loud=False) -> list[ArmResult]:
    chosen = make_mask(columns_from_table(table), Rule(fraction=0.2))
    # every fact of a random model is below 0.9 at once: an arm that has this moment would be measured at it
    rows = (ROWS[:3], RETAIN[:2], ())
    bench = Bench(lambda: tiny(folder, loud=loud), *rows, config, equal_below=0.9, kept_below=0.0)
    found = run_arm(bench, table, chosen, Arm(arm), 3, to_match=size)
    return [each for each in found if isinstance(each, ArmResult)]


@pytest.fixture(scope="module")
def runs(tiny_folder, table):
    """The chosen arm and the uniform one, at their last step."""
    return {arm: measured(tiny_folder, table, arm)[-1] for arm in ("chosen", "uniform")}


def uniform(folder, table, counts) -> list[ArmResult]:
    """The uniform arm at its last step, of as many steps."""
    return [measured(folder, table, "uniform", config=replace(CONFIG, steps=count))[-1] for count in counts]


def size_of(result: ArmResult, **changes: float) -> Size:
    return replace(Size(result.norm, result.tokens), **changes)


def test_when_training_ends_by_hand() -> None:
    chosen = Size(2.0, 100)
    by_norm, by_tokens = (ARMS[name].stop for name in MATCHED[1:])
    for own, norm, tokens in (
        (Size(1.9, 99), False, False),
        (Size(2.0, 99), True, False),
        (Size(1.9, 100), False, True),
        (Size(2.1, 101), True, True),
    ):
        assert (by_norm(own, chosen), by_tokens(own, chosen)) == (norm, tokens)
    assert {name for name, entry in ARMS.items() if entry.matched} == set(MATCHED)
    assert [name for name, entry in ARMS.items() if entry.rescale] == ["uniform_norm"]


def test_the_rescaled_arm_has_the_norm_of_the_chosen_one(tiny_folder, table, runs) -> None:
    chosen, uniform = runs["chosen"], runs["uniform"]
    assert chosen.norm != pytest.approx(uniform.norm, rel=0.02)
    (found,) = measured(tiny_folder, table, "uniform_norm", size_of(chosen))
    assert found.norm == pytest.approx(chosen.norm, rel=1e-6)
    # All else is the uniform arm: the steps, the tokens, and, brought to its own size, what is measured.
    assert (found.moment, found.step, found.tokens, found.note) == (LAST, 4, uniform.tokens, "")
    assert found.summary["fact_mean"] != pytest.approx(uniform.summary["fact_mean"], rel=1e-9)
    (same,) = measured(tiny_folder, table, "uniform_norm", size_of(uniform))
    assert same.summary["fact_mean"] == pytest.approx(uniform.summary["fact_mean"], rel=1e-5)


def test_an_arm_stops_at_the_first_step_that_reaches_the_norm(tiny_folder, table) -> None:
    steps = uniform(tiny_folder, table, (1, 2, 3))
    norms = [each.norm for each in steps]
    assert norms == sorted(norms)
    for wanted, step in ((norms[1], 2), ((norms[1] + norms[2]) / 2, 3), (norms[0] / 2, 1)):
        (found,) = measured(tiny_folder, table, "uniform_norm_stop", Size(wanted, 1))
        assert (found.step, found.note, found.moment) == (step, "", LAST)
        assert found.norm == norms[step - 1] and found.tokens == steps[step - 1].tokens
        assert found.summary == steps[step - 1].summary


def test_an_arm_trains_exactly_as_many_tokens_and_stops(tiny_folder, table, runs) -> None:
    lengths = [len(row.answer) + 1 for row in ROWS[:3]]  # with the end of turn
    trained = np.cumsum([sum(lengths[at] for at in row_batch(3, step, 3, 2)) for step in (1, 2, 3)])
    assert [each.tokens for each in uniform(tiny_folder, table, (1, 2, 3))] == trained.tolist()
    assert runs["chosen"].tokens <= trained[0]
    for wanted, step in (
        (runs["chosen"].tokens, 1),
        (trained[1] - 1, 2),
        (trained[1], 2),
        (trained[1] + 1, 3),
    ):
        (found,) = measured(tiny_folder, table, "uniform_tokens", Size(1e9, int(wanted)))
        assert (found.step, found.tokens, found.note) == (step, wanted, "")
    # A last step that is cut is another step than the whole one, and a whole one the same.
    whole, cut = (
        measured(tiny_folder, table, "uniform_tokens", Size(1e9, int(trained[1]) - less))[0].norm
        for less in (0, 20)
    )
    assert whole == uniform(tiny_folder, table, (2,))[0].norm != cut


@pytest.mark.parametrize("arm", MATCHED)
def test_nothing_is_matched_to_no_change(tiny_folder, table, arm) -> None:
    (found,) = measured(tiny_folder, table, arm, Size(0.0, 100))
    assert (found.summary, found.by_row, found.norm, found.step) == ({}, {}, None, 0)
    assert found.note == "not measured: the norm of the chosen arm's change is 0, so there is no match"


@pytest.mark.parametrize("arm", MATCHED)
def test_a_run_that_diverged_is_not_matched(tiny_folder, table, arm) -> None:
    wild = replace(CONFIG, objective="ga", steps=60, learning_rate=0.1, retain_bound=0.1)
    (found,) = measured(tiny_folder, table, arm, Size(1e9, 10**9), wild, loud=True)
    assert found.summary == {} and found.step < 58
    assert found.note.startswith("not measured: diverged in step ")
    own = measured(tiny_folder, table, "uniform", config=wild, loud=True)[-1]
    assert own.summary and own.note == found.note.removeprefix("not measured: ")
    assert (own.norm, own.tokens, own.step) == (found.norm, found.tokens, found.step)


def test_an_arm_stops_after_more_steps_where_it_takes_more(tiny_folder, table) -> None:
    *_, sixth, seventh, eighth, ninth = uniform(tiny_folder, table, (6, 7, 8, 9))
    (found,) = measured(tiny_folder, table, "uniform_norm_stop", Size((sixth.norm + seventh.norm) / 2, 1))
    assert (found.step, found.norm, found.summary) == (7, seventh.norm, seventh.summary)
    (found,) = measured(tiny_folder, table, "uniform_norm_stop", Size((eighth.norm + ninth.norm) / 2, 1))
    assert (found.step, found.summary) == (8, {})
    longest = replace(CONFIG, steps=2000)  # no setting allows more
    (found,) = measured(tiny_folder, table, "uniform_norm_stop", Size(sixth.norm, 1), longest)
    assert (found.step, found.summary) == (6, sixth.summary)


def test_a_size_that_is_not_reached_is_told(tiny_folder, table) -> None:
    (whole,) = uniform(tiny_folder, table, (8,))
    for arm in MATCHED[1:]:
        (found,) = measured(tiny_folder, table, arm, Size(1e9, 10**9))
        assert found.summary == {} and (found.step, found.norm) == (8, whole.norm)
        assert found.note == (
            f"not measured: after 8 steps its norm is {found.norm:.4g} and it has trained "
            f"{found.tokens} tokens, the chosen arm's are 1e+09 and 1000000000"
        )
        assert note_lines([found]) == [f"{arm_words(arm)}, seed 3, last step: {found.note}."]


def test_a_matched_arm_needs_the_chosen_one(tiny_folder, table) -> None:
    with pytest.raises(SettingError, match="There is nothing to match uniform_norm to"):
        measured(tiny_folder, table, "uniform_norm")
    with pytest.raises(SettingError, match="The arm uniform_tokens needs the arm chosen"):
        CompareConfig(arms=("uniform", "uniform_tokens"))
    assert CompareConfig(arms=("uniform_tokens", "chosen")).seeds == 3


def test_chosen_is_measured_before_what_is_matched_to_it() -> None:
    arms = [Arm(name, method) for method in ("npo", "ga") for name in ("uniform_norm", "chosen", "random")]
    runs = [(seed, arm) for arm in arms for seed in (1, 0)]
    order = [(seed, *arm.name.split(", ")) for seed, arm in missing([], runs)]
    assert order == [
        (seed, name, method)
        for seed in (0, 1)
        for names in (("chosen", "random"), ("uniform_norm",))
        for method in ("npo", "ga")
        for name in names
    ]


def test_the_size_is_that_of_the_same_seed_and_method_at_the_last_step(tmp_path: Path) -> None:
    def chosen(seed: int, method: str, moment: str = LAST, **size: float) -> ArmResult:
        return ArmResult("chosen", seed, moment, 4, {}, method=method, **size)

    results = [
        chosen(0, "npo", norm=1.0, tokens=10),
        chosen(0, "ga", norm=2.0, tokens=20),
        chosen(1, "npo", "equal forgetting", norm=3.0, tokens=30),
        chosen(1, "npo", norm=4.0, tokens=40),
        replace(chosen(1, "ga", norm=5.0, tokens=50), arm="uniform"),
        chosen(2, "npo"),
    ]
    origin = {"steps": 4}
    file = tmp_path / "arms.jsonl"
    file.write_text(results_text(origin, results), encoding="utf-8")
    results = read_results(file, origin)
    for seed, method, size in (
        (0, "npo", Size(1.0, 10)),
        (0, "ga", Size(2.0, 20)),
        (1, "npo", Size(4.0, 40)),
        (1, "ga", None),
    ):
        assert size_to_match(results, Arm("uniform_norm", method), seed, "") == size
    assert size_to_match(results, Arm("random", "npo"), 2, "") is None
    with pytest.raises(RunError, match="The arm chosen, npo of seed 2 has to be measured again"):
        size_to_match(results, Arm("uniform_norm", "npo"), 2, "arms.jsonl")


def test_a_verdict_says_what_each_control_rules_out() -> None:
    def values(level: float, seed: int) -> dict[str, dict[str, float | None]]:
        return {"fact_joint": {f"r{at}": level * (1 + 0.01 * at) + 0.01 * level * seed for at in range(4)}}

    results = [
        ArmResult(arm, seed, LAST, 4, {}, by_row=values(level, seed))
        for arm, level in (("chosen", 0.1), ("uniform_norm", 0.5), ("gold", 0.1))
        for seed in range(3)
    ]
    lines = verdict_lines(results)
    told = "chosen tokens − “uniform, same norm”: −0.410 [−0.4"
    assert any(told in line and "do better" in line for line in lines)
    assert lines[-3:] == [
        "A control rules out, where the chosen tokens do better:",
        "  uniform, same norm (uniform_norm): that the size of the change of the weights alone explains it",
        "  marked facts (gold): nothing: it shows the best that a choice could do",
    ]
    assert verdict_lines([replace(each, by_row={}) for each in results]) == []
