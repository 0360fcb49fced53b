"""The exchange table: keys by row, whole files, what is refused, texts that break line readers."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.cli import main
from tokenunlearn.errors import TableError
from tokenunlearn.table import (
    PROVENANCE,
    SCHEMA_VERSION,
    STRUCTURE,
    check_table,
    provenance,
    random_keys,
    read_table,
    spreadsheet_text,
    with_seed,
    write_table,
)

# One of each kind of letter that takes no room or shows nothing.
UNSEEN = "\u00ad\u034f\u115f\u200b\u202e\u2066\u2800\u3164\ufe0f\uffa0\u0301\U000e0020\u061c\u180e"


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


@pytest.mark.parametrize("before", ["", " ", "\0", *UNSEEN])
@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
def test_no_letter_that_takes_no_room_gets_a_formula_past_the_quote(before: str, sign: str) -> None:
    assert spreadsheet_text(before + sign + "1") == f"'{before}{sign}1"
    assert spreadsheet_text(f"a{before}{sign}1") == f"a{before}{sign}1"
    assert spreadsheet_text(before) == before


def test_a_table_of_no_rows_is_read_back_and_nothing_chosen_of_it(tmp_path, capsys) -> None:
    none = table(["a"]).iloc[:0]
    none.attrs = table(["a"]).attrs
    for name in ("t.parquet", "t.jsonl"):
        write_table(none, tmp_path / name)
        read = read_table(tmp_path / name)
        assert len(read) == 0 and provenance(read) == provenance(none)
        assert main(["select", str(tmp_path / name), "--out", str(tmp_path / "m.jsonl")]) == 2
        assert "The table has no rows" in capsys.readouterr().err
    write_table(none, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().startswith('"row_id",') and not (tmp_path / "m.jsonl").exists()


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
