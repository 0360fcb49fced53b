"""Files of rows that cannot be used: each is refused in a sentence, status 2, before anything is written."""

import json
from pathlib import Path
from typing import Any

import pytest

from tokenunlearn.cli import main

Q: dict[str, Any] = {"question": "Who?", "answer": "It was Ada."}
CHAT = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada"}]
VERBS = (
    ["score", "--out", "x.csv"],
    ["unlearn", "--out", "x"],
    ["probe", "--out", "x.json"],
    ["teach", "--out", "x"],
    ["compare", "--out", "x.jsonl"],
)


def row(**more: Any) -> bytes:
    return json.dumps({**Q, **more}).encode()


# (name, content, what the sentence says of it); every sentence names the file as well
CASES: list[tuple[str, bytes, str]] = [
    # no rows at all
    ("a.jsonl", b"", "The file is empty. It holds no row."),
    ("a.jsonl", b"\n \n", "The file is empty."),
    ("a.json", b"[]", "The file is empty."),
    ("a.csv", b"", "The file is empty."),
    ("a.csv", b"sep=;\n", "The file is empty."),
    ("a.csv", b",,\n;;\n", "The file is empty."),
    ("a.tsv", b"question\tanswer\n", "The file is empty."),
    ("a.parquet", b"", "The file is not a Parquet table."),
    ("a.parquet", b"PAR1PAR1", "The file is not a Parquet table."),
    (
        "a.xlsx",
        b"PK",
        "The suffix '.xlsx' is unknown. Rows are read from .jsonl, .ndjson, .json, .csv, .tsv, .pa",
    ),
    ("rows", row(), "The suffix '' is unknown."),
    # bytes
    ("a.jsonl", b'{"question": "\xff"}', "The file is not UTF-8 text. Line 1 breaks it, at byte 14"),
    ("a.csv", "question,answer\nWo?,Köln\n".encode("cp1252"), "Line 2 breaks it"),
    ("a.csv", b"\xff\xfeq\x00\x00\xdc", "The file is not UTF-8 text."),
    # JSON
    ("a.json", b'{"question": ', "The file is not JSON. Expecting value at line 1, column 14."),
    ("a.json", b"[1", "The file is not JSON."),
    ("a.json", b"[" * 50_000, "The file is not JSON."),
    ("a.json", b"3", "The row is not a JSON object. It is a number. Write {"),
    ("a.json", b"[null]", "The row is not a JSON object. It is null."),
    ("a.json", b'{"data": [{"question": "Q?", "answer": "A"}]}', "question is missing."),
    ("a.jsonl", b"question: Who?", "The line is not JSON. Expecting value at column 1."),
    ("a.jsonl", b'"a text"', 'It is text. Write {"text": "…"} for a plain text.'),
    ("a.jsonl", b'{"answer": ' + b"9" * 5_000 + b"}", "The line is not JSON. Exceeds the limit"),
    (
        "a.jsonl",
        b'{"question": "Q?", "answer": "A", "answer": "B"}',
        "'answer' occurs twice in the row. Keep one",
    ),
    ("a.jsonl", b"{}", "question is missing. Every row needs a text in question."),
    # question and answer
    (
        "a.jsonl",
        b'{"question": "Who?"}',
        "Say which column is the answer (--columns answer=NAME); the line has",
    ),
    (
        "a.jsonl",
        b'{"q": "Who?", "a": "Ada"}',
        "(--columns question=NAME); the line has “q”, “a”.",
    ),
    ("a.jsonl", row(question=""), "question is empty."),
    ("a.jsonl", row(question="  "), "question is empty."),
    ("a.jsonl", row(answer=None), "answer is missing."),
    ("a.jsonl", row(answer=" \n"), "answer is empty."),
    ("a.jsonl", row(answer=3), "answer is a number. It must be text. Put it in quotes."),
    ("a.jsonl", row(answer=True), "answer is true or false."),
    ("a.jsonl", row(answer={"text": "A"}), "answer is an object."),
    ("a.jsonl", row(question=["Who?"]), "question is a list."),
    (
        "a.jsonl",
        b'{"question": "Who?", "answer": "\\ud800"}',
        "answer holds a broken character at 0. It is half of a",
    ),
    ("a.jsonl", row(answer="a" * 131_073), "answer has 131,073 characters. At most 131,072 are read."),
    ("a.jsonl", row(input=["x"]), "input is not a text. It goes below the question."),
    ("a.jsonl", row(system="Be a pirate."), "system is not empty. The answer depends on it"),
    ("a.jsonl", row(history=[["Hi", "Ho"]]), "history is not empty."),
    # chats
    ("a.jsonl", b'{"messages": "Who?"}', "messages cannot be used. It is not a list of messages."),
    (
        "a.jsonl",
        json.dumps({"messages": CHAT[:1]}).encode(),
        "Its roles are ['user']. Give one user and one assis",
    ),
    ("a.jsonl", json.dumps({"messages": [*CHAT, *CHAT]}).encode(), "messages cannot be used. Its roles are"),
    (
        "a.jsonl",
        json.dumps({"conversations": CHAT[::-1]}).encode(),
        "conversations cannot be used. Its roles are",
    ),
    ("a.jsonl", json.dumps({"messages": [{}, None]}).encode(), "It is not a list of messages."),
    ("a.jsonl", json.dumps({"messages": [{"role": []}, {"role": {}}]}).encode(), "Its roles are [[], {}]."),
    # the other fields
    ("a.jsonl", row(id=1.5), "id is a number. It must be text."),
    ("a.jsonl", row(id=[1]), "id is a list."),
    (
        "a.jsonl",
        row(id="a") + b"\n" + row(id="a"),
        "id 'a' is taken. Line 1 has it. Give each row an id of its own",
    ),
    ("a.jsonl", row(id=1) + b"\n" + row(id=1.0), "id '1' is taken."),
    ("a.jsonl", row(subject=["Ada"]), "subject is a list."),
    ("a.jsonl", row(attribute=[]), "attribute is a list."),
    ("a.jsonl", row(split="train"), "split is 'train'. It must be one of: forget, retain, world, holdout"),
    ("a.jsonl", row(split=1), "split is a number."),
    (
        "a.jsonl",
        row(gold=[[7, 99]]),
        "gold[0] lies outside its text. It is [7, 99] in a text of 11 characters.",
    ),
    ("a.jsonl", row(gold=[[-3, 2]]), "gold[0] lies outside its text."),
    ("a.jsonl", row(gold=[7, 10]), "gold[0] is not a span. It is 7. Write [start, end] in characters."),
    ("a.jsonl", row(gold=[None]), "gold[0] is not a span. It is null."),
    ("a.jsonl", row(gold=[[7, 10, "Bob"]]), 'gold[0] marks "Ada". It says it marks "Bob".'),
    ("a.jsonl", row(gold={"start": 7}), "gold is an object. It must be a list of [start, end]."),
    (
        "a.jsonl",
        row(gold="Ada"),
        'gold is text. It must be a list of [start, end]. Write [[7, 10]] to mark "Ada".',
    ),
    ("a.jsonl", row(gold="[7, "), "gold is not a JSON list."),
    ("a.csv", b"question,answer,gold\nQ?,A,[" + b"(" * 5_000 + b"\n", "gold is not a JSON list."),
    ("a.jsonl", row(paraphrased_question=[1]), "paraphrased_question[0] is a number."),
    ("a.jsonl", row(paraphrased_answer={}), "paraphrased_answer is an object. It must be a list of texts."),
    (
        "a.jsonl",
        row(paraphrased_gold=[[[0, 1]]]),
        "paraphrased_gold does not fit. There are 0 paraphrased answers",
    ),
    (
        "a.jsonl",
        row(perturbed_answer=["a", None]),
        "perturbed_answer[1] is null. It must be text. Leave it out.",
    ),
    ("a.csv", b'question,answer,perturbed_answer\nQ?,A,"[1 2]"\n', "perturbed_answer is not a JSON list."),
    # tables
    (
        "a.csv",
        b"question,answer,answer\nQ?,A,B\n",
        "Two columns are called 'answer'. They are columns 2 and 3.",
    ),
    ("a.csv", b"question;Answer; Answer\nQ?;A;B\n", "Two columns are called 'Answer'."),
    ("a.csv", b"question,answer\nQ?,A,B\n", "The line has more cells than the header. It has 3 cells"),
    ("a.csv", b"question,answer\nQ?\n", "answer is missing."),
    ("a.csv", b'question,answer\nQ?,"A\n', "A quote opens in it and is never closed"),
    ("a.csv", b'question,answer\n"Q"?,A\n', "The line cannot be read."),
    ("a.csv", b'"question,answer\nQ?,A\n', "The names of the columns cannot be read."),
    ("a.csv", b",\n,question,answer\n0,Q?,\n", "answer is missing."),
    ("a.csv", b"question,answer\x00\nQ?,A\n", "answer is missing."),
]


