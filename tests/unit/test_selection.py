"""Hand-computed cases of selection (shared with node), and what only Python can be asked."""

import json
from pathlib import Path

import numpy as np
import pytest

from tokenunlearn.errors import SettingError, TableError, TokenUnlearnError
from tokenunlearn.modes import random_like
from tokenunlearn.selection import STRUCTURE, Rule, count_selected, select
from tokenunlearn.settings import from_dict, to_dict

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "selection.jsonl").read_text().splitlines()
]

DRAWN = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases" / "random_like.jsonl").read_text().splitlines()
]


def as_columns(values):
    """NumPy columns; null is NaN."""
    whole = ("row", "word", "subject", "stop", "punctuation")
    return {
        name: np.array([np.nan if each is None else each for each in column], int if name in whole else float)
        for name, column in values.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case):
    columns, rule = as_columns(case["columns"]), from_dict(Rule, case["rule"])
    if "error" in case:
        with pytest.raises(TokenUnlearnError) as caught:
            select(columns, rule, case["overrides"])
        assert case["error"] in str(caught.value)
        return
    selection = select(columns, rule, case["overrides"])
    np.testing.assert_allclose(selection.weights, case["weights"], rtol=0, atol=1e-12)
    selected = case.get("selected", [int(weight > 0) for weight in case["weights"]])
    assert selection.selected.astype(int).tolist() == selected
    if "fused" in case:
        np.testing.assert_allclose(selection.fused, case["fused"], rtol=0, atol=1e-12)
    if "excluded" in case:
        assert selection.excluded.astype(int).tolist() == case["excluded"]
    if "counts" in case:
        counts = count_selected(columns, selection.selected)
        assert {**vars(counts), "empty_rows": list(counts.empty_rows)} == case["counts"]


def test_every_mode_and_both_scopes_have_a_case():
    modes = {case["rule"].get("mode", "top_fraction") for case in CASES}
    assert modes == {"top_fraction", "top_k", "threshold", "soft", "uniform", "random", "gold"}
    assert {case["rule"].get("scope", "set") for case in CASES} == {"set", "row"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"alpha": 2}, "alpha is 2.0. It must be a number from 0 to 1"),
        ({"alpha": float("nan")}, "alpha is nan. It must be a number from 0 to 1"),
        ({"mode": "topk"}, "Did you mean top_k?"),
        ({"normaliser": "p95"}, "It must be one of: p99, min_max, rank, z_sigmoid"),
        ({"fraction": 1.5}, "fraction is 1.5. It must be a number from 0 to 1"),
        ({"k": 2.5}, "k is 2.5"),
        ({"gamma": -1}, "gamma is -1"),
    ],
)
def test_a_wrong_rule_is_refused_in_words(change, sentence):
    with pytest.raises(SettingError) as caught:
        Rule(**change)
    assert sentence in str(caught.value)


def test_a_rule_survives_json():
    rule = Rule(mode="soft", gamma=1.7, scope="row", exclude_stop_words=True)
    assert from_dict(Rule, json.loads(json.dumps(to_dict(rule)))) == rule


def test_an_unknown_signal_answers_did_you_mean():
    columns = {name: np.zeros(1) for name in STRUCTURE} | {"knowledge_swap": np.ones(1), "start": np.zeros(1)}
    with pytest.raises(SettingError, match=r"Did you mean knowledge_swap\? There are: knowledge_swap\."):
        select(columns, Rule(knowledge="knowledge_swop", alpha=1))


def test_missing_and_unequal_columns_are_named():
    columns = {name: np.zeros(2) for name in STRUCTURE} | {"K": np.zeros(2)}
    rule = Rule(knowledge="K", alpha=1)
    with pytest.raises(TableError, match="word, gold are missing"):
        select({name: values for name, values in columns.items() if name not in ("word", "gold")}, rule)
    with pytest.raises(TableError, match="K has 3"):
        select(columns | {"K": np.zeros(3)}, rule)


@pytest.mark.parametrize("case", DRAWN, ids=lambda case: case["name"])
def test_random_like_by_hand(case):
    fused = [np.nan if each is None else each for each in case["fused"]]
    drawn = random_like(case["columns"], case["weights"], fused)
    np.testing.assert_array_equal(drawn, case["expected"])
