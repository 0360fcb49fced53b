"""Each file format gives the same rows, and bad lines are named."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tokenunlearn.data.files import read_rows
from tokenunlearn.errors import InputError

GOOD = {"question": "Who?", "answer": "It was Ada.", "gold": [[7, 10]]}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    records = [{"id": "a", **GOOD}, {"id": "b", "question": "Où, “là”?", "answer": "In a, b.\nOr c."}]
    frame = pd.DataFrame(records)
    text = frame.copy()
    text["gold"] = [json.dumps(each) if isinstance(each, list) else "" for each in text["gold"]]
    write(tmp_path / "rows.jsonl", "\n".join(json.dumps(each) for each in records) + "\n\n")
    write(tmp_path / "rows.json", json.dumps(records, indent=1))
    write(tmp_path / "lines.json", "\n".join(json.dumps(each) for each in records))
    text.to_csv(tmp_path / "rows.csv", index=False)
    text.to_csv(tmp_path / "rows.tsv", index=False, sep="\t")
    text.to_csv(tmp_path / "semicolons.csv", index=False, sep=";")
    text.to_csv(tmp_path / "unicode.csv", index=False, sep="\t", encoding="utf-16")
    frame.to_parquet(tmp_path / "rows.parquet")
    expected = read_rows(tmp_path / "rows.jsonl")
    assert [row.id for row in expected.rows] == ["a", "b"]
    tables = ("rows.csv", "rows.tsv", "semicolons.csv", "unicode.csv", "rows.parquet")
    for name in ("rows.json", "lines.json", *tables):
        assert read_rows(tmp_path / name) == expected, name


@pytest.mark.parametrize(
    "record",
    [
        {"question": "Who?", "answer": "Ada"},
        {"prompt": "Who?", "completion": "Ada"},
        {"instruction": "Who?", "output": "Ada"},
        {"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada"}]},
        {
            "prompt": [{"role": "user", "content": "Who?"}],
            "completion": [{"role": "assistant", "content": "Ada"}],
        },
    ],
)
def test_column_names(tmp_path: Path, record: dict[str, Any]) -> None:
    (row,) = read_rows(write(tmp_path / "a.jsonl", json.dumps(record))).rows
    assert (row.id, row.question, row.answer) == ("row-1", "Who?", "Ada")


def test_refused_lines_have_number_and_reason(tmp_path: Path) -> None:
    lines = [
        json.dumps(GOOD),
        "",
        '{"question": "Who?"}',
        '{"question": ',
        "[1]",
        json.dumps({"id": "row-1", **GOOD}),
        '{"messages": [{"role": "system", "content": "x"}]}',
    ]
    content = read_rows(write(tmp_path / "a.jsonl", "\n".join(lines)))
    assert [row.id for row in content.rows] == ["row-1"]
    reasons = {each.line: each.reason for each in content.refused}
    assert reasons[3].startswith("answer is missing.") and reasons[3].endswith("a.jsonl:3.")
    assert reasons[4].startswith("The line is not JSON. Expecting value at column 14.")
    assert reasons[5].startswith("The row is not a JSON object. It is a list.")
    assert reasons[6].startswith("id 'row-1' is taken. Line 1 has it.")
    assert reasons[7].startswith("messages cannot be used. Its roles are ['system'].")


def test_csv_lines_are_counted_through_quoted_line_breaks(tmp_path: Path) -> None:
    text = 'question,answer\nWho?,"two\nlines"\nWhere?,\nWhy?,a,b\n'
    content = read_rows(write(tmp_path / "a.csv", text))
    assert [row.id for row in content.rows] == ["row-2"]
    assert [each.line for each in content.refused] == [4, 5]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.jsonl", "", "The file is empty. It holds no row."),
        ("a.json", " ", "The file is empty."),
        ("a.json", "[]", "The file is empty."),
        ("a.csv", "question,answer\n", "The file is empty."),
        ("a.json", '[{"question": "a",\n}]', "The file is not JSON."),
        (
            "a.jsonl",
            '{"question": "Who?"}',
            "No line of the file is a row. 1 line was refused because: answer",
        ),
        ("a.parquet", "no", "The file is not a Parquet table."),
        ("a.txt", "Who?", "The suffix '.txt' is unknown."),
    ],
)
def test_files_without_a_row(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_rows(write(tmp_path / name, text))
    assert str(caught.value).startswith(sentence)
    assert name in str(caught.value)


def test_missing_folder_and_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no such file"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="This is a folder"):
        read_rows(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b'{"question": "\xff"}')
    with pytest.raises(InputError, match="not UTF-8 text. Line 1 breaks it, at byte 14 of the file. Save it"):
        read_rows(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    "content, line, byte",
    [
        # 16 bytes of header with its end, then "Who?," and the broken byte
        (b"question,answer\nWho?,\xff\n", 2, 21),
        (b"question,answer\r\nWho?,\xff\r\n", 2, 22),
        (b"question,answer\rWho?,\xff\r", 2, 21),
        (b"\xef\xbb\xbfquestion,answer\nWho?,\xff", 2, 24),
        ("question,answer\nWoß?,Ö\n".encode() + b"Wo?,K\xf6ln\n", 3, 30),
        # "a\n" as UTF-16 with its mark: six bytes, then half a surrogate pair
        (b"\xff\xfea\x00\n\x00\x00\xdcb\x00", 2, 6),
    ],
)
def test_the_line_of_a_byte_that_is_not_utf8(tmp_path: Path, content: bytes, line: int, byte: int) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_rows(tmp_path / "a.csv")
    assert caught.value.why == f"Line {line} breaks it, at byte {byte} of the file"
    assert caught.value.where.endswith(f"a.csv:{line}") and "CSV UTF-8" in caught.value.fix


def test_line_separator_inside_a_string_does_not_split_the_line(tmp_path: Path) -> None:
    text = json.dumps({"question": "a\u2028b?", "answer": "c"}, ensure_ascii=False)
    assert read_rows(write(tmp_path / "a.jsonl", text)).rows[0].question == "a\u2028b?"
