"""The exchange table: keys by row, whole files, what is refused, texts that break line readers."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.errors import TableError
from tokenunlearn.table import (
    PROVENANCE,
    SCHEMA_VERSION,
    STRUCTURE,
    check_table,
    provenance,
    random_keys,
    read_table,
    with_seed,
    write_table,
)


def table(tokens: list[str]) -> pd.DataFrame:
    count = len(tokens)
    columns = {name: np.arange(count) for name in STRUCTURE}
    columns |= {name: np.arange(count) % 2 == 0 for name in STRUCTURE if name.startswith("is_")}
    columns |= {"row_id": np.array(["7"] * count, dtype=object), "token": np.array(tokens, dtype=object)}
    columns |= {"gold": np.full(count, np.nan), "random_key": random_keys(["7"], [count], 0)}
    columns |= {"loss": np.array([0.1 + i for i in range(count)]), "entropy": np.full(count, np.nan)}
    result = pd.DataFrame(columns)
    result.attrs[PROVENANCE] = {"model": "é", "schema": SCHEMA_VERSION, "scores_id": "abc"}
    return result


ODD = ["=1", "é東", " ", "\u2028", "\u0085", "a\nb", '"']


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_files_bring_back_the_table(tmp_path, suffix: str) -> None:
    written = table(ODD)
    write_table(written, tmp_path / f"t.{suffix}")
    found = read_table(tmp_path / f"t.{suffix}")
    assert found.token.tolist() == ODD and found.row_id.tolist() == ["7"] * len(ODD)
    pd.testing.assert_frame_equal(found, written, check_dtype=False, rtol=0, atol=1e-14)
    assert provenance(found) == written.attrs[PROVENANCE]
    assert [path.name for path in tmp_path.iterdir()] == [f"t.{suffix}"]


def test_files_are_utf_8_in_any_locale(tmp_path) -> None:
    for suffix in ("jsonl", "csv"):
        write_table(table(["é東"]), tmp_path / f"t.{suffix}")
        assert "é東".encode() in (tmp_path / f"t.{suffix}").read_bytes()


def test_a_spreadsheet_runs_no_token(tmp_path) -> None:
    # A bare carriage return outside quotes would begin a line, and on it a formula.
    write_table(table(["=1+1", "@x", "plain", "a\r=1"]), tmp_path / "t.csv")
    header, *lines = csv.reader(io.StringIO((tmp_path / "t.csv").read_bytes().decode(), newline=""))
    found = [dict(zip(header, line, strict=True)) for line in lines]
    assert [line["token"] for line in found] == ["'=1+1", "'@x", "plain", "a\r=1"]


def test_a_csv_begins_with_its_columns_and_ends_with_what_made_it(tmp_path) -> None:
    written = table(["a", "b"])
    made = {"model": "=cmd|' /C calc'!A0,y", "adapter": 'a",\r\n=1', "signals": ["loss"]}
    written.attrs[PROVENANCE] |= made
    write_table(written, tmp_path / "t.csv")
    found = pd.read_csv(tmp_path / "t.csv")
    assert list(found)[0] == "row_id" and list(found)[-4:] == ["model", "schema", "scores_id", "adapter"]
    assert found.model.tolist() == ["'=cmd|' /C calc'!A0,y"] * 2 and found.loss.tolist() == [0.1, 1.1]


def test_another_suffix_is_refused_and_leaves_nothing(tmp_path) -> None:
    with pytest.raises(TableError, match="t.xlsx"):
        write_table(table(["a"]), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, content",
    [
        *(("t.jsonl", text) for text in ("no json", "", "5", "[1]", '{"question": "Who?", "answer": "Ada"}')),
        ("t.csv", "a,b"),
        ("t.parquet", "PAR"),
    ],
)
def test_unreadable_files_are_told(tmp_path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / name)
    with pytest.raises(TableError):
        read_table(tmp_path / f"missing-{name}")


def test_missing_columns_and_other_versions_are_told() -> None:
    with pytest.raises(TableError, match="gold"):
        check_table(table(["a"]).drop(columns="gold"))
    other = table(["a"])
    other.attrs[PROVENANCE]["schema"] = 99
    with pytest.raises(TableError, match="99"):
        check_table(other)


def test_keys_depend_on_row_and_seed_alone() -> None:
    both, alone = random_keys(["a", "b"], [2, 3], 5), random_keys(["b"], [3], 5)
    np.testing.assert_array_equal(both[2:], alone)
    assert not np.array_equal(alone, random_keys(["b"], [3], 6))
    assert ((both >= 0) & (both < 1)).all() and len(random_keys([], [], 0)) == 0


def test_another_seed_changes_the_keys_of_a_copy_alone() -> None:
    original = table(["a", "b"])
    moved = with_seed(original, 3)
    assert (moved.random_key != original.random_key).all() and moved.attrs == original.attrs
    pd.testing.assert_frame_equal(moved.drop(columns="random_key"), original.drop(columns="random_key"))
