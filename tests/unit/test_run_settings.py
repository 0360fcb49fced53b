"""Runs are named by what differs between them, in the words that the page has for it."""

from typing import Any

import pytest

from app.views.figures import figures
from app.views.run_settings import Said, namesakes, settings_words, titles, what_differs, with_end
from tokenunlearn.data.rows import SPLITS
from tokenunlearn.models.loading import resolve_precision
from tokenunlearn.probes import PROBES
from tokenunlearn.probes.kept import KEPT, KEPT_OF, with_kept
from tokenunlearn.selection import Rule
from tokenunlearn.settings import to_dict
from tokenunlearn.training.config import TrainConfig


def config(arm: str = "chosen", mask: str = "9f3c", rule: Any = None, **training: Any) -> dict[str, Any]:
    return {
        "name": f"shared, {arm}",
        "set": "shared",
        "arm": arm,
        "mask_hash": mask * 16,
        "rule": to_dict(rule or Rule()),
        "training": to_dict(TrainConfig(**training)),
        **{split: [{}] * 2 for split in SPLITS},
    }


def names(*configs: dict[str, Any]) -> list[str]:
    runs = {str(at): settings_words(each) for at, each in enumerate(configs)}
    return list(
        titles({str(at): each["name"] for at, each in enumerate(configs)}, what_differs(runs)).values()
    )


def test_runs_of_one_name_are_told_apart_by_their_settings_and_others_need_no_more() -> None:
    runs = {"run-1": config(), "run-2": config(steps=40, learning_rate=0.0003), "run-3": config("random")}
    assert namesakes({run: each["name"] for run, each in runs.items()}, runs) == {
        "run-1": "12 steps · learning rate 0.003",
        "run-2": "40 steps · learning rate 0.0003",
        "run-3": "",
    }


def test_a_fact_is_called_marked_whoever_marked_it() -> None:
    told = settings_words(config("gold", rule=Rule(mode="gold")))
    assert (told["arm"].words, told["rule.mode"].words) == ("marked facts", "Marked facts")


def test_shares_are_told_as_they_were_set_and_apart_where_they_differ() -> None:
    """Cut to whole per cent, .303 and .298 were both 30 %, and the settings “the same”."""
    runs = [config(rule=Rule(fraction=share)) for share in (0.303, 0.298)]
    assert [settings_words(each)["rule.fraction"].words for each in runs] == ["30.3 %", "29.8 %"]
    assert all("30.3 %" in one and "29.8 %" in other for one, other in [names(*runs)])
    alike = {"a": {"x": Said("X", "about 1", "1.0")}, "b": {"x": Said("X", "about 1", "1.1")}}
    assert what_differs(alike) == {"a": ["x about 1"], "b": ["x about 1"]}
    same = {"a": {"x": Said("X", "1", "1.0")}, "b": {"x": Said("X", "1.0", "1.0")}}
    assert what_differs(same) == {"a": [], "b": []}


def test_auto_is_the_precision_that_it_means_here() -> None:
    means = resolve_precision("auto")[0]
    other = next(name for name in ("bf16", "fp32") if name != means)
    auto, said, unlike = (config() | {"precision": name} for name in ("auto", means, other))
    assert names(auto, said, config()) == [config()["name"]] * 3
    assert names(auto, unlike) == [f"precision {means}", f"precision {other}"]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule(k=7, threshold=0.1, gamma=9), {"fraction", "scope", "alpha", "whole_words"}),
        (Rule(mode="top_k"), {"k", "scope", "alpha", "whole_words"}),
        (Rule(mode="threshold"), {"threshold", "alpha", "whole_words"}),
        (Rule(mode="soft"), {"gamma", "scope", "alpha"}),
        (Rule(mode="gold"), set()),
        (Rule(mode="uniform"), set()),
        (Rule(mode="random"), {"fraction", "scope", "alpha", "whole_words"}),
        (Rule(mode="random", fraction=0), set()),  # a control, each token of which is forced in
    ],
)
def test_a_setting_without_effect_is_not_told(rule: Rule, told: set[str]) -> None:
    looked_at = ("fraction", "k", "threshold", "gamma", "scope", "alpha", "whole_words")
    words = settings_words(config(rule=rule))
    assert {each for each in looked_at if f"rule.{each}" in words} == told


