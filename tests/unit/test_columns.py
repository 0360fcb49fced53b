"""Which column is read as what: guessed, corrected, refused; the same for every format."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tokenunlearn.cli import main
from tokenunlearn.data.columns import checked, columns_from_text, guessed
from tokenunlearn.data.files import read_records, read_rows, records_of, rows_of
from tokenunlearn.errors import InputError, SettingError

CHAT = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ada"}]
RECORDS = [
    {"ask": "Who?", "reply": "It was Ada.", "who": "Ada", "key": 7, "part": "one", "fact": [[7, 10]]},
    {"ask": "Where?", "reply": "In <b>Rome</b>.", "who": "", "key": 8, "part": "two", "fact": []},
]
COLUMNS = {"question": "ask", "answer": "reply", "subject": "who", "id": "key", "set": "part", "gold": "fact"}


@pytest.mark.parametrize(
    ("names", "question", "answer"),
    [
        (["question", "answer", "prompt", "messages"], "question", "answer"),
        (["prompt", "completion"], "prompt", "completion"),
        (["instruction", "input", "output"], "instruction", "output"),
        (["messages", "answer"], "messages", "messages"),
        (["text", "source"], "", "text"),
        # a prompt beside the text that holds it as well: the text is no answer
        (["prompt", "text"], "prompt", ""),
        (["Question", "ANSWER"], "Question", "ANSWER"),
        (["Question", "question", "Answer"], "question", "Answer"),
        (["Question", "Answer", "messages"], "Question", "Answer"),
        (["Text"], "", "Text"),
        (["a", "b"], "", ""),
    ],
)
def test_names_suggest_columns(names: list[str], question: str, answer: str) -> None:
    found = guessed(names)
    assert (found["question"], found["answer"]) == (question, answer)


def test_every_format_is_read_by_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, RECORDS)), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(RECORDS), encoding="utf-8")
    frame = pd.DataFrame(RECORDS)
    frame.to_parquet(tmp_path / "a.parquet")
    text = frame.assign(fact=[json.dumps(each) for each in frame["fact"]])
    text.to_csv(tmp_path / "a.csv", index=False)
    text.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    for suffix in ("jsonl", "json", "parquet", "csv", "tsv"):
        content = read_rows(tmp_path / f"a.{suffix}", COLUMNS)
        first, second = content.rows
        assert (first.id, first.question, first.answer) == ("7", "Who?", "It was Ada."), suffix
        assert (first.subject, first.set, first.gold) == ("Ada", "one", ((7, 10),)), suffix
        assert (second.answer, second.gold) == ("In <b>Rome</b>.", ()), suffix
        assert content.refused == ()


def rows(*records: Any, **columns: str) -> Any:
    return rows_of(records_of("a.jsonl", "\n".join(map(json.dumps, records)).encode()), columns)


def test_a_correction_beats_the_name_and_the_rest_is_guessed_line_by_line() -> None:
    mixed = [{"question": "Q?", "answer": "A", "other": "B"}, {"prompt": "P?", "answer": "C", "other": "D"}]
    assert [row.answer for row in rows(*mixed, answer="other").rows] == ["B", "D"]
    assert [row.question for row in rows(*mixed).rows] == ["Q?", "P?"]
    # a field that is said to have no column is not read from the one that bears its name
    (row,) = rows({"question": "Q?", "answer": "A", "subject": "wrong"}, subject="").rows
    assert row.subject == ""


def test_one_column_of_texts_is_not_question_and_answer_both() -> None:
    found = rows({"text": "Ada was born in Rome."}, question="text", answer="text")
    assert "Question and answer are both read from 'text'" in found.refused[0].reason


def test_a_plain_text_is_an_answer_without_a_question() -> None:
    (row,) = rows({"text": "Ada was born in Rome."}).rows
    assert (row.question, row.answer) == ("", "Ada was born in Rome.")
    (row,) = rows({"prompt": "Q?", "body": "Ada."}, question="", answer="body").rows
    assert (row.question, row.answer) == ("", "Ada.")
    # but a question that is empty by mistake is refused
    assert "question is empty" in rows({"question": "", "answer": "A"}).refused[0].reason
    assert "question is missing" in rows({"answer": "A"}).refused[0].reason


def test_chats_in_one_column_or_in_two() -> None:
    assert rows({"talk": CHAT}, question="talk", answer="talk").rows[0].answer == "Ada"
    assert rows({"a": CHAT[:1], "b": CHAT[1:]}, question="a", answer="b").rows[0].question == "Who?"
    system = [{"role": "system", "content": "Be kind."}, *CHAT]
    (refused,) = rows({"talk": system}, question="talk", answer="talk").refused
    assert refused.reason.startswith("talk cannot be used. Its roles are ['system', 'user', 'assistant']")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("question", "columns says 'question'. Field and column are joined by =."),
        ("who=a", "columns names 'who'. The fields are question, answer, subject,"),
        ("answer=", "No column gives the answer."),
    ],
)
def test_what_cannot_be_meant_is_refused(given: str, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        columns_from_text(given)
    assert str(caught.value).startswith(sentence)


def test_columns_as_text() -> None:
    assert columns_from_text("question=ask, answer=reply,subject=") == {
        "question": "ask", "answer": "reply", "subject": "",
    }  # fmt: skip
    assert columns_from_text("") == {}
    assert columns_from_text("question=question, as asked,answer=a") == {
        "question": "question, as asked",
        "answer": "a",
    }
    with pytest.raises(SettingError, match="The column of answer is not a text"):
        checked({"answer": 3})


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SettingError) as caught:
        rows({"ask": "Q?", "reply": "A"}, question="aks")
    assert str(caught.value) == "There is no column 'aks' for question. The columns are: ask, reply."


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'[{"answer": ' + b"9" * 5_000 + b"}]"], ids=["deep", "long number"]
)
def test_json_that_python_refuses_to_read_is_no_json(content: bytes) -> None:
    with pytest.raises(InputError, match="The file is not JSON"):
        records_of("a.json", content)
    assert "The line is not JSON" in rows_of(records_of("a.jsonl", content)).refused[0].reason


@pytest.mark.parametrize("path", ["/dev/zero", "a\0b.jsonl", "x" * 5_000 + ".jsonl"])
def test_a_path_that_is_no_file(path: str) -> None:
    with pytest.raises(InputError):
        read_records(path)


def test_the_command_line_takes_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(RECORDS[0]), encoding="utf-8")
    arguments = ["score", str(tmp_path / "a.jsonl"), "--model", "/no/such", "--out", str(tmp_path / "o.csv")]
    assert main([*arguments, "--columns", "question=ask,answer=repl"]) == 2
    assert "There is no column 'repl' for answer" in capsys.readouterr().err
    # read as rows, it fails at the model only
    assert main([*arguments, "--columns", "question=ask,answer=reply"]) == 2
    assert "The model folder /no/such does not exist" in capsys.readouterr().err
