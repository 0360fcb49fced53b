"""The page and the command line read a file alike: the same rows, the same refusals in the same words."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from app.actions import opening
from tests.asking import ask
from tokenunlearn.cli import build_parser, main
from tokenunlearn.cli.sources import given_rows
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.rows import MOST_TEXT
from tokenunlearn.data.splits import split_rows
from tokenunlearn.errors import TokenUnlearnError

SHARED = Path(__file__).parents[3] / "shared" / "cases" / "rows"
PAGE: Any = SimpleNamespace()
GOOD = "Where was Orla born?,In Tolmin.\n"


def lines(*records: Any) -> bytes:
    return "\n".join(json.dumps(each) for each in records).encode()


def table(columns: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def undecodable() -> pa.Array:
    """Two texts, the second of which is no UTF-8."""
    return pa.array([b"In Tolmin.", b"K\xf6ln"], pa.binary()).view(pa.string())


def frame_csv() -> bytes:
    """What pandas writes for rows with lists, its index first."""
    frame = pd.DataFrame(
        {
            "question": ["Where?"],
            "answer": ["In Tolmin."],
            "gold": [[(3, 9)]],
            "perturbed_answer": [["a", "b'c"]],
        }
    )
    return frame.to_csv().encode()


@dataclass(frozen=True)
class Case:
    """A file, and what is right: how many rows of each split, some of their values, and what is refused."""

    name: str
    content: bytes | Callable[[], bytes]
    rows: tuple[int, int, int] = (1, 0, 0)
    first: tuple[tuple[str, Any], ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    columns: str = ""
    unread: tuple[str, ...] = ()
    whole: str = ""
    """The sentence by which the file is refused."""


Q: dict[str, Any] = {"question": "Where was Orla born?", "answer": "In Tolmin."}
Q_AND_A = (("question", Q["question"]), ("answer", Q["answer"]))
FORGET_AND_KEEP = [*({**Q, "id": n} for n in range(4)), {**Q, "id": 5, "split": "retain"}]

CASES = {
    # splits
    "forget and keep": Case("a.jsonl", lines(*FORGET_AND_KEEP), (4, 1, 0)),
    "split in any case, with blanks": Case(
        "a.jsonl",
        lines(Q, {**Q, "split": "Retain"}, {**Q, "split": " RETAIN "}, {**Q, "split": "World"}),
        (1, 2, 1),
    ),
    "empty split": Case(
        "a.jsonl", lines({**Q, "split": ""}, {**Q, "split": " "}, {**Q, "split": None}), (3, 0, 0)
    ),
    "unknown split": Case(
        "a.jsonl",
        lines(Q, {**Q, "split": "train"}),
        (1, 0, 0),
        refused=(
            (2, "split is 'train'. It must be one of: forget, retain, world, holdout, choice. Write one"),
        ),
    ),
    "unknown split left out": Case(
        "a.jsonl", lines({**Q, "split": "train"}), columns="split=", unread=("split",)
    ),
    "split in a table": Case("a.csv", b"question,answer,split\nQ?,A,\nR?,B,Retain\n", (1, 1, 0)),
    # Alpaca and its relatives
    "input goes below the question": Case(
        "a.jsonl",
        lines({"instruction": "Give the birthplace.", "input": "Orla", "output": "Tolmin"}),
        first=(("question", "Give the birthplace.\n\nOrla"),),
    ),
    "empty input": Case(
        "a.jsonl",
        lines({"instruction": "Where?", "input": "", "output": "Tolmin"}),
        first=(("question", "Where?"),),
    ),
    "input left out": Case(
        "a.jsonl", lines({**Q, "input": "More."}), first=Q_AND_A, columns="input=", unread=("input",)
    ),
    "another column as input": Case(
        "a.csv",
        b"question,answer,context\nWhere?,Tolmin,She is old.\n",
        columns="input=context",
        first=(("question", "Where?\n\nShe is old."),),
    ),
    "input as question": Case(
        "a.jsonl",
        lines({"input": "Where?", "output": "A"}),
        columns="question=input",
        first=(("question", "Where?"),),
    ),
    "system text": Case(
        "a.jsonl",
        lines({**Q, "system": "Be a pirate."}, {**Q, "system": " "}),
        (1, 0, 0),
        refused=(
            (
                1,
                "system is not empty. The answer depends on it, and a row has no place",
            ),
        ),
    ),
    "system text left out": Case(
        "a.jsonl", lines({**Q, "system": "x"}), columns="system=", unread=("system",)
    ),
    "history": Case(
        "a.jsonl",
        lines({**Q, "history": [["Hi", "Hello"]]}, {**Q, "history": []}),
        (1, 0, 0),
        refused=((1, "history is not empty."),),
    ),
    "history in a table": Case("a.csv", b"question,answer,history\nQ?,A,[]\n"),
    "system beside a chat": Case(
        "a.jsonl",
        lines(
            {
                "system": "Be kind.",
                "conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A"}],
            },
            Q,
        ),
        refused=((1, "system is not empty."),),
    ),
    "ShareGPT": Case(
        "a.jsonl",
        lines(
            {"conversations": [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "In Tolmin."}]}
        ),
        first=(("question", "Where?"), ("answer", "In Tolmin.")),
    ),
    "RWKU": Case(
        "a.jsonl",
        lines({"query": "Orla was born in ___.", "answer": "Tolmin", "level": 1}),
        unread=("level",),
    ),
    # tables as spreadsheets and pandas write them
    "pandas' index": Case("a.csv", b",question,answer\n0,Where was Orla born?,In Tolmin.\n", first=Q_AND_A),
    "pandas' lists": Case(
        "a.csv", frame_csv, first=(("gold", ((3, 9),)), ("perturbed_answer", ("a", "b'c")), ("subject", ""))
    ),
    "two columns without a name": Case(
        "a.csv", b",,question,answer\n0,1,Where was Orla born?,In Tolmin.\n", first=Q_AND_A
    ),
    "sep= of Excel": Case(
        "a.csv",
        b"\xef\xbb\xbfsep=;\r\nquestion;answer\r\nA, or b?;In Ulm.\r\n",
        first=(("question", "A, or b?"), ("id", "row-3")),
    ),
    "sep= of another kind": Case(
        "a.csv", b"sep=|\nquestion|answer\nQ;?|A,\n", first=(("question", "Q;?"), ("answer", "A,"))
    ),
    "blank first line": Case("a.csv", b"\r\n;;\r\nquestion;answer\r\nQ?;A\r\n", first=(("id", "row-4"),)),
    "blank line between": Case("a.csv", b"question,answer\n\nQ?,A\n,\n", first=(("id", "row-3"),)),
    "blanks in the header": Case(
        "a.csv", b"question, answer\nWhere was Orla born?, In Tolmin.\n", first=Q_AND_A
    ),
    "blanks before each separator": Case(
        "a.csv",
        b"question             , answer     , subject\nWhere was Orla born? , In Tolmin. , Orla \n",
        first=(*Q_AND_A, ("subject", "Orla")),
    ),
    "a quoted header": Case(
        "a.csv",
        b'"question, as asked, in full";answer\nQ?;In Tolmin, at 3,5 km.\n',
        rows=(0, 0, 0),
        refused=((2, "question is missing."),),
        unread=("question, as asked, in full",),
    ),
    "cells that are too many": Case(
        "a.csv",
        b"question,answer\nWho, then?,A\nQ?,A,\n",
        refused=((2, "The line has more cells than the header. It has 3 cells, and there are 2 columns."),),
    ),
    "a cell of 200,000 characters": Case(
        "a.csv",
        f"question,answer\nQ?,{'a' * 200_000}\n{GOOD}".encode(),
        first=Q_AND_A,
        refused=((2, f"answer has 200,000 characters. At most {MOST_TEXT:,} are read."),),
    ),
    "a huge cell that is not read": Case(
        "a.csv", f"question,answer,source\nQ?,A,{'a' * 200_000}\n".encode(), unread=("source",)
    ),
    "a quote that is never closed": Case(
        "a.csv",
        f'question,answer\n{GOOD}Q?,"A\nR?,B\n'.encode(),
        first=Q_AND_A,
        refused=((3, "The line cannot be read. A quote opens in it and is never closed"),),
    ),
    "gold as text": Case(
        "a.csv",
        f"question,answer,gold\n{GOOD.strip()},Tolmin\nQ?,A,\n".encode(),
        refused=((2, 'gold is text. It must be a list of [start, end]. Write [[3, 9]] to mark "Tolmin".'),),
    ),
    "two columns of one name": Case(
        "a.csv",
        b"question,answer, answer\nQ?,A,B\n",
        whole="Two columns are called 'answer'. They are columns 2 and 3.",
    ),
    # JSON
    "an empty name": Case("a.jsonl", lines({**Q, "": 5}), first=Q_AND_A),
    "a name twice": Case(
        "a.jsonl",
        lines(Q) + b'\n{"question": "Q?", "answer": "A", "answer": "B"}',
        refused=((2, "'answer' occurs twice in the row. Keep one of them."),),
    ),
    "a name twice in a list": Case(
        "a.json",
        b'[{"question": "Q?", "answer": "A"}, {"answer": "A", "answer": "B"}]',
        refused=((2, "'answer' occurs twice in the row."),),
    ),
    "texts": Case(
        "a.json",
        b'["A plain text.", {"text": "Another."}]',
        refused=(
            (1, 'The row is not a JSON object. It is text. Write {"text": "\u2026"} for a plain text.'),
        ),
        first=(("question", ""), ("answer", "Another.")),
    ),
    # values
    "an id of 1.0": Case("a.jsonl", lines({**Q, "id": 1.0}), first=(("id", "1"),)),
    "an id of 1.5": Case(
        "a.jsonl", lines({**Q, "id": 1.5}, Q), refused=((1, "id is a number. It must be text."),)
    ),
    "NaN is nothing": Case(
        "a.jsonl", lines({**Q, "id": float("nan"), "subject": float("nan")}), first=(("id", "row-1"),)
    ),
    "numbers as labels": Case(
        "a.jsonl", lines({**Q, "attribute": 7, "set": 2}), first=(("attribute", "7"), ("set", "2"))
    ),
    "null in a list": Case(
        "a.jsonl",
        lines({**Q, "perturbed_answer": ["a", None]}, Q),
        refused=((1, "perturbed_answer[1] is null. It must be text. Leave it out."),),
    ),
    "an object for a list": Case(
        "a.jsonl",
        lines({**Q, "perturbed_answer": {"a": "The liver."}}, Q),
        refused=((1, "perturbed_answer is an object. It must be a list of texts. Write ["),),
    ),
    "a list that is left out": Case(
        "a.jsonl",
        lines({**Q, "perturbed_answer": {"a": 1}, "attribute": []}),
        columns="perturbed_answer=,attribute=",
        first=(("perturbed_answer", ()),),
        unread=("perturbed_answer", "attribute"),
    ),
    "lists of other names": Case(
        "a.csv",
        b'question,answer,wrong,other\nQ?,A,"[""b"", ""c""]",R?\n',
        columns="perturbed_answer=wrong,paraphrased_question=other",
        first=(("perturbed_answer", ("b", "c")), ("paraphrased_question", ("R?",))),
    ),
    "a column that is not there": Case(
        "a.jsonl",
        lines(Q),
        columns="answer=reply",
        whole="There is no column 'reply' for answer. The columns are: question, answer.",
    ),
    # Parquet
    "a date that Python cannot hold": Case(
        "a.parquet",
        lambda: table({"question": ["Q?"], "answer": ["A"], "created": pa.array([5_000_000], pa.date32())}),
        unread=("created",),
    ),
    "the same as the id": Case(
        "a.parquet",
        lambda: table({"question": ["Q?"], "answer": ["A"], "created": pa.array([5_000_000], pa.date32())}),
        columns="id=created",
        rows=(0, 0, 0),
        refused=((1, "created cannot be read. Python cannot hold its value: "),),
    ),
    "no UTF-8 in a list": Case(
        "a.parquet",
        lambda: table(
            {
                "question": ["Q?", "Where was Orla born?"],
                "answer": ["A", "In Tolmin."],
                "perturbed_answer": pa.ListArray.from_arrays([0, 1, 2], undecodable().take([1, 0])),
            }
        ),
        first=(*Q_AND_A, ("perturbed_answer", ("In Tolmin.",))),
        refused=((1, "perturbed_answer cannot be read. Python cannot hold its value: 'utf-8' codec"),),
    ),
    "an unknown zone": Case(
        "a.parquet",
        lambda: table(
            {
                "question": ["Q?"],
                "answer": ["A"],
                "created": pa.array([0], pa.timestamp("us", "Mars/Olympus")),
            }
        ),
        unread=("created",),
    ),
    "no UTF-8 in a column that is not read": Case(
        "a.parquet",
        lambda: table({"question": ["Q?", "R?"], "answer": ["A", "B"], "note": undecodable()}),
        (2, 0, 0),
        unread=("note",),
    ),
    "no UTF-8 in an answer": Case(
        "a.parquet",
        lambda: table({"question": ["Q?", "R?"], "answer": undecodable()}),
        refused=((2, "answer holds bytes that are not UTF-8 text. The first is byte 1 of the text."),),
    ),
    "no column of ours": Case(
        "a.parquet",
        lambda: table({"a": [1, 2]}),
        (0, 0, 0),
        unread=("a",),
        refused=((1, "question is missing."), (2, "question is missing.")),
    ),
    "null and NaN in Parquet": Case(
        "a.parquet",
        lambda: table(
            {
                "question": ["Q?"],
                "answer": ["A"],
                "id": [float("nan")],
                "subject": pa.array([None], pa.string()),
            }
        ),
        first=(("id", "row-1"), ("subject", "")),
    ),
    "two columns of one name in Parquet": Case(
        "a.parquet",
        lambda: _doubled(),
        whole="Two columns are called 'answer'. Which of them is meant cannot be told.",
    ),
}


def _doubled() -> bytes:
    sink = pa.BufferOutputStream()
    columns = [pa.array(["Q?"]), pa.array(["A"]), pa.array(["B"])]
    parquet.write_table(pa.Table.from_arrays(columns, names=["question", "answer", "answer"]), sink)
    return sink.getvalue().to_pybytes()


def by_page(path: Path, columns: str) -> dict[str, Any]:
    """What the page's dialog is told; `whole` is the sentence where the file is refused."""
    said = dict(part.split("=") for part in columns.split(",")) if columns else {}
    try:
        return ask(opening.preview_rows, PAGE, {"path": str(path), "columns": said})
    except TokenUnlearnError as error:
        return {"whole": str(error)}