def test_a_share_that_neither_run_used_is_no_difference() -> None:
    by_cut = [config(rule=Rule(mode="threshold", fraction=share)) for share in (0.25, 0.5)]
    assert settings_words(by_cut[0]) == settings_words(by_cut[1])


def test_what_all_share_is_in_no_name_and_what_differs_is_in_words() -> None:
    assert names(config(), config(learning_rate=0.001, objective="ga")) == [
        "NPO · learning rate 0.003",
        "GA · learning rate 0.001",
    ]


def test_a_run_is_not_told_by_what_most_have_but_always_by_its_tokens_where_they_differ() -> None:
    assert names(config(), config(), config(steps=1)) == ["shared, chosen", "shared, chosen", "1 step"]
    random = [config("random", seed=2), config("random")]
    assert names(config(), config(steps=1), *random) == [
        "chosen tokens",
        "chosen tokens · 1 step",
        "random, same count · seed 2",
        "random, same count",
    ]


def test_an_arm_names_its_tokens_and_rule_and_mask_tell_runs_of_one_arm_apart() -> None:
    random = config("random", "aaaa", Rule(mode="random"))
    assert names(config(), random) == ["chosen tokens", "random, same count"]
    assert names(config(), config(mask="beef", rule=Rule(fraction=0.5)), random, random) == [
        "chosen tokens · share 25 % · mask 9f3c9f3c",
        "chosen tokens · share 50 % · mask beefbeef",
        "random, same count",
        "random, same count",
    ]


def test_runs_that_are_alike_or_alone_keep_the_name_they_were_started_under() -> None:
    assert names(config(), config()) == ["shared, chosen"] * 2 and names(config()) == ["shared, chosen"]


@pytest.mark.parametrize(
    ("state", "step", "words"),
    [
        ("finished", 9, "stopped after 9 steps"),
        ("kept", 1, "stopped after 1 step"),
        ("finished", 12, "to the last step"),
        ("running", 9, None),
        ("finished", 0, None),
    ],
)
def test_where_a_run_ended_is_told_beside_its_settings(state: str, step: int, words: str | None) -> None:
    told = with_end(settings_words(config()), {"state": state, "step": step, "steps": 12}).get("ended")
    assert (told and told.words) == words


def test_runs_of_equal_settings_that_ended_at_other_steps_are_told_apart() -> None:
    ends = [{"state": "finished", "step": step, "steps": 12} for step in (9, 12, 12)]
    runs = {str(at): with_end(settings_words(config()), end) for at, end in enumerate(ends)}
    assert what_differs(runs) == {"0": ["stopped after 9 steps"], "1": [], "2": []}


def test_a_rival_is_told_by_its_name_and_not_by_what_it_does_not_have() -> None:
    rival = {
        "name": "shared, ICUL",
        "set": "shared",
        "arm": "icul",
        "rival": {"name": "icul", "settings": {}},
    }
    rows = {split: [{}] * 2 for split in SPLITS}
    assert names(config(), {**rival, **rows}) == ["chosen tokens", "ICUL"]
    assert names(config(), {**rival, **rows, "world": [{}] * 30})[1] == "ICUL · 30 world rows"


def test_the_objective_s_own_settings_are_told_also_at_their_default() -> None:
    assert names(config(), config(objective_settings={"beta": 0.1})) == ["beta 0.3", "beta 0.1"]


def test_every_probe_is_a_figure_and_kept_is_the_mean_of_what_should_stay() -> None:
    keys = [each["key"] for each in figures()]
    assert keys == [*PROBES, KEPT]
    assert KEPT_OF == ("other", "retain", "world")
    kept = with_kept({"other": 0.9, "retain": 0.8, "world": 0.4, "fluency": float("nan"), "unknown": 1.0})
    assert kept == {"other": 0.9, "retain": 0.8, "world": 0.4, "fluency": None, KEPT: (0.9 + 0.8 + 0.4) / 3}
    assert with_kept({"other": 0.9})[KEPT] is None and with_kept({}) is None  # type: ignore[index]
