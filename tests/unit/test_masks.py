"""Masks: the hash, the way out of the exchange table, and files that are refused on other text."""

import hashlib
import json
import math

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.errors import MaskError, TableError
from tokenunlearn.masks import (
    columns_from_table,
    make_mask,
    mask_hash,
    read_mask,
    refuse_empty,
    refuse_empty_file,
    token_table,
    weights_for,
    write_mask,
)
from tokenunlearn.selection import Rule

RULE = Rule(knowledge="knowledge_swap", alpha=1, fraction=0.25, whole_words=False)


@pytest.fixture
def table():
    """Two rows of four tokens, as the exchange table holds them; an earlier rule has left its columns."""
    return pd.DataFrame(
        {
            "row_id": ["a"] * 4 + ["b"] * 4,
            "position": [0, 1, 2, 3] * 2,
            "token_id": range(8),
            "token": ["Ana", " wrote", " é", ".", "Ben", " left", " Rome", "."],
            "char_start": [0] * 8,
            "char_end": [1] * 8,
            "word_id": [0, 1, 2, 2] * 2,
            "is_subject": [True, False, False, False] * 2,
            "is_stop_word": [False] * 8,
            "is_punctuation": [False, False, False, True] * 2,
            "gold": [0.0, 0, 1, 0, np.nan, np.nan, np.nan, np.nan],
            "random_key": np.linspace(0, 1, 8),
            "knowledge_swap": [np.nan, 1.0, 5.0, 0.0, np.nan, 2.0, 9.0, 0.0],
            "fused": [0.0] * 8,
            "override": [np.nan] * 8,
        }
    )


@pytest.fixture
def mask(table):
    return make_mask(columns_from_table(table), RULE, {0: "in", 6: "out"}, "scores-1")


def test_the_hash_by_hand():
    text = b"1:1000000\n3:333333\n4:1"
    assert mask_hash([0, 1, 4e-7, 1 / 3, 5e-7]) == hashlib.sha256(text).hexdigest()
    assert mask_hash([]) == mask_hash([0, -0.0]) == hashlib.sha256(b"").hexdigest()


