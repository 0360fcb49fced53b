"""Files that have no end, or are none: each is answered in a sentence at once, and nothing is read of it.

Whoever reads a file that a person names goes through `tokenunlearn/contents.py`. Files of a run's folder:
tests/faults/test_damaged_files.py, each as a pipe too.
"""

import gzip
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.test_outputs import PAIRS, named, place_of, refused, words_of
from tokenunlearn import contents
from tokenunlearn.cli.outputs import Output
from tokenunlearn.data.files import read_rows
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.learned.scorer_files import read_scorer
from tokenunlearn.masks import read_header
from tokenunlearn.models.adapter_files import read_adapter
from tokenunlearn.table import read_table


@contextmanager
def at_once(seconds: int = 20) -> Iterator[None]:
    """Fail where it is waited for what never comes."""

    def late(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


ENDLESS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a circle": lambda path: path.symlink_to(path.name),
    "a sparse file": lambda path: _sparse(path),
    "a folder": Path.mkdir,
}
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "rows": ("a.jsonl", read_rows),
    "a table": ("a.parquet", read_table),
    "a table as text": ("a.jsonl", read_table),
    "a mask": ("a.jsonl", read_header),
    "a scorer": ("a.safetensors", read_scorer),
    "an adapter": ("adapter_config.json", lambda path: read_adapter(path.parent)),
}


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, contents.MOST_BYTES + 1)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ENDLESS)
def test_what_has_no_end_is_refused_by_each_reader(kind: str, reader: str, tmp_path: Path) -> None:
    name, read = READERS[reader]
    ENDLESS[kind](tmp_path / name)
    with at_once(), pytest.raises(TokenUnlearnError) as told:
        read(tmp_path / name)
    assert str(tmp_path) in str(told.value) or name in str(told.value)


@pytest.mark.parametrize(("verb", "output", "action"), PAIRS, ids=named(PAIRS))
def test_no_verb_waits_for_a_pipe(
    verb: str, output: Output, action: object, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "adapter_config.json").write_text("{}")
    os.mkfifo("pipe.jsonl")
    with at_once():
        said = refused(words_of(verb, output, place_of(verb, output), action, "pipe.jsonl"), capsys)
    assert "This is not a regular file" in said and "pipe.jsonl" in said


ROW = {"question": "Who?", "answer": "It was Ada."}
DEEP = b"[" * 100_000 + b"]" * 100_000
# What stands in a file of rows → what is said of it; "" where it is read.
CONTENTS: dict[str, tuple[str, bytes, str]] = {
    "packed": ("a.jsonl", gzip.compress(json.dumps(ROW).encode()), "The file is not UTF-8 text"),
    "a long line": ("a.jsonl", b'{"question": "' + b"q" * 10_000_000, "The line is not JSON"),
    "a long text": (
        "a.jsonl",
        json.dumps({**ROW, "answer": "a" * 10_000_000}).encode(),
        "answer has 10,000,000",
    ),
    "a long cell": ("a.csv", b"question,answer\nQ," + b"a" * 10_000_000, "answer has 10,000,000"),
    "deep lines": ("a.jsonl", DEEP, "The line is not JSON"),
    "deep JSON": ("a.json", DEEP, "The file is not JSON"),
    "deep cells": ("a.csv", b'question,answer,gold\nQ,A,"' + DEEP + b'"\n', "gold is"),
    "beyond floats": ("a.jsonl", b'{"question": "Q", "answer": "A", "gold": [[0, 1e999]]}', "gold[0]"),
    "no number": ("a.jsonl", b'{"question": "Q", "answer": "A", "gold": [[NaN, 1]]}', "gold[0]"),
    "NUL": ("a.csv", b"question,answer\n\0,\0\n", ""),
    "wide": ("a.csv", "question,answer\r\nQ,A\r\n".encode("utf-16"), ""),
    "wide without a mark": ("a.csv", "question,answer\r\nQ,A\r\n".encode("utf-16-le"), "question is missing"),
    "a mark": ("a.jsonl", b"\xef\xbb\xbf" + json.dumps(ROW).encode(), ""),
    "carriage returns": ("a.csv", b"question,answer\rQ,A\r", ""),
    "one half of a pair": ("a.jsonl", b'{"question": "\\udfff", "answer": "A"}', "question holds a broken"),
    "a half name": ("a.jsonl", b'{"question": "Q", "answer": "A", "\\ud800": 1}', ""),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_odd_contents_are_rows_or_a_sentence(case: str, tmp_path: Path) -> None:
    name, content, said = CONTENTS[case]
    (tmp_path / name).write_bytes(content)
    with at_once():
        if not said:
            assert len(read_rows(tmp_path / name).rows) == 1
            return
        with pytest.raises(TokenUnlearnError) as told:
            read_rows(tmp_path / name)
    assert said in str(told.value)
    assert len(str(told.value)) < 2000


@pytest.mark.parametrize(
    "name", ["a\nb.jsonl", "🙂.jsonl", " .jsonl", "-x.jsonl", "a=b.jsonl", "demo=x.jsonl"]
)
def test_odd_names_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(json.dumps(ROW))
    assert len(read_rows(tmp_path / name).rows) == 1


def test_an_empty_file_is_answered_with_an_example_of_its_own_kind(tmp_path: Path) -> None:
    examples = {
        "a.csv": "question,answer",
        "b.tsv": "question and a tab before answer",
        "c.json": '[{"question": "…", "answer": "…"}]',
        "d.jsonl": 'one row a line: {"question"',
    }
    for name, example in examples.items():
        header = {".csv": "question,answer\n", ".tsv": "question\tanswer\n"}.get(name[1:], "")
        for text in {"", header}:
            (tmp_path / name).write_text(text)
            with pytest.raises(TokenUnlearnError) as told:
                read_rows(tmp_path / name)
            assert "The file is empty" in str(told.value) and example in str(told.value)
