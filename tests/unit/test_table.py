"""The exchange table: keys by row, whole files, what is refused, texts that break line readers."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from tokenunlearn.cli import main
from tokenunlearn.errors import MaskError, TableError
from tokenunlearn.masks import read_header, read_mask
from tokenunlearn.table import (
    PROVENANCE,
    SCHEMA_VERSION,
    STRUCTURE,
    check_table,
    is_edited,
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


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
@pytest.mark.parametrize(
    ("column", "at", "value", "words"),
    [
        ("loss", 2, np.inf, "Token 2, of row 7: its loss is infinite"),
        ("entropy", 6, -np.inf, "Token 6, of row 8: its entropy is infinite"),
        ("random_key", 1, np.nan, "random_key is no number somewhere"),
        ("random_key", 1, np.inf, "Token 1, of row 7: its random_key is not finite"),
        ("gold", 3, 0.5, "Token 3, of row 7: its gold is neither 0 nor 1"),
        ("position", 1, 0, "Token 1, of row 7: its position does not rise"),
        ("position", 0, -1, "Token 0, of row 7: its position does not rise"),
        ("position", 1, 1.5, "position is no whole number somewhere"),
        ("word_id", 2, 0, "Token 2, of row 7: its word_id falls"),
        ("row_id", 1, "8", "Token 2, of row 7: its row has ended before"),
        ("row_id", 3, "8", "Token 4, of row 8: its position does not rise"),
        ("is_subject", 1, "yes", "is_subject is neither true nor false somewhere"),
    ],
)
def test_what_no_scores_can_hold_is_refused(tmp_path, column, at, value, words, suffix: str) -> None:
    whole = pd.concat([table(["a"] * 4), table(["b"] * 3).assign(row_id="8")], ignore_index=True)
    whole = whole.assign(word_id=whole["position"])
    cells = whole[column].tolist()
    cells[at] = value
    changed = whole.assign(**{column: [str(each) for each in cells] if isinstance(value, str) else cells})
    changed.attrs = table(["a"]).attrs
    path = tmp_path / f"t.{suffix}"
    write_table(changed, path)
    if suffix == "jsonl" and np.isin(value, (np.inf, -np.inf)):  # pandas writes null
        lines = path.read_text().split("\n")
        lines[1 + at] = json.dumps(json.loads(lines[1 + at]) | {column: value})
        path.write_text("\n".join(lines))
    with pytest.raises(TableError, match=words):
        read_table(path)


def test_a_number_of_400_digits_is_told(tmp_path) -> None:
    write_table(table(["a"]), tmp_path / "t.jsonl")
    content = (tmp_path / "t.jsonl").read_text()
    (tmp_path / "t.jsonl").write_text(content.replace('"loss":0.1', '"loss":1' + "0" * 400))
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "t.jsonl")


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_changed_numbers_are_told_and_have_an_id_of_their_own(tmp_path, capsys, suffix: str) -> None:
    path, mask = tmp_path / f"t.{suffix}", tmp_path / "m.jsonl"
    written = table(["a", "b", "c", "d"])
    write_table(written, path)
    select = ["select", str(path), "--alpha", "1", "--knowledge", "loss", "--out", str(mask)]
    assert main(select) == 0 and "was changed" not in capsys.readouterr().err
    assert not is_edited(read_table(path)) and read_header(mask)["scores_id"] == "abc"

    def changed(number: float) -> str:
        if suffix == "parquet":
            found = pd.read_parquet(path)
            found.loc[2, "loss"] = number
            found.to_parquet(path)
        else:
            path.write_text(re.sub('("position":2,.*"loss":)[0-9.]+', rf"\g<1>{number}", path.read_text()))
        return str(provenance(read_table(path))["scores_id"])

    ids = [changed(number) for number in (99.0, 98.0, 99.0)]
    assert ids[0] == ids[2] != ids[1] and all(each.startswith("edited-") for each in ids)
    with pytest.raises(MaskError, match=f"made from other scores: abc, here {ids[0]}"):
        read_mask(mask, read_table(path), ids[0])
    assert main(select) == 0 and f"{path} was changed after it was written" in capsys.readouterr().err
    assert read_header(mask)["scores_id"] == ids[0]
    # written again, it is what it says it is
    write_table(read_table(path), path)
    assert provenance(read_table(path))["scores_id"] == ids[0]
    assert changed(2.1) != "abc"


def test_a_table_without_a_digest_is_read_as_it_is(tmp_path) -> None:
    """As versions before wrote it."""
    written = table(["a", "b"])
    written.to_parquet(tmp_path / "t.parquet", index=False)
    lines = written.to_json(orient="records", lines=True, double_precision=15)
    (tmp_path / "t.jsonl").write_text(json.dumps({PROVENANCE: written.attrs[PROVENANCE]}) + "\n" + lines)
    for name in ("t.parquet", "t.jsonl"):
        assert provenance(read_table(tmp_path / name)) == provenance(written)


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