def test_columns_hold_structure_and_signals_only(table):
    columns = columns_from_table(table)
    assert set(columns) == {
        "row", "word", "subject", "stop", "punctuation", "gold", "random_key", "knowledge_swap",
    }  # fmt: skip
    assert columns["row"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert columns["subject"].dtype == bool
    with pytest.raises(TableError, match="The table lacks word_id"):
        columns_from_table(table.drop(columns="word_id"))


def test_the_rule_then_the_overrides(mask):
    # Six tokens are scored, a quarter is 1.5, rounded to 2: " Rome" and " é"; then Ana in, Rome out.
    assert mask.weights.tolist() == [1, 0, 1, 0, 0, 0, 0, 0]
    assert mask.selected.tolist() == [True, False, True, False, False, False, False, False]
    assert mask.hash == mask_hash(mask.weights)


def test_round_trip(tmp_path, table, mask):
    path = tmp_path / "mask.jsonl"
    write_mask(path, mask, table, {"model": "tiny"})
    header, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert header["provenance"] == {"model": "tiny"} and header["hash"] == mask.hash
    assert lines == [
        {"row_id": "a", "position": 0, "token": "Ana", "weight": 1.0, "override": "in"},
        {"row_id": "a", "position": 2, "token": " é", "weight": 1.0, "override": None},
    ]
    back = read_mask(path, table, "scores-1")
    assert (back.rule, back.overrides, back.hash) == (mask.rule, {0: "in", 6: "out"}, mask.hash)
    np.testing.assert_array_equal(back.weights, mask.weights)
    assert [each.name for each in tmp_path.iterdir()] == ["mask.jsonl"]


def test_soft_weights_come_back_exactly(tmp_path, table):
    soft = make_mask(columns_from_table(table), Rule(alpha=1, mode="soft", gamma=1.7), {}, "scores-1")
    write_mask(tmp_path / "soft.jsonl", soft, table)
    np.testing.assert_array_equal(read_mask(tmp_path / "soft.jsonl", table, "scores-1").weights, soft.weights)


def test_other_text_is_refused_and_the_rows_are_named(tmp_path, table, mask):
    write_mask(tmp_path / "mask.jsonl", mask, table)
    other = table.assign(token=table["token"].replace(" Rome", " Bonn"))
    with pytest.raises(MaskError, match="belongs to other text: rows b differ"):
        read_mask(tmp_path / "mask.jsonl", other, "scores-1")
    with pytest.raises(MaskError, match="rows a differ"):
        read_mask(tmp_path / "mask.jsonl", table.iloc[4:], "scores-1")


def test_rows_in_another_order_are_refused(tmp_path, table, mask):
    write_mask(tmp_path / "mask.jsonl", mask, table)
    turned = pd.concat([table.iloc[4:], table.iloc[:4]], ignore_index=True)
    with pytest.raises(MaskError, match="rows in another order"):
        read_mask(tmp_path / "mask.jsonl", turned, "scores-1")


def test_other_scores_are_refused(tmp_path, table, mask):
    write_mask(tmp_path / "mask.jsonl", mask, table)
    with pytest.raises(MaskError, match="made from other scores: scores-1, here scores-2"):
        read_mask(tmp_path / "mask.jsonl", table, "scores-2")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda lines: lines[:-1], "does not give its own hash"),
        (lambda lines: [lines[0], lines[1].replace("1.0", "0.5"), lines[2]], "does not give its own hash"),
        (lambda lines: [lines[0], lines[1].replace('"position": 0', '"position": 99')], "cannot be read"),
        (lambda lines: [lines[0].replace('"alpha": 1.0', '"alpha": 2.0'), *lines[1:]], "alpha is 2.0"),
        (lambda lines: [lines[0], "[1, 2]"], "cannot be read"),
        (lambda lines: [lines[0].replace('"0": "in"', '"1_0": "in"'), *lines[1:]], "outside the text"),
        (lambda lines: [lines[0].replace('"0": "in"', '"0": "on"'), *lines[1:]], "is 'on'"),
        (lambda lines: [lines[0].replace('"notes": {}', '"notes": {"8": {}}'), *lines[1:]], "no token '8'"),
        (lambda lines: lines[1:], "This file is not a mask"),
        (lambda _: ["{not json"], "The mask file cannot be read"),
        (lambda _: [], "The mask file cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, table, mask, change, sentence):
    path = tmp_path / "mask.jsonl"
    write_mask(path, mask, table)
    path.write_text("\n".join(change(path.read_text(encoding="utf-8").splitlines())), encoding="utf-8")
    with pytest.raises(MaskError) as caught:
        read_mask(path, table, "scores-1")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        *(("weight", value, "weight is ") for value in (1e308, 1e30, 1000001, -1e-9, math.inf, math.nan)),
        *(("weight", value, "weight is ") for value in (10**400, "1.0", True, None, [1], {})),
        ("position", 2.0, "position is 2.0. It must be a whole number"),
        ("position", True, "position is True. It must be a whole number"),
        ("position", "2", "position is '2'. It must be a whole number"),
        ("position", 10**400, "There is no token 1000"),
        ("position", 0, "Its token is that of line 2"),
        ("row_id", "c", "There is no token 2 in row 'c'"),
        ("token", " e", "token is ' e'. It is ' é' here"),
        ("token", None, "token is None. It is ' é' here"),
    ],
)
def test_a_line_that_cannot_be_is_named(tmp_path, table, mask, name, value, sentence):
    path = tmp_path / "mask.jsonl"
    write_mask(path, mask, table)
    header, first, last = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    last[name] = value
    if sentence.startswith("Its token"):
        last["token"] = "Ana"
    path.write_text("\n".join(json.dumps(each) for each in (header, first, last)), encoding="utf-8")
    with pytest.raises(MaskError) as told:
        read_mask(path, table, "scores-1")
    assert f"Line 3: {sentence}" in str(told.value) and len(str(told.value)) < 400