def check_refused(
    folder: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    status = main(arguments)
    told = capsys.readouterr()
    assert (status, told.out) == (2, "") and "Traceback" not in told.err
    assert "error: " in told.err and sentence in told.err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_bad_file_of_rows_ends_in_a_sentence(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name, content, sentence = CASES[number]
    Path(name).write_bytes(content)
    verb, *out = VERBS[number % len(VERBS)]
    check_refused(tmp_path, [verb, name, *out], sentence, capsys)


BESIDE = [
    ("keep.jsonl", row(answer=""), [], "answer is empty."),
    (
        "keep.jsonl",
        row(split="forget"),
        [],
        "Row retain-1 is marked to be forgotten. The file is named as one of",
    ),
    ("keep.jsonl", row(id="kept"), [], "id 'kept' is taken. Two rows of the same kind have it."),
    ("keep.csv", b"ask,reply\nWho?,Ada\n", [], "question is missing."),
    ("keep.jsonl", row(), ["--columns", "answer=reply"], "There is no column 'reply' for answer."),
    ("none.jsonl", None, [], "There is no such file. Check the path. Where: none.jsonl."),
]


@pytest.mark.parametrize("verb", [VERBS[1], VERBS[2], VERBS[4]], ids=lambda verb: verb[0])
@pytest.mark.parametrize(("name", "content", "more", "sentence"), BESIDE)
def test_a_bad_file_of_rows_to_keep_ends_in_a_sentence(
    verb: list[str],
    name: str,
    content: bytes | None,
    more: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_bytes(row() + b"\n" + row(id="kept", split="retain"))
    if content is not None:
        Path(name).write_bytes(content)
    check_refused(
        tmp_path, [verb[0], "rows.jsonl", *verb[1:], "--retain-rows", name, *more], sentence, capsys
    )


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb[0] != "teach"], ids=lambda verb: verb[0])
def test_rows_of_which_none_is_to_be_forgotten(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_bytes(row(split=" Retain"))
    check_refused(tmp_path, [verb[0], "rows.jsonl", *verb[1:]], "There is no row to forget.", capsys)