def by_command(path: Path, columns: str) -> tuple[Any, str]:
    """What a verb works on; the sentence where the file is refused."""
    given = ["score", str(path), "--columns", columns, "--skip-bad-rows", "--out", "x.csv"]
    try:
        return given_rows(build_parser().parse_args(given)), ""
    except TokenUnlearnError as error:
        return None, str(error)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_file_is_read_alike(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.content() if callable(case.content) else case.content)
    shown, (splits, sentence) = by_page(path, case.columns), by_command(path, case.columns)
    told = capsys.readouterr().err
    if case.whole:
        assert shown["whole"] == sentence and sentence.startswith(case.whole)
        return
    assert (shown["forget"], shown["retain"], shown["world"]) == case.rows
    for each, (line, words) in zip(shown["refused"], case.refused, strict=True):
        assert each["line"] == line and each["reason"].startswith(words)
    assert all(f"{path}:{each['line']}." in each["reason"] for each in shown["refused"])
    assert tuple(shown["unread"]) == case.unread
    if not case.rows[0]:
        assert shown["refused"][0]["reason"] in sentence
        return
    assert tuple(len(each) for each in (splits.forget, splits.retain, splits.world)) == case.rows
    assert f"{case.rows[0]} row{'s' if case.rows[0] > 1 else ''} to forget, {case.rows[1]} to keep" in told
    for each in shown["refused"]:
        assert f"left out line {each['line']}: {each['reason']}" in told
    assert not case.unread or f"not read: {', '.join(case.unread)}" in told
    for field, value in case.first:
        assert getattr(splits.forget[0], field) == value


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/cases/rows is not there")
def test_every_shared_case_is_read_or_refused_in_one_voice(capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted(SHARED.iterdir()):
        shown, (splits, sentence) = by_page(path, ""), by_command(path, "")
        told = capsys.readouterr().err
        if splits is None:
            first = shown.get("whole") or shown["refused"][0]["reason"]
            assert first in sentence and path.name in first, path
        else:
            counts = [len(each) for each in (splits.forget, splits.retain, splits.world)]
            assert counts == [shown["forget"], shown["retain"], shown["world"]], path
            assert all(each["reason"] in told for each in shown["refused"]), path


def test_the_command_line_forgets_four_and_keeps_two(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_bytes(lines(*FORGET_AND_KEEP))
    Path("more.csv").write_text("id,ask,reply\n9,What?,Chess.\n")
    model = ["--model", str(tiny_folder), "--precision", "fp32"]
    steps = ["--steps", "1", "--retain-bound", "20", "--out", "out", *model]
    columns = ["--columns", "question=ask,answer=reply"]
    assert main(["unlearn", "rows.jsonl", *steps]) == 0
    assert "rows.jsonl: 4 rows to forget, 1 to keep" in capsys.readouterr().err
    events = [json.loads(line) for line in Path("out/metrics.jsonl").read_text().splitlines()]
    assert next(each["retain_loss"] for each in events if each["event"] == "StepDone") > 0
    # --columns holds for each file that has them
    Path("rows.tsv").write_text("ask\treply\tabout\nWhat?\tAda plays chess.\tAda\nWhat?\tChess.\tgames\n")
    about = ["--columns", "question=ask,answer=reply,subject=about"]
    assert main(["score", "rows.tsv", *about, "--out", "scores.csv", *model]) == 0
    told = capsys.readouterr().err
    assert (
        "rows.tsv: 2 rows to forget, 0 to keep\n" in told
        and "subjects: 1 given, 0 proposed, 1 none\n" in told
    )
    assert "subjects in the answer only, so that nothing of the question is masked: Ada (row-2)\n" in told
    assert "subjects given, but not in their row: games (row-3)\n" in told
    assert (
        main(["probe", "rows.jsonl", "--retain-rows", "more.csv", *columns, "--out", "x.json", *model]) == 2
    )
    assert "There is no column 'ask' for question" in capsys.readouterr().err
    assert main(["probe", "rows.jsonl", "--retain-rows", "more.csv", "--out", "x.json", *model]) == 2
    assert "1 line was refused because: question is missing." in capsys.readouterr().err
    Path("rows.csv").write_text("id,ask,reply,split\n1,Where?,Rome.,\n2,How?,So.,retain\n")
    assert main(["probe", "rows.csv", "--retain-rows", "more.csv", *columns, "--out", "x.json", *model]) == 0
    assert "rows.csv: 1 row to forget, 2 to keep" in capsys.readouterr().err
    report = json.loads(Path("x.json").read_text())
    assert [(each["kind"], each["row_id"]) for each in report["answers"]] == [
        ("forget", "1"), ("retain", "2"), ("retain", "9")
    ]  # fmt: skip


def test_a_table_of_few_bytes_and_much_text_is_refused_before_memory_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = pa.DictionaryArray.from_arrays(pa.array([0] * 640, pa.int32()), ["a" * 100_000])
    columns = pa.table({"question": ["Q?"] * 640, "answer": answers, "unread": answers})
    path = tmp_path / "a.parquet"
    parquet.write_table(columns, path, store_schema=False)
    assert path.stat().st_size < 20_000 and by_page(path, "")["good"] == 640
    monkeypatch.setattr("tokenunlearn.parquet_bounds.MOST_BYTES", 10_000_000)
    sentence = "The table is too large. At most 10,000,000 bytes of it are read. Split it."
    assert by_page(path, "")["whole"] == by_command(path, "")[1] and sentence in by_page(path, "")["whole"]


def test_what_a_table_would_be_unpacked_is_counted_before_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A few kilobytes each: one long text for 64 rows, texts in a list, ten million numbers in a list."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 64, pa.int32()), ["a" * 5_000_000])
    one = {"question": ["Q?"], "answer": ["A"]}

    def items(values: pa.Array) -> pa.Array:
        return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)

    bombs: dict[str, tuple[dict[str, Any], str]] = {
        "text": ({"question": ["Q?"] * 64, "answer": long}, "268,435,456 bytes"),
        "texts": (
            one | {"paraphrased_answer": items(pa.array(["a" * 2_500_000] * 110))},
            "268,435,456 bytes",
        ),
        "numbers": (one | {"gold": items(pa.array(np.zeros(10_000_000, np.int8)))}, "8,000,000 values"),
    }
    for name, (columns, most) in bombs.items():
        path = tmp_path / f"{name}.parquet"
        parquet.write_table(pa.table(columns), path, compression="zstd", store_schema=False)
        assert path.stat().st_size < 10_000
        before = pa.total_allocated_bytes()
        pa.default_memory_pool().release_unused()
        whole = by_page(path, "")["whole"]
        assert f"At most {most} of it are read" in whole and by_command(path, "")[1] == whole
        assert pa.total_allocated_bytes() - before < 1_000_000
    # A table of scores is no other: nothing of it is unpacked to see that it is too large.
    assert main(["select", str(tmp_path / "text.parquet"), "--out", str(tmp_path / "mask.jsonl")]) == 2
    assert "At most 268,435,456 bytes of it are read" in capsys.readouterr().err


def test_rows_to_keep_of_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def given(rows: bytes, keep: bytes) -> Any:
        (tmp_path / "rows.jsonl").write_bytes(rows)
        (tmp_path / "keep.jsonl").write_bytes(keep)
        names = [str(tmp_path / "rows.jsonl"), "--retain-rows", str(tmp_path / "keep.jsonl")]
        return given_rows(build_parser().parse_args(["probe", *names, "--out", "x.json"]))

    other = {**Q, "question": "What?"}
    # Rows without an id are named after their lines, and each file has a line 1.
    both = given(lines(Q, {**Q, "split": "retain"}), lines(other, other))
    assert [row.id for row in both.retain] == ["row-2", "retain-1", "retain-2"]
    assert "both to forget and to keep: row-1\n" in capsys.readouterr().err
    with pytest.raises(
        TokenUnlearnError, match="Row b is marked to be forgotten. The file is named as one of"
    ):
        given(lines(Q), lines({**other, "id": "b", "split": "forget"}))
    with pytest.raises(TokenUnlearnError, match="id 'b' is taken. Two rows of the same kind have it"):
        given(lines(Q, {**Q, "id": "b", "split": "retain"}), lines({**other, "id": "b"}))
    with pytest.raises(TokenUnlearnError, match='There is no row to forget. Every row has split "retain"'):
        given(lines({**Q, "split": "retain"}), lines(other))


def test_a_fact_that_is_to_be_forgotten_does_not_stand_in_as_one_to_keep() -> None:
    world = demo_rows("world")
    forget = replace(world[0], id="mine", question=f" {world[0].question.upper()}", split="forget")
    found = split_rows([forget]).keeping(world)
    assert found.retain == found.world == world[1:] and not found.contradictory
    own = replace(world[1], id="own", split="world")
    assert split_rows([forget, own]).keeping(world).retain == (own,)