@pytest.mark.parametrize("weight", [1e308, math.inf, math.nan, -1.0, 1000000.5])
def test_what_is_no_weight_has_no_hash(weight):
    with pytest.raises(
        MaskError, match="weight is .* from 0 to 1000000|weight is -1.0. Such a token would be"
    ):
        mask_hash([0.0, weight])


def test_what_the_hash_does_not_see_is_not_chosen(tmp_path, table):
    """A weight that rounds to no millionth is 0: in the rule, in a file, before there is a text."""
    fused = [0.0, 1e-4, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    columns = columns_from_table(table.assign(knowledge_swap=fused, is_subject=False))
    rule = Rule(alpha=1, normaliser="min_max", mode="soft", gamma=2, exclude_punctuation=False)
    soft = make_mask(columns, rule)
    assert soft.weights[1] == 0 and soft.selected.tolist() == [False, False, *[True] * 6]
    path = tmp_path / "mask.jsonl"
    write_mask(path, soft, table)
    header, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    tiny = {"row_id": "a", "position": 1, "token": " wrote", "weight": 4e-7, "override": None}
    path.write_text("\n".join(json.dumps(each) for each in (header, tiny, *lines)), encoding="utf-8")
    back = read_mask(path, table, None)  # as a mask of an earlier version is
    assert back.hash == soft.hash and back.weights.tolist() == soft.weights.tolist()

    header["hash"] = mask_hash([0.0])
    path.write_text("\n".join(json.dumps(each) for each in (header, tiny | {"weight": 1e-30})))
    with pytest.raises(MaskError, match="No token is chosen"):
        refuse_empty(read_mask(path, table, None))
    with pytest.raises(MaskError, match="No token is chosen"):
        refuse_empty_file(path)


def test_a_missing_file_and_a_table_of_another_length(tmp_path, table, mask):
    with pytest.raises(MaskError, match="cannot be read"):
        read_mask(tmp_path / "none.jsonl", table, "scores-1")
    with pytest.raises(MaskError, match="The mask has 8 tokens, the table 4"):
        write_mask(tmp_path / "mask.jsonl", mask, table.iloc[:4])
    assert not list(tmp_path.iterdir())


A, B = ["Ana", " wrote", " é", "."], ["Ben", " left", " Rome", "."]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"a": A, "b": B}, None),
        ({"b": B, "a": A}, None),  # by id, in whatever order
        ({"a": A}, None),  # nothing of b is chosen
        ({"a": B, "b": A}, "other text: rows a, b differ"),
        ({"a": ["Ana", " wrote", " é."], "b": B}, "other text: rows a differ"),  # another tokenizer
        ({"a": A, "c": B}, "other text: rows c differ"),
        ({"a": A, "c": []}, None),  # no answer token, no weight
        ({"b": B}, "chooses tokens of rows that are not trained: a"),
    ],
)
def test_the_weights_are_for_these_very_tokens(table, mask, rows, words):
    if words:
        with pytest.raises(MaskError, match=words):
            weights_for(mask, table, rows)
        return
    found = weights_for(mask, table, rows)
    expected = {"a": [1, 0, 1, 0], "b": [0, 0, 0, 0], "c": []}
    assert {name: list(values) for name, values in found.items()} == {name: expected[name] for name in rows}


def test_a_mask_alone_is_read_with_the_tokens_of_its_rows(tmp_path, table, mask):
    write_mask(tmp_path / "mask.jsonl", mask, table)
    back = read_mask(tmp_path / "mask.jsonl", token_table({"b": B, "a": A}, ["a", "b"]), None)
    assert back.weights.tolist() == mask.weights.tolist() and back.hash == mask.hash


def test_a_mask_of_nothing_is_refused_before_there_is_a_text(tmp_path, table):
    write_mask(
        tmp_path / "none.jsonl",
        make_mask(columns_from_table(table), RULE, dict.fromkeys(range(8), "out")),
        table,
    )
    with pytest.raises(MaskError, match="No token is chosen"):
        refuse_empty_file(tmp_path / "none.jsonl")
